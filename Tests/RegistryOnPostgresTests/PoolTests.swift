import Clients
import Foundation
import Glibc
import RegistrySupport
import ServerSupport
import TestSupport
import Testing

@testable import RegistryOnPostgres

/// docs/decisions/0033: how connections are kept, and tried again.
@Suite struct PoolTests {
    private func deadline() -> PostgresDeadline { PostgresDeadline(after: .seconds(2)) }

    @Test("While nobody answers, one tries at growing intervals, and the others are told at once")
    func pauses() throws {
        let silent = try ScriptedServer { $0.finish() }
        let target = try PostgresTarget(
            "postgresql://usher@127.0.0.1:\(silent.port)/x?sslmode=disable&gssencmode=disable")
        let pool = PostgresPool(target)
        let end = ContinuousClock.now.advanced(by: .seconds(3))
        let told = Counter()
        onThreads(8) { _ in
            while .now < end {
                #expect(throws: PostgresFault.self) { try pool.open(until: deadline()) }
                told.increment()
                usleep(1000)
            }
        }
        // Eight at once at first; then after 0.1, 0.2, 0.4 and 0.8 seconds, and up to two.
        #expect((3...16).contains(silent.connections), "\(silent.connections)")
        #expect(told.value > 500)
    }

    @Test("A server that takes a connection and says nothing costs the time that there is")
    func opening() throws {
        let (listener, port) = try ScriptedServer.listen(backlog: 1)
        defer { close(listener) }
        let target = try PostgresTarget("postgresql://usher@127.0.0.1:\(port)/x")
        #expect(throws: PostgresFault.timedOut) {
            try PostgresConnection.open(target, until: PostgresDeadline(after: .milliseconds(50)))
        }
    }
}

@Suite(.serialized, .enabled(if: PostgresServer.isWanted, "no PostgreSQL to be started"))
struct PoolOnServerTests {
    private let server: PostgresServer

    init() throws {
        server = try PostgresServer()
        try server.makeRegistry()
    }

    private var connections: Int {
        get throws {
            try server.texts(
                """
                SELECT pid::TEXT FROM pg_stat_activity
                WHERE application_name = 'usher' AND pid <> pg_backend_pid()
                """
            ).count
        }
    }

    @Test("As many connections are open as threads ask; a few are kept, and closed at the end")
    func bounded() async throws {
        let registry = try PostgresDatabase.open(server.url())
        onThreads(12) { _ in
            _ = try? registry.read { rows in
                usleep(300_000)
                return try rows.revision()
            }
        }
        #expect(try await eventually { try connections == 4 })
        registry.finish()
        #expect(try await eventually { try connections == 0 })
    }

    @Test("Connections that broke while they were idle are replaced, and nobody is told")
    func broken() throws {
        let registry = try PostgresDatabase.open(server.url())
        for round in 0..<3 {
            onThreads(6) { index in
                #expect(throws: Never.self) {
                    try registry.revoke(.token(id: "t\(round) \(index)", expiresAt: 9))
                }
            }
            try server.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'usher' AND pid <> pg_backend_pid()
                """)
        }
        #expect(try registry.revocations().count == 18)
    }

    @Test("A server that was away is found within the longest pause once it is back")
    func back() async throws {
        let registry = try PostgresDatabase.open(server.url())
        try server.stop()
        let end = Date() + 4
        while Date() < end {
            #expect(throws: RegistryFailure.self) { try registry.revocations() }
            usleep(20_000)
        }
        try server.start()
        #expect(try await eventually { (try? registry.revocations()) != nil })
    }

    @Test("What is acknowledged is on disk, whatever the database's setting says")
    func durable() throws {
        try server.execute("ALTER DATABASE postgres SET synchronous_commit = off")
        let registry = try PostgresDatabase.open(server.url())
        let setting = try registry.read { rows in
            try (rows as? PostgresRows)?.execute("SHOW synchronous_commit").first?.text(0)
        }
        #expect(setting == "on")
    }
}
