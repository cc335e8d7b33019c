package import Clients
internal import GRDB
import Identifiers

/// Revocations and the audit log.
extension ClientRegistry {
    /// Refuses tokens that are out. What is revoked already is revoked once, and logged once.
    ///
    /// Of all tokens of a client, its legacy ones too: they bear no date by which those of before
    /// could be told from those of later, so the secret under which they are good is removed.
    ///
    /// - Parameters:
    ///   - revocation: Which; of two about the same name, the later second and the later end hold.
    ///   - actor: Who does it.
    ///   - now: Seconds since the Unix epoch.
    /// - Throws: `RegistryError`; `.refused` for a name that no token can have, and
    ///   `.tooManyRevocations`, against which revoking everything of a subject or a client helps.
    package func revoke(
        _ revocation: Revocation, by actor: Actor, at now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        let bytes = revocation.name.utf8.count
        guard bytes >= 1, bytes <= Revocation.nameBytesMax else {
            throw .refused(
                reason: "what is revoked has a name of 1 to \(Revocation.nameBytesMax) bytes")
        }
        let stamp = AuditStamp(actor: actor, at: now)
        try write { db in
            try removeLegacySecret(db, revocation, stamp)
            guard try RevocationRows.insert(db, revocation, by: actor) else { return }
            try AuditRows.append(
                db, revocation.auditAction, revocation.name, AuditDetails.revoked(revocation),
                stamp)
        }
    }

    private func removeLegacySecret(
        _ db: Database, _ revocation: Revocation, _ stamp: AuditStamp
    ) throws {
        guard case .client(let id, _, _) = revocation,
            try ClientRows.removeLegacySecret(db, id: id.string)
        else { return }
        let update = try ClientUpdate(legacySecret: .remove)
        try AuditRows.append(db, "client.update", id.string, AuditDetails.changed(update), stamp)
    }

    /// Every revocation that has not been dropped yet, in the order in which they were made.
    package func revocations() throws(RegistryError) -> [Revocation] {
        try read { try RevocationRows.all($0) }
    }

    /// Adds a line about something that does not lie in the registry, such as a key.
    ///
    /// `action` is `THING.VERB`, stable across releases, and `target` the id of the thing;
    /// `details` are for people and never a secret. Texts that are longer than `AuditEntry` allows
    /// are cut. `now` is in seconds since the Unix epoch.
    package func appendAudit(
        action: String, target: String, details: String = "", by actor: Actor,
        at now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try write { db in
            try AuditRows.append(
                db, action, target, details, AuditStamp(actor: actor, at: now))
        }
    }

    /// The audit log after the line `id` (0: from its beginning), oldest first: up to `limit`
    /// lines, and no more than 10 000 at once.
    package func auditEntries(
        after id: Int64, limit: Int
    ) throws(RegistryError) -> [AuditEntry] {
        try read { try AuditRows.entries($0, after: id, limit: limit) }
    }

    /// The end of the audit log, oldest first; no more than 10 000 lines.
    package func latestAuditEntries(limit: Int) throws(RegistryError) -> [AuditEntry] {
        try read { try AuditRows.latest($0, limit: limit) }
    }
}
