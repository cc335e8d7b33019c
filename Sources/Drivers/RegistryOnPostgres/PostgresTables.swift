import Bytes
package import Clients

extension RegistryOnPostgres: CopiedRegistry {
    /// Looks whether what is to be filled can be used: one that is filled in part is welcome.
    package convenience init(
        toBeFilled target: PostgresTarget, random: @escaping @Sendable () -> Int64
    ) throws(RegistryFailure) {
        try self.init(PostgresPool(target, isForFilling: true), random: random)
    }

    package func readTables<Value>(
        _ body: (any RegistryTables) throws -> Value
    ) throws(RegistryFailure) -> Value {
        do {
            // On a connection of its own, which is closed after it.
            let connection = try pool.open(until: PostgresDeadline(after: Self.connectTime))
            try connection.run(
                script: """
                    BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
                    SET LOCAL idle_in_transaction_session_timeout = 600000
                    """, until: PostgresDeadline(after: Self.workTime))
            return try body(PostgresTables(connection, until: nil, attempt: 0, random: random))
        } catch {
            throw Self.failure(error)
        }
    }

    package func writeTables<Value>(
        _ body: (any RegistryTables) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try write { rows in
            guard let rows = rows as? PostgresRows else { throw PostgresFault.unexpected }
            return try body(
                PostgresTables(
                    rows.connection, until: rows.deadline, attempt: rows.attempt.number,
                    random: random))
        }
    }
}

extension PostgresConnection {
    /// Refuses a registry that is filled only in part.
    func checkFinished(until deadline: PostgresDeadline) throws(PostgresFault) {
        let rows = try execute("SELECT copy_source IS NULL FROM registry", until: deadline)
        guard try rows.first?.truth(0) == true else { throw .unfinishedCopy }
    }
}

/// The registry's tables in one transaction of PostgreSQL.
struct PostgresTables: RegistryTables {
    /// Tables whose rows bear a number of the attempt in which they were written.
    private static let withAttempt: Set<ByteText> = ["audit", "used_token"]
    /// How many go into one statement, which costs a round trip: of few lengths, so that few are
    /// prepared.
    private static let rowsPerStatement = [100, 10, 1]
    private static let statementTime = Duration.seconds(10)

    private let connection: PostgresConnection
    /// Of all that is asked; nil: of each statement alone.
    private let deadline: PostgresDeadline?
    private let attempt: Int64
    private let random: @Sendable () -> Int64

    init(
        _ connection: PostgresConnection, until deadline: PostgresDeadline?, attempt: Int64,
        random: @escaping @Sendable () -> Int64
    ) {
        self.connection = connection
        self.deadline = deadline
        self.attempt = attempt
        self.random = random
    }

    @discardableResult
    private func execute(
        _ sql: String, _ values: [PostgresValue] = []
    ) throws(PostgresFault) -> [PostgresRow] {
        try connection.execute(
            sql, values, until: deadline ?? PostgresDeadline(after: Self.statementTime))
    }

    func page(
        of table: RegistryTable, after key: RegistryTable.Key?, limit: Int
    ) throws -> [RegistryTable.Row] {
        let names = Self.names(table.key)
        let start = key.map { _ in "WHERE (\(names)) > (\(Self.marks(table.key.count, from: 2)))" }
        let found = try execute(
            """
            SELECT \(Self.names(table.columns)) FROM \(table.name)
            \(start ?? "") ORDER BY \(names) LIMIT $1
            """, [.number(Int64(limit))] + (key ?? []).map(Self.sent))
        return try found.map { row in
            try table.columns.enumerated().map {
                try Self.value(row, $0.offset, $0.element.kind)
            }
        }
    }

    func count(of table: RegistryTable) throws -> Int {
        Int(try execute("SELECT count(*) FROM \(table.name)").first?.number(0) ?? 0)
    }

    func insert(_ new: [RegistryTable.Row], into table: RegistryTable) throws {
        let hasAttempt = Self.withAttempt.contains(ByteText(table.name))
        let names = Self.names(table.columns) + (hasAttempt ? ", attempt" : "")
        let attempt = hasAttempt ? [PostgresValue.number(self.attempt)] : []
        var left = new[...]
        while let count = Self.rowsPerStatement.first(where: { $0 <= left.count }) {
            let width = table.columns.count + attempt.count
            let places = (0..<count).map { "(\(Self.marks(width, from: $0 * width + 1)))" }
            try execute(
                """
                INSERT INTO \(table.name) (\(names))
                VALUES \(places.joined(separator: ", "))
                """, left.prefix(count).flatMap { $0.map(Self.sent) + attempt })
            left = left.dropFirst(count)
        }
    }

    func remove(_ keys: [RegistryTable.Key], from table: RegistryTable) throws {
        var left = keys[...]
        while let count = Self.rowsPerStatement.first(where: { $0 <= left.count }) {
            let width = table.key.count
            let places = (0..<count).map { "(\(Self.marks(width, from: $0 * width + 1)))" }
            try execute(
                """
                DELETE FROM \(table.name)
                WHERE (\(Self.names(table.key))) IN (\(places.joined(separator: ", ")))
                """, left.prefix(count).flatMap { $0.map(Self.sent) })
            left = left.dropFirst(count)
        }
    }

    func moment() throws -> RegistryMoment {
        let found = try execute(
            """
            SELECT identity, revision, removal_revision, revocations_purged_before,
                (SELECT coalesce(max(id), 0) FROM audit), (SELECT count(*) FROM used_token)
            FROM registry
            """)
        guard let row = found.first else { throw PostgresFault.unexpected }
        return RegistryMoment(
            identity: ByteText(try row.text(0)), revision: try row.number(1),
            removalRevision: try row.number(2), revocationsPurgedBefore: try row.number(3),
            auditEnd: try row.number(4), usedTokenCount: try row.number(5))
    }

    func unfinishedCopy() throws -> UnfinishedCopy? {
        let found = try execute("SELECT copy_source, copy_run FROM registry")
        guard let row = found.first, let source = try row.textIfAny(0),
            let run = try row.numberIfAny(1)
        else { return nil }
        return UnfinishedCopy(source: ByteText(source), run: run)
    }

    func begin(_ copy: UnfinishedCopy) throws {
        // Whoever connects while this transaction is under way waits, and is refused after it.
        let alone = try execute(
            "SELECT pg_try_advisory_xact_lock($1)", [.number(PostgresSchema.usersLock)])
        guard try alone.first?.truth(0) == true else {
            throw RegistryCopyFault.targetInUse.failure
        }
        try execute(
            "UPDATE registry SET copy_source = $1, copy_run = $2",
            [.text(copy.source.string), .number(copy.run)])
    }

    func finish(at moment: RegistryMoment) throws {
        try execute(
            """
            UPDATE registry SET identity = $1, revision = $2, removal_revision = $3,
                revocations_purged_before = $4, audit_id = $5, copy_source = NULL, copy_run = NULL
            """,
            [
                .text(moment.identity.string), .number(moment.revision),
                .number(moment.removalRevision), .number(moment.revocationsPurgedBefore),
                .number(moment.auditEnd),
            ])
        // Who knew another registry in this place sees by its number that this one is not it.
        try execute("DELETE FROM change")
        try execute(
            "INSERT INTO change VALUES ($1, $2)",
            [.number(moment.revision), .number(random())])
        try execute("SELECT pg_notify('usher', '')")
    }

    private static func names(_ columns: [RegistryTable.Column]) -> String {
        columns.map(\.name).joined(separator: ", ")
    }

    private static func marks(_ count: Int, from first: Int) -> String {
        (first..<(first + count)).map { "$\($0)" }.joined(separator: ", ")
    }

    private static func value(
        _ row: PostgresRow, _ place: Int, _ kind: RegistryTable.Column.Kind
    ) throws(PostgresFault) -> RegistryValue {
        guard !row.isNull(place) else { return .null }
        switch kind {
        case .number: return .number(try row.number(place))
        case .truth: return .truth(try row.truth(place))
        case .bytes: return .bytes(try row.bytes(place))
        case .text: return .text(ByteText(try row.text(place)))
        }
    }

    private static func sent(_ value: RegistryValue) -> PostgresValue {
        switch value {
        case .null: .null
        case .number(let number): .number(number)
        case .truth(let truth): .truth(truth)
        case .text(let text): .text(text.string)
        case .bytes(let bytes): .bytes(bytes)
        }
    }
}
