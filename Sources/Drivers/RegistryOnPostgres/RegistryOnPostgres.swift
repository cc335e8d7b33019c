package import Clients
import Glibc
import Locking

/// The registry in a PostgreSQL database, which any number of hosts share.
///
/// Whoever changes something locks one row first, so that changes are committed in the order of
/// their revisions. A call has an end: two seconds for a connection, five for all that it asks.
package final class RegistryOnPostgres: Registry {
    static let connectTime = Duration.seconds(2)
    static let workTime = Duration.seconds(5)

    let pool: PostgresPool
    let random: @Sendable () -> Int64

    /// Looks whether the registry can be used.
    ///
    /// `random` gives numbers out of a cryptographic source.
    ///
    /// - Throws: What is wrong, and what to do.
    package convenience init(
        _ target: PostgresTarget, random: @escaping @Sendable () -> Int64
    ) throws(RegistryFailure) {
        try self.init(PostgresPool(target), random: random)
    }

    init(_ pool: PostgresPool, random: @escaping @Sendable () -> Int64) throws(RegistryFailure) {
        self.random = random
        self.pool = pool
        _ = try read { try $0.revision() }
    }

    package func read<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try transact(.reading, body)
    }

    package func write<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        // The lock comes before the first look, so that what is counted stays so.
        try transact(.writing, body)
    }

    package func writeMarks<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try transact(.marking, body)
    }

    package func watch() -> any RegistryWatch { PostgresWatch(pool) }

    package func finish() { pool.close() }

    private enum Transaction: String {
        case reading = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        // Who waited for another one has to see what that one did.
        case writing = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT FROM registry FOR UPDATE"
        case marking = "BEGIN ISOLATION LEVEL READ COMMITTED"
    }

    private func transact<Value>(
        _ kind: Transaction, _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        let attempt = PostgresAttempt(number: random())
        do {
            let deadline = PostgresDeadline(after: Self.workTime)
            let connection = try begun(kind, until: deadline)
            do {
                let value = try body(
                    PostgresRows(
                        connection: connection, deadline: deadline, attempt: attempt,
                        random: random))
                try commit(connection, kind, attempt, until: deadline)
                return value
            } catch {
                giveUp(connection, error, until: deadline)
                throw error
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private func commit(
        _ connection: PostgresConnection, _ kind: Transaction, _ attempt: PostgresAttempt,
        until deadline: PostgresDeadline
    ) throws(PostgresFault) {
        do throws(PostgresFault) {
            try connection.commit(until: deadline)
            pool.giveBack(connection)
        } catch {
            guard error.endsConnection, kind != .reading else { throw error }
            guard try isCommitted(attempt, kind) else { throw error }
        }
    }

    /// A connection with which anything is wrong is closed, which rolls back as well.
    private func giveUp(
        _ connection: PostgresConnection, _ error: any Error, until deadline: PostgresDeadline
    ) {
        guard (error as? PostgresFault)?.endsConnection != true,
            (try? connection.run(script: "ROLLBACK", until: deadline)) != nil
        else { return }
        pool.giveBack(connection)
    }

    /// A connection on which a transaction has begun. Of one that was idle nobody knows whether the
    /// other side is still there, and nothing was asked of it yet.
    private func begun(
        _ kind: Transaction, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> PostgresConnection {
        while let idle = pool.takeIdle() {
            do throws(PostgresFault) {
                try idle.run(script: kind.rawValue, until: deadline)
                return idle
            } catch {
                // One that hears nothing would not hear more on another.
                guard error.endsConnection, error != .timedOut else {
                    giveUp(idle, error, until: deadline)
                    throw error
                }
            }
        }
        let connection = try pool.open(until: PostgresDeadline(after: Self.connectTime))
        try connection.run(script: kind.rawValue, until: deadline)
        return connection
    }

    /// Whether a commit arrived whose answer was lost, once what was begun there is over.
    private func isCommitted(
        _ attempt: PostgresAttempt, _ kind: Transaction
    ) throws(PostgresFault) -> Bool {
        let deadline = PostgresDeadline(after: Self.workTime)
        while !deadline.isPast {
            if let connection = try? pool.open(until: deadline),
                let found = try? attempt.isFound(
                    connection, beginning: kind.rawValue, until: deadline)
            {
                pool.giveBack(connection)
                return found
            }
            usleep(100_000)
        }
        throw .outcomeUnknown
    }

    static func failure(_ error: any Error) -> RegistryFailure {
        switch error {
        case let known as RegistryFailure: known
        case let fault as PostgresFault: fault.failure
        default:
            .unavailable(
                RegistryTrouble(
                    code: "registry_failed",
                    description: "the registry's database holds what cannot be read "
                        + "(\(type(of: error)))"))
        }
    }
}
