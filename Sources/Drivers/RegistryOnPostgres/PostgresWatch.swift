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

    private let pool: PostgresPool
    private var own: Own?
    private var seen: Seen?
    /// Whether what was seen is gone, and what there is was not read whole since.
    private var hasLost = false

    init(_ pool: PostgresPool) { self.pool = pool }

    let pollMilliseconds = 1000

    /// Word of a change may have come in behind the answer to the last look, and nothing of it be
    /// left to read.
    func wakeup() -> RegistryWakeup {
        guard let connection = own?.connection else { return .never }
        return connection.takeNotifications() ? .atOnce : .readable(connection.descriptor)
    }

    mutating func look<Value>(
        onLoss: () -> Void, _ body: (any RegistryRows, _ isContinued: Bool) throws -> Value?
    ) throws(RegistryFailure) -> Value? {
        do {
            let isOld = own != nil
            do {
                return try read(onLoss, body)
            } catch let fault as PostgresFault
                where isOld && fault.endsConnection && fault != .timedOut
            {
                // That it was over while it was idle tells nothing about another one.
                own = nil
                return try read(onLoss, body)
            }
        } catch {
            own = nil
            if seen != nil, (error as? PostgresFault)?.tellsOfLoss == true { lose(onLoss) }
            throw RegistryOnPostgres.failure(error)
        }
    }

    private mutating func lose(_ onLoss: () -> Void) {
        if !hasLost { onLoss() }
        hasLost = true
    }

    private mutating func read<Value>(
        _ onLoss: () -> Void, _ body: (any RegistryRows, _ isContinued: Bool) throws -> Value?
    ) throws -> Value? {
        let connection = try connected()
        let deadline = PostgresDeadline(after: Self.workTime)
        let (found, isContinued) = try Self.look(connection, seen, deadline)
        if !isContinued { lose(onLoss) }
        if !hasLost, let seen, seen.revision == found.revision { return nil }
        try connection.run(
            script: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", until: deadline)
        let rows = PostgresRows(
            connection: connection, deadline: deadline, attempt: PostgresAttempt(number: 0),
            random: { 0 })
        let now = try Self.look(connection, seen, deadline)
        if !now.isContinued { lose(onLoss) }
        let value = try body(rows, !hasLost)
        try connection.commit(until: deadline)
        (seen, hasLost) = (now.found, false)
        return value
    }

    /// Listens before it looks, so that nothing comes in between.
    private mutating func connected() throws(PostgresFault) -> PostgresConnection {
        if let own {
            guard own.connection.hear() else { throw .unreachable("it is closed") }
            return own.connection
        }
        let deadline = PostgresDeadline(after: Self.connectTime)
        let connection = try pool.open(until: deadline)
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
        guard let row = rows.first else { throw PostgresSchema.missing }
        let found = Seen(revision: try row.number(0), tag: try row.numberIfAny(1))
        guard let seen else { return (found, true) }
        return (found, try row.numberIfAny(2) == seen.tag)
    }
}
