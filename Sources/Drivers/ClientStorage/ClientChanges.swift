package import Bytes
package import Clients
internal import GRDB
import Glibc

/// Changes of clients that are registered already.
extension ClientRegistry {
    /// Changes what a client is granted or called; its secrets stay. What changes nothing writes
    /// nothing, not even to the audit log.
    ///
    /// - Returns: The client from now on.
    @discardableResult
    package func update(
        id: String, _ update: ClientUpdate, by actor: Actor,
        atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) -> Client {
        try write { db in
            let before = try Self.existing(db, id: id)
            let client = update.applied(to: before)
            let stamp = AuditStamp(actor: actor, at: now)
            try Self.settleOrigins(db, update.origins ?? [], of: id, had: before.origins, stamp)
            guard client != before else { return client }
            try ClientRows.update(db, to: client)
            try AuditRows.append(db, "client.update", id, AuditDetails.changed(update), stamp)
            return client
        }
    }

    /// Takes origins that are the service's own from clients that registered themselves.
    package func keepOrigins(
        _ origins: [ByteText], atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try write { db in
            try OriginRows.take(db, origins, for: nil, AuditStamp(actor: .server, at: now))
        }
    }

    /// Adds a secret and dates the end of the one before.
    ///
    /// - Parameters:
    ///   - id: The client.
    ///   - digest: SHA-256 of the new secret.
    ///   - now: Seconds since the Unix epoch.
    ///   - graceSeconds: How long the secret before stays good, 0 to a year.
    ///   - actor: Who does it.
    /// - Returns: The client's secrets from now on.
    /// - Throws: `RegistryError`; `.refused` when the grace is out of range.
    @discardableResult
    package func rotateSecret(
        id: String, digest: [UInt8], atSecondsSinceEpoch now: Int64, graceSeconds: Int64,
        by actor: Actor
    ) throws(RegistryError) -> SecretRotation {
        try write { db in
            let client = try Self.existing(db, id: id)
            do {
                let rotation = try SecretRotation(
                    of: client.secrets, adding: digest, atSecondsSinceEpoch: now,
                    graceSeconds: graceSeconds)
                try ClientRows.replaceSecrets(db, id: id, with: rotation.secrets)
                try AuditRows.append(
                    db, "client.rotate_secret", id, AuditDetails.rotated(rotation),
                    AuditStamp(actor: actor, at: now))
                return rotation
            } catch let error as RegistrationError {
                throw RegistryError.refused(reason: error.description)
            }
        }
    }

    /// Refuses the client tokens and, through those who follow the registry, closes its sockets.
    package func disable(
        id: String, by actor: Actor,
        atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try setEnabled(id: id, false, AuditStamp(actor: actor, at: now))
    }

    /// Takes `disable` back.
    package func enable(
        id: String, by actor: Actor,
        atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try setEnabled(id: id, true, AuditStamp(actor: actor, at: now))
    }

    /// Forgets the client, its secrets and its keys for good. The audit log keeps its name.
    package func remove(
        id: String, by actor: Actor,
        atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try write { db in
            let client = try Self.existing(db, id: id)
            try ClientRows.remove(db, id: id)
            try AuditRows.append(
                db, "client.remove", id, AuditDetails.removed(client),
                AuditStamp(actor: actor, at: now))
        }
    }

    private func setEnabled(
        id: String, _ isEnabled: Bool, _ stamp: AuditStamp
    ) throws(RegistryError) {
        try write { db in
            guard try Self.existing(db, id: id).isEnabled != isEnabled else { return }
            try ClientRows.setEnabled(db, id: id, isEnabled)
            let action = isEnabled ? "client.enable" : "client.disable"
            try AuditRows.append(db, action, id, "", stamp)
        }
    }

    private static func existing(_ db: Database, id: String) throws -> Client {
        guard let client = try ClientRows.client(db, id: id) else {
            throw RegistryError.clientUnknown(id: id)
        }
        return client
    }
}

/// The time of a change that came without one.
package enum SystemClock {
    /// Seconds since the Unix epoch.
    package static func seconds() -> Int64 { Int64(time(nil)) }
}
