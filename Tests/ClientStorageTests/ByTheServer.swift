import ClientStorage
import Clients

/// Changes of which a test does not care who makes them.
extension ClientRegistry {
    func add(_ client: Client) throws(RegistryError) { try add(client, by: .server) }

    @discardableResult
    func update(
        id: String, _ update: ClientUpdate, atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) -> Client {
        try self.update(id: id, update, by: .server, atSecondsSinceEpoch: now)
    }

    @discardableResult
    func rotateSecret(
        id: String, digest: [UInt8], atSecondsSinceEpoch now: Int64, graceSeconds: Int64
    ) throws(RegistryError) -> SecretRotation {
        try rotateSecret(
            id: id, digest: digest, atSecondsSinceEpoch: now, graceSeconds: graceSeconds,
            by: .server)
    }

    func disable(
        id: String, atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try disable(id: id, by: .server, atSecondsSinceEpoch: now)
    }

    func enable(
        id: String, atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try enable(id: id, by: .server, atSecondsSinceEpoch: now)
    }

    func remove(
        id: String, atSecondsSinceEpoch now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try remove(id: id, by: .server, atSecondsSinceEpoch: now)
    }

    func revoke(
        _ revocation: Revocation, at now: Int64 = SystemClock.seconds()
    ) throws(RegistryError) {
        try revoke(revocation, by: .server, at: now)
    }
}
