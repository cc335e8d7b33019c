import Bytes
package import Clients
internal import GRDB
import Identifiers

/// The registered clients, in one SQLite file that several processes may share.
///
/// What a call has acknowledged is on disk, and so is the line about it in the audit log: both come
/// in one transaction. Safe to call from any thread; a call waits for other writers for up to five
/// seconds.
///
/// Every change takes who makes it and when; without a time, it is now by the system's clock.
package final class ClientRegistry: Sendable {
    /// Where the file lies.
    package let path: String
    let pool: DatabasePool
    private static let usedTokenIDBytesMax = 1024

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

    /// Stores a new client: one that an operator adds, or that was registered over HTTP.
    ///
    /// - Throws: `RegistryError`; `.tooManyRegistrations` where its registrar has as many already
    ///   as it may, `.originTaken` where a client over HTTP wants an origin that another has.
    package func add(_ client: Client, by actor: Actor) throws(RegistryError) {
        try write { db in
            let id = client.clientID.string
            guard try !ClientRows.exists(db, id: id) else {
                throw RegistryError.clientExists(id: id)
            }
            if let registrar = client.registration?.registrar {
                try RegistrationRows.refuseTooMany(db, of: registrar.string)
            }
            let stamp = AuditStamp(actor: actor, at: client.createdAt)
            try Self.settleOrigins(db, client.origins, of: id, stamp)
            try ClientRows.insert(db, client)
            let action = client.registration == nil ? "client.add" : "client.register"
            try AuditRows.append(db, action, id, AuditDetails.added(client), stamp)
        }
    }

    /// Decides whose origins are that a client is to list, of which it `had` some before. Those too
    /// an operator takes from others.
    static func settleOrigins(
        _ db: Database, _ origins: [ByteText], of id: String, had: [ByteText] = [],
        _ stamp: AuditStamp
    ) throws {
        if stamp.actor.share == nil {
            try OriginRows.take(db, origins, for: id, stamp)
        } else {
            let known = Set(had)
            try OriginRows.refuseTaken(db, origins.filter { !known.contains($0) }, by: id)
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

    /// Whether a token is marked as used, by its `jti`. That it is not says nothing about the
    /// moment after: only `markTokenUsed` tells who is first.
    package func isTokenUsed(id: String) throws(RegistryError) -> Bool {
        try read { db in
            let select = try db.cachedStatement(sql: "SELECT 1 FROM used_token WHERE id = ?")
            return try Row.fetchOne(select, arguments: [id]) != nil
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
        guard id.utf8.count <= Self.usedTokenIDBytesMax else {
            throw .refused(reason: "a token's id has at most \(Self.usedTokenIDBytesMax) bytes")
        }
        return try write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO used_token VALUES (?, ?)", arguments: [id, expiresAt])
            return db.changesCount == 1
        }
    }

    /// Drops what ended before `now`, in seconds since the Unix epoch: marks of tokens, and
    /// revocations. Take the verifiers' leeway off it. The audit log is never shortened.
    ///
    /// - Returns: How many rows were dropped.
    @discardableResult
    package func purgeExpired(atSecondsSinceEpoch now: Int64) throws(RegistryError) -> Int {
        try write { db in
            try db.execute(sql: "DELETE FROM used_token WHERE expires_at < ?", arguments: [now])
            return db.changesCount + (try RevocationRows.purge(db, expiredBefore: now))
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(RegistryError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw RegistryError(error, path: path)
        }
    }

    /// One transaction: all of `body` is on disk when this returns, or nothing of it ever.
    func write<Value>(_ body: (Database) throws -> Value) throws(RegistryError) -> Value {
        do {
            return try pool.write(body)
        } catch {
            throw RegistryError(error, path: path)
        }
    }
}
