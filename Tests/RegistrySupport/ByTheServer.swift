package import Clients
import Glibc
package import Identifiers

/// Changes of which a test does not care who makes them, or when.
extension Registry {
    package func add(_ client: Client) throws(RegistryFailure) { try add(client, by: .server) }

    @discardableResult
    package func update(
        id: ClientID, _ update: ClientUpdate, by actor: Actor = .server, at now: Int64? = nil
    ) throws(RegistryFailure) -> Client {
        try self.update(id: id, update, by: actor, at: now ?? seconds())
    }

    @discardableResult
    package func rotateSecret(
        id: ClientID, digest: [UInt8], atSecondsSinceEpoch now: Int64, graceSeconds: Int64
    ) throws(RegistryFailure) -> SecretRotation {
        try rotateSecret(
            id: id, digest: digest, graceSeconds: graceSeconds, by: .server, at: now)
    }

    package func disable(id: ClientID, by actor: Actor = .server) throws(RegistryFailure) {
        try disable(id: id, by: actor, at: seconds())
    }

    package func enable(id: ClientID, by actor: Actor = .server) throws(RegistryFailure) {
        try enable(id: id, by: actor, at: seconds())
    }

    package func remove(id: ClientID, by actor: Actor = .server) throws(RegistryFailure) {
        try remove(id: id, by: actor, at: seconds())
    }

    package func revoke(
        _ revocation: Revocation, by actor: Actor = .server
    ) throws(RegistryFailure) {
        try revoke(revocation, by: actor, at: seconds())
    }

    package func revoke(_ revocation: Revocation, at now: Int64) throws(RegistryFailure) {
        try revoke(revocation, by: .server, at: now)
    }
}

/// Since the Unix epoch.
package func seconds() -> Int64 { Int64(time(nil)) }
