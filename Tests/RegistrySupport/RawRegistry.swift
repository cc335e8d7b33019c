internal import GRDB

@testable import RegistryOnSQLite

/// The file as SQL alone sees it: how these tests play an older version, another program,
/// or somebody at SQLite's shell.
package struct RawRegistry: Sendable {
    private let connection: DatabaseQueue

    /// Opens or makes the file; with `schema`, at that version and none newer.
    package init(path: String, schema: Int? = nil) throws {
        connection = try DatabaseQueue(path: path)
        guard let schema else { return }
        try connection.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try RegistrySchema.migrate(db, path: path, to: schema)
        }
    }

    package func execute(_ sql: String) throws {
        try connection.writeWithoutTransaction { try $0.execute(sql: sql) }
    }

    /// The first column of every row.
    package func texts(_ sql: String) throws -> [String] {
        try connection.writeWithoutTransaction { try String.fetchAll($0, sql: sql) }
    }
}
