import Clients
internal import GRDB

/// One connection that notices what others commit.
///
/// `PRAGMA data_version` is comparable only on one and the same connection, so this one serves
/// nothing else. After an error the next look starts with a fresh connection.
struct SQLiteWatch: RegistryWatch {
    private let path: String
    private let identity: RegistryFile.Identity?
    private var connection: DatabaseQueue?
    private var dataVersion: Int?

    init(path: String) {
        self.path = path
        identity = RegistryFile.identity(of: path)
    }

    let pollMilliseconds = 200

    /// Other processes wake nobody.
    func wakeup() -> RegistryWakeup { .never }

    mutating func look<Value>(
        onLoss: () -> Void, _ body: (any RegistryRows, _ isContinued: Bool) throws -> Value?
    ) throws(RegistryFailure) -> Value? {
        do {
            try checkIdentity()
            let connection = try connection ?? RegistryConnections.openReader(path: path)
            self.connection = connection
            let version = try connection.unsafeRead {
                try Int.fetchOne($0, sql: "PRAGMA data_version")
            }
            guard version != dataVersion else { return nil }
            let found = try connection.read { try body(SQLiteRows(db: $0), true) }
            dataVersion = version
            return found
        } catch {
            connection = nil
            dataVersion = nil
            throw RegistryFailure(error, path: path)
        }
    }

    /// A connection would go on reading a file that was moved away, and nobody would notice.
    private func checkIdentity() throws(SQLiteFault) {
        guard let found = RegistryFile.identity(of: path) else { throw .notFound(path: path) }
        guard let identity, found != identity else { return }
        throw .failed(
            path: path, reason: "another file lies there than at the start; start the server again")
    }
}
