import Bytes
package import Clients
import FoundationEssentials
internal import GRDB

extension RegistryOnSQLite: CopiedRegistry {
    /// Opens a file for what is to be copied into it: one that is filled in part is welcome. It is
    /// made where it is missing.
    package convenience init(toBeFilledAt path: String) throws(RegistryFailure) {
        try self.init(path: path, mustExist: false, pageCountMax: nil, mayBeUnfinished: true)
    }

    package func readTables<Value>(
        _ body: (any RegistryTables) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try RegistryFailure.of(path) { try pool.read { try body(SQLiteTables(db: $0)) } }
    }

    package func writeTables<Value>(
        _ body: (any RegistryTables) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try RegistryFailure.of(path) { try pool.write { try body(SQLiteTables(db: $0)) } }
    }

    /// Refuses a registry that is filled only in part.
    static func checkFinished(_ pool: DatabasePool, path: String) throws {
        // By the connection that is there: a reader would go on reading a file that is moved away.
        let unfinished = try pool.writeWithoutTransaction { db in
            try SQLiteTables(db: db).unfinishedCopy()
        }
        guard unfinished == nil else { throw RegistryFailure.copyUnfinished(path) }
    }
}

/// The registry's tables in one transaction of SQLite.
struct SQLiteTables: RegistryTables {
    let db: Database

    func page(
        of table: RegistryTable, after key: RegistryTable.Key?, limit: Int
    ) throws -> [RegistryTable.Row] {
        let names = Self.names(table.key)
        let start = key.map { _ in "WHERE (\(names)) > (\(Self.marks(table.key)))" } ?? ""
        let select = try db.cachedStatement(
            sql: """
                SELECT \(table.columns.map(Self.selected).joined(separator: ", "))
                FROM \(table.name) \(start) ORDER BY \(names) LIMIT ?
                """)
        let arguments = (key ?? []).map(Self.argument) + [limit]
        let rows = try Row.fetchCursor(select, arguments: StatementArguments(arguments))
        var found: [RegistryTable.Row] = []
        while let row = try rows.next() {
            found.append(
                table.columns.enumerated().map { Self.value(row, $0.offset, $0.element.kind) })
        }
        return found
    }

    func count(of table: RegistryTable) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table.name)") ?? 0
    }

    func insert(_ rows: [RegistryTable.Row], into table: RegistryTable) throws {
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO \(table.name) (\(Self.names(table.columns)))
                VALUES (\(Self.marks(table.columns)))
                """)
        for row in rows {
            try insert.execute(arguments: StatementArguments(row.map(Self.argument)))
        }
    }

    func remove(_ keys: [RegistryTable.Key], from table: RegistryTable) throws {
        let delete = try db.cachedStatement(
            sql: """
                DELETE FROM \(table.name) WHERE (\(Self.names(table.key)))
                    = (\(Self.marks(table.key)))
                """)
        for key in keys {
            try delete.execute(arguments: StatementArguments(key.map(Self.argument)))
        }
    }

    func moment() throws -> RegistryMoment {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT identity, revision, removal_revision, revocations_purged_before,
                    (SELECT coalesce(max(id), 0) FROM audit), (SELECT count(*) FROM used_token)
                FROM registry
                """)
        guard let row else { throw UnreadableRow() }
        return RegistryMoment(
            identity: ByteText(row[0] as String), revision: row[1], removalRevision: row[2],
            revocationsPurgedBefore: row[3], auditEnd: row[4], usedTokenCount: row[5])
    }

    func unfinishedCopy() throws -> UnfinishedCopy? {
        let row = try Row.fetchOne(db, sql: "SELECT copy_source, copy_run FROM registry")
        guard let source = row?[0] as String?, let run = row?[1] as Int64? else { return nil }
        return UnfinishedCopy(source: ByteText(source), run: run)
    }

    func begin(_ copy: UnfinishedCopy) throws {
        try db.execute(
            sql: "UPDATE registry SET copy_source = ?, copy_run = ?",
            arguments: [copy.source.string, copy.run])
    }

    func finish(at moment: RegistryMoment) throws {
        try db.execute(
            sql: """
                UPDATE registry SET identity = ?, revision = ?, removal_revision = ?,
                    revocations_purged_before = ?, copy_source = NULL, copy_run = NULL
                """,
            arguments: [
                moment.identity.string, moment.revision, moment.removalRevision,
                moment.revocationsPurgedBefore,
            ])
    }

    private static func names(_ columns: [RegistryTable.Column]) -> String {
        columns.map(\.name).joined(separator: ", ")
    }

    private static func marks(_ columns: [RegistryTable.Column]) -> String {
        columns.map { _ in "?" }.joined(separator: ", ")
    }

    /// Texts as their bytes, which nothing repairs.
    private static func selected(_ column: RegistryTable.Column) -> String {
        column.kind == .text ? "CAST(\(column.name) AS BLOB)" : column.name
    }

    private static func value(
        _ row: Row, _ place: Int, _ kind: RegistryTable.Column.Kind
    ) -> RegistryValue {
        guard !row.hasNull(atIndex: place) else { return .null }
        switch kind {
        case .number: return .number(row[place])
        case .truth: return .truth(row[place])
        case .bytes: return .bytes(Array(row[place] as Data))
        case .text:
            let bytes = Array(row[place] as Data)
            return ByteText(bytes.span).map { .text($0) } ?? .bytes(bytes)
        }
    }

    private static func argument(_ value: RegistryValue) -> (any DatabaseValueConvertible)? {
        switch value {
        case .null: nil
        case .number(let number): number
        case .truth(let truth): truth
        case .text(let text): text.string
        case .bytes(let bytes): Data(bytes)
        }
    }
}
