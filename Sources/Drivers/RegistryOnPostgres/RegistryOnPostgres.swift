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

    /// Makes the tables where there are none, and brings older ones up to date.
    package static func migrate(_ target: PostgresTarget) throws(RegistryFailure) {
        do throws(PostgresFault) {
            // An index on a large table takes its time.
            let deadline = PostgresDeadline(after: .seconds(600))
            let connection = try PostgresConnection(
                target, until: PostgresDeadline(after: connectTime))
            try PostgresSchema.migrate(connection, until: deadline)
        } catch {
            throw error.failure
        }
    }

    package func read<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try transact("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", body)
    }

    package func write<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        // The lock comes before the first look, so that what is counted stays so.
        try transact("BEGIN; SELECT FROM registry FOR UPDATE", body)
    }

    package func writeMarks<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try transact("BEGIN", body)
    }

    package func watch() -> any RegistryWatch { PostgresWatch(pool.target) }

    package func finish() { pool.close() }

    private func transact<Value>(
        _ begin: String, _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        let attempt = random()
        do {
            let deadline = PostgresDeadline(after: Self.workTime)
            let connection = try begun(begin, until: deadline)
            let value: Value
            do {
                value = try body(
                    PostgresRows(
                        connection: connection, deadline: deadline, attempt: attempt,
                        random: random))
            } catch {
                // A connection with which anything is wrong is closed, which rolls back as well.
                if (error as? PostgresFault)?.endsConnection != true,
                    (try? connection.run(script: "ROLLBACK", until: deadline)) != nil
                {
                    pool.giveBack(connection)
                }
                throw error
            }
            do throws(PostgresFault) {
                try connection.run(script: "COMMIT", until: deadline)
                pool.giveBack(connection)
            } catch {
                guard error.endsConnection else { throw error }
                guard try isCommitted(attempt) else { throw error }
            }
            return value
        } catch {
            throw Self.failure(error)
        }
    }

    /// A connection on which a transaction has begun. Of one that was idle nobody knows whether the
    /// other side is still there, and nothing was asked of it yet.
    private func begun(
        _ begin: String, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> PostgresConnection {
        while let idle = pool.takeIdle() {
            if (try? idle.run(script: begin, until: deadline)) != nil { return idle }
        }
        let connection = try pool.open(until: PostgresDeadline(after: Self.connectTime))
        try connection.run(script: begin, until: deadline)
        return connection
    }

    /// Whether a commit arrived whose answer was lost. The lock of the one row is free when what
    /// was begun there is over.
    private func isCommitted(_ attempt: Int64) throws(PostgresFault) -> Bool {
        let deadline = PostgresDeadline(after: Self.workTime)
        while !deadline.isPast {
            guard let connection = try? pool.open(until: deadline) else {
                usleep(100_000)
                continue
            }
            guard
                (try? connection.run(
                    script: "BEGIN; SELECT FROM registry FOR UPDATE", until: deadline)) != nil,
                let found = try? connection.execute(
                    """
                    SELECT 1 FROM audit WHERE attempt = $1
                    UNION ALL SELECT 1 FROM used_token WHERE attempt = $1
                    """, [.number(attempt)], until: deadline),
                (try? connection.run(script: "ROLLBACK", until: deadline)) != nil
            else { continue }
            pool.giveBack(connection)
            return !found.isEmpty
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
