import Glibc
import Locking

/// Connections that are open and idle. As many are open as threads ask at once; the idle ones are
/// kept, up to a few.
///
/// While the database cannot be reached a connection is tried at growing intervals, and whoever
/// asks in between is told at once what the last try was told.
final class PostgresPool: Sendable {
    private static let idleMax = 4
    private static let pauses = (first: Duration.milliseconds(100), longest: Duration.seconds(2))

    /// A connection that nobody uses. `@unchecked Sendable`: it is one thread's at a time, handed
    /// on under the lock.
    private struct Idle: @unchecked Sendable { let connection: PostgresConnection }

    private struct State {
        var idle: [Idle] = []
        /// What the last try was told, and until when that is told to others.
        var trouble: (fault: PostgresFault, until: ContinuousClock.Instant, pause: Duration)?
        /// Whether somebody tries whether it is over: one is enough.
        var isTrying = false

        mutating func note(_ fault: PostgresFault, isProbe: Bool) {
            // Those that are idle lead to the same server; where it is but full, they are all there
            // is.
            if fault.kind != .connections { idle = [] }
            if isProbe { isTrying = false }
            // Of several that failed at once, the first has begun the pause.
            guard isProbe || trouble == nil else { return }
            let pause =
                trouble.map { min($0.pause * 2, PostgresPool.pauses.longest) }
                ?? PostgresPool.pauses.first
            trouble = (fault, .now.advanced(by: pause), pause)
        }
    }

    let target: PostgresTarget
    /// Whether the registry may be one that is filled only in part.
    private let isForFilling: Bool
    private let state = Lock(State())

    init(_ target: PostgresTarget, isForFilling: Bool = false) {
        self.target = target
        self.isForFilling = isForFilling
    }

    /// nil where none is idle.
    func takeIdle() -> PostgresConnection? { state.withLock { $0.idle.popLast() }?.connection }

    /// A new one.
    func open(until deadline: PostgresDeadline) throws(PostgresFault) -> PostgresConnection {
        let isProbe = try mayTry()
        do throws(PostgresFault) {
            let connection = try PostgresConnection.open(target, until: deadline)
            try connection.prepareForWork(until: deadline, isForFilling: isForFilling)
            state.withLock { ($0.trouble, $0.isTrying) = (nil, false) }
            return connection
        } catch {
            state.withLock { $0.note(error, isProbe: isProbe) }
            throw error
        }
    }

    /// Throws what the last try was told where that is told to others; else whether this try is the
    /// one that shows whether it is over.
    private func mayTry() throws(PostgresFault) -> Bool {
        let (told, isProbe) = state.withLock { state -> (PostgresFault?, Bool) in
            guard let trouble = state.trouble else { return (nil, false) }
            if state.isTrying || .now < trouble.until { return (trouble.fault, false) }
            state.isTrying = true
            return (nil, true)
        }
        if let told { throw told }
        return isProbe
    }

    func giveBack(_ connection: PostgresConnection) {
        let idle = Idle(connection: connection)
        state.withLock { state in
            if state.idle.count < Self.idleMax { state.idle.append(idle) }
        }
    }

    func close() { state.withLock { $0.idle = [] } }
}

extension PostgresConnection {
    /// Looks at the schema, and has the server give up what takes too long there.
    func prepareForWork(
        until deadline: PostgresDeadline, isForFilling: Bool = false
    ) throws(PostgresFault) {
        try run(
            script: """
                SET search_path = \(PostgresSchema.name);
                SET statement_timeout = 5000;
                SET lock_timeout = 4000;
                SET idle_in_transaction_session_timeout = 10000;
                SELECT set_config('synchronous_commit', 'on', false)
                    WHERE current_setting('synchronous_commit') = 'off'
                """, until: deadline)
        try PostgresSchema.check(self, until: deadline)
        guard !isForFilling else { return }
        // For as long as this lasts nobody begins to fill the registry.
        try execute(
            "SELECT pg_advisory_lock_shared($1)", [.number(PostgresSchema.usersLock)],
            until: deadline)
        try checkFinished(until: deadline)
    }
}
