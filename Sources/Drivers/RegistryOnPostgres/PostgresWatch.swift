import Clients

/// One connection that notices what others commit: it is told (`LISTEN`), and looks all the same.
///
/// Each revision bears a random number. Where the database has another one for the revision that
/// was seen last, or none, it has lost what was committed, as a replica may that was not caught up
/// when it took over: then all is read anew.
struct PostgresWatch: RegistryWatch {
    private static let connectTime = Duration.seconds(2)
    private static let workTime = Duration.seconds(5)

    private struct Seen {
        let revision: Int64
        let tag: Int64?
    }

    /// `@unchecked Sendable`: a watch is one thread's at a time.
    private struct Own: @unchecked Sendable { let connection: PostgresConnection }

    private let target: PostgresTarget
    private var own: Own?
    private var seen: Seen?

    init(_ target: PostgresTarget) { self.target = target }

    mutating func look<Value>(
        _ body: (any RegistryRows, _ isContinued: Bool) throws -> Value?
    ) throws(RegistryFailure) -> Value? {
        do {
            let deadline = PostgresDeadline(after: Self.workTime)
            let connection = try connected()
            let (found, isContinued) = try Self.look(connection, seen, deadline)
            if isContinued, let seen, seen.revision == found.revision { return nil }
            try connection.run(
                script: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", until: deadline)
            let rows = PostgresRows(
                connection: connection, deadline: deadline, attempt: 0, random: { 0 })
            let now = try Self.look(connection, seen, deadline)
            let value = try body(rows, now.isContinued)
            try connection.run(script: "COMMIT", until: deadline)
            seen = now.found
            return value
        } catch {
            own = nil
            throw RegistryOnPostgres.failure(error)
        }
    }

    private mutating func connected() throws(PostgresFault) -> PostgresConnection {
        if let own {
            _ = try own.connection.takeNotifications()
            return own.connection
        }
        let deadline = PostgresDeadline(after: Self.connectTime)
        let connection = try PostgresConnection(target, until: deadline)
        try connection.prepareForWork(until: deadline)
        try connection.run(script: "LISTEN usher", until: deadline)
        own = Own(connection: connection)
        return connection
    }

    /// The revision of now with its number, and whether what was seen is still there.
    private static func look(
        _ connection: PostgresConnection, _ seen: Seen?, _ deadline: PostgresDeadline
    ) throws(PostgresFault) -> (found: Seen, isContinued: Bool) {
        let rows = try connection.execute(
            """
            SELECT revision, (SELECT tag FROM change WHERE change.revision = registry.revision),
                (SELECT tag FROM change WHERE change.revision = $1)
            FROM registry
            """, [.number(seen?.revision ?? 0)], until: deadline)
        guard let row = rows.first else { throw .unexpected }
        let found = Seen(revision: try row.number(0), tag: try row.numberIfAny(1))
        guard let seen else { return (found, true) }
        return (found, try row.numberIfAny(2) == seen.tag)
    }
}
