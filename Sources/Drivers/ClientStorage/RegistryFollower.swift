import Bytes
import Clients
internal import GRDB

/// One connection that notices what others commit.
///
/// `PRAGMA data_version` is comparable only on one and the same connection, so this one serves
/// nothing else. Not for several threads at once.
struct RegistryFollower: ~Copyable {
    /// Revocations that a server may hold beyond those that are still in the registry.
    private static let surplusMax = 32_768

    private let path: String
    private let identity: RegistryFile.Identity?
    private var connection: DatabaseQueue?
    private var dataVersion: Int?

    init(path: String) {
        self.path = path
        identity = RegistryFile.identity(of: path)
    }

    /// Looks once: returns what is new since the revision `known` (nil before the first refresh) at
    /// the clients `ids` and among the revocations, of which `held` are known, or nil when nothing
    /// is. After an error the next look starts with a fresh connection.
    mutating func look(
        since known: Int64?, at ids: @autoclosure () -> Set<ByteText>, holding held: Int
    ) throws(RegistryError) -> (refresh: ClientCache.Refresh, asked: Set<ByteText>)? {
        do {
            try checkIdentity()
            let connection = try connection ?? RegistryConnections.openReader(path: path)
            self.connection = connection
            let version = try connection.unsafeRead {
                try Int.fetchOne($0, sql: "PRAGMA data_version")
            }
            guard version != dataVersion else { return nil }
            let asked = ids()
            let refresh = try connection.read {
                try Self.refresh($0, since: known, at: asked, holding: held)
            }
            dataVersion = version
            return refresh.map { ($0, asked) }
        } catch {
            connection = nil
            dataVersion = nil
            throw RegistryError(error, path: path)
        }
    }

    /// A connection would go on reading a file that was moved away, and nobody would notice.
    private func checkIdentity() throws(RegistryError) {
        guard let found = RegistryFile.identity(of: path) else { throw .notFound(path: path) }
        guard let identity, found != identity else { return }
        throw .failed(
            path: path, reason: "another file lies there than at the start; start the server again")
    }

    private static func refresh(
        _ db: Database, since known: Int64?, at ids: Set<ByteText>, holding held: Int
    ) throws -> ClientCache.Refresh? {
        let revision = try ClientRows.revision(db)
        guard revision != known else { return nil }
        var refresh = ClientCache.Refresh(revision: revision, changed: [:], removed: [])
        refresh.entries = try ClientRows.entries(db, since: known ?? -1)
        for entry in refresh.entries where ids.contains(entry.id) {
            refresh.changed[entry.id] = try ClientRows.client(db, id: entry.id.string)
        }
        // What others cover is taken out of the registry, and nobody is told which.
        refresh.isWhole = held > (try RevocationRows.count(db)) + surplusMax
        refresh.revocations = try RevocationRows.changed(
            db, since: refresh.isWhole ? -1 : known ?? -1)
        refresh.purgedBefore = try RevocationRows.purgedBefore(db)
        let removal = try Int64.fetchOne(db, sql: "SELECT removal_revision FROM registry") ?? 0
        guard removal > known ?? -1 else { return refresh }
        let remaining = Set(try ClientRows.ids(db).map(ByteText.init(_:)))
        refresh.removed = ids.subtracting(remaining)
        refresh.remaining = remaining
        return refresh
    }
}
