package import Clients
internal import GRDB

/// The registered clients, in one SQLite file that several processes may share.
///
/// What a call has acknowledged is on disk. Safe to call from any thread; a call waits for other
/// writers for up to five seconds.
package final class ClientRegistry: Sendable {
    /// Where the file lies.
    package let path: String
    private let pool: DatabasePool

    /// Opens the registry and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - path: The file. Its folder is made when it is missing.
    ///   - mustExist: Whether a missing file is an error (`.notFound`) or made.
    /// - Throws: `RegistryError`, whose description says what to do. A file that is not ours stays
    ///   as it is.
    package convenience init(path: String, mustExist: Bool) throws(RegistryError) {
        try self.init(path: path, mustExist: mustExist, pageCountMax: nil)
    }

    /// For tests: `pageCountMax` plays a full disk.
    init(path: String, mustExist: Bool, pageCountMax: Int?) throws(RegistryError) {
        try RegistryFile.prepare(path: path, mustExist: mustExist)
        self.path = path
        pool = try RegistryConnections.openPool(path: path, pageCountMax: pageCountMax)
    }

    /// Stores a new client.
    package func add(_ client: Client) throws(RegistryError) {
        try write { db in
            guard try !ClientRows.exists(db, id: client.clientID) else {
                throw RegistryError.clientExists(id: client.clientID)
            }
            try ClientRows.insert(db, client)
        }
    }

    /// Every client, oldest first.
    package func list() throws(RegistryError) -> [Client] {
        try read { db in
            try ClientRows.ids(db).compactMap { try ClientRows.client(db, id: $0) }
        }
    }

    /// One client; nil where there is none.
    package func client(id: String) throws(RegistryError) -> Client? {
        try read { try ClientRows.client($0, id: id) }
    }

    /// One client, and the revision of the registry at which it was so.
    func snapshot(id: String) throws(RegistryError) -> (client: Client?, revision: Int64) {
        try read { (try ClientRows.client($0, id: id), try ClientRows.revision($0)) }
    }

    /// Adds a secret and dates the end of the one before.
    ///
    /// - Parameters:
    ///   - id: The client.
    ///   - digest: SHA-256 of the new secret.
    ///   - now: Seconds since the Unix epoch.
    ///   - graceSeconds: How long the secret before stays good, 0 to a year.
    /// - Returns: The client's secrets from now on.
    /// - Throws: `RegistryError`; `.refused` when the grace is out of range.
    @discardableResult
    package func rotateSecret(
        id: String, digest: [UInt8], atSecondsSinceEpoch now: Int64, graceSeconds: Int64
    ) throws(RegistryError) -> SecretRotation {
        try write { db in
            guard let client = try ClientRows.client(db, id: id) else {
                throw RegistryError.clientUnknown(id: id)
            }
            do {
                let rotation = try SecretRotation(
                    of: client.secrets, adding: digest, atSecondsSinceEpoch: now,
                    graceSeconds: graceSeconds)
                try ClientRows.replaceSecrets(db, id: id, with: rotation.secrets)
                return rotation
            } catch let error as RegistrationError {
                throw RegistryError.refused(reason: error.description)
            }
        }
    }

    /// Refuses the client tokens and, through those who follow the registry, closes its sockets.
    package func disable(id: String) throws(RegistryError) { try setEnabled(id: id, false) }

    /// Takes `disable` back.
    package func enable(id: String) throws(RegistryError) { try setEnabled(id: id, true) }

    /// Forgets the client and its secrets for good.
    package func remove(id: String) throws(RegistryError) {
        try write { db in
            try Self.requireClient(db, id: id)
            try ClientRows.remove(db, id: id)
        }
    }

    /// Marks a token as used.
    ///
    /// - Parameters:
    ///   - id: The token's `jti`.
    ///   - expiresAt: The token's end in seconds since the Unix epoch; kept until then.
    /// - Returns: Whether it was not marked before; exactly one of several callers gets true.
    /// - Throws: `RegistryError`: nothing is known then, and the token must not pass.
    package func markTokenUsed(id: String, expiresAt: Int64) throws(RegistryError) -> Bool {
        try write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO used_token VALUES (?, ?)", arguments: [id, expiresAt])
            return db.changesCount == 1
        }
    }

    /// Drops the marks of tokens that ended before `now`, in seconds since the Unix epoch: take the
    /// verifiers' leeway off it. Returns how many were dropped.
    @discardableResult
    package func purgeExpired(atSecondsSinceEpoch now: Int64) throws(RegistryError) -> Int {
        try write { db in
            try db.execute(sql: "DELETE FROM used_token WHERE expires_at < ?", arguments: [now])
            return db.changesCount
        }
    }

    private func setEnabled(id: String, _ isEnabled: Bool) throws(RegistryError) {
        try write { db in
            try Self.requireClient(db, id: id)
            try ClientRows.setEnabled(db, id: id, isEnabled)
        }
    }

    private static func requireClient(_ db: Database, id: String) throws {
        guard try ClientRows.exists(db, id: id) else { throw RegistryError.clientUnknown(id: id) }
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws(RegistryError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw RegistryError(error, path: path)
        }
    }

    private func write<Value>(_ body: (Database) throws -> Value) throws(RegistryError) -> Value {
        do {
            return try pool.write(body)
        } catch {
            throw RegistryError(error, path: path)
        }
    }
}
