import Access
import Clients
import Foundation
import Glibc
import Identifiers
import RegistrySupport
import TestSupport
import Testing

@testable import RegistryFollowing
@testable import RegistryOnPostgres

/// docs/decisions/0033: another server takes over, with or without all that was acknowledged.
@Suite(.serialized, .enabled(if: PostgresServer.isWanted, "no PostgreSQL to be started"))
struct FailoverTests {
    private let primary: PostgresServer
    private let replica: PostgresServer
    private let url: String

    init() throws {
        primary = try PostgresServer()
        try primary.makeRegistry()
        replica = try PostgresServer(following: primary)
        url =
            "postgresql://usher@127.0.0.1:\(primary.port),127.0.0.1:\(replica.port)/postgres"
    }

    private func isRevoked(_ directory: ClientDirectory, _ id: String) -> Bool {
        directory.isRevoked(
            RevocableToken(tokenID: id, subject: "c_a:zoe", clientID: "c_a", issuedAt: 100))
    }

    private func eventuallyCopied() async throws {
        let wanted = try primary.texts("SELECT revision::TEXT FROM registry")
        #expect(
            try await eventually {
                try replica.texts("SELECT revision::TEXT FROM registry") == wanted
            })
    }

    @Test(
        "After a failover that lost changes, and others since, nothing of the lost ones is believed"
    )
    func asynchronous() async throws {
        let registry = try PostgresDatabase.open(url)
        try registry.add(try Client.sample("kept"))
        try registry.revoke(.token(id: "kept", expiresAt: 200))
        try await eventuallyCopied()
        // It hears no more of the primary.
        try replica.execute("ALTER SYSTEM SET primary_conninfo = ''")
        try replica.execute("SELECT pg_reload_conf()")
        #expect(
            try await eventually {
                try replica.texts("SELECT pid::TEXT FROM pg_stat_wal_receiver").isEmpty
            })
        try registry.add(try Client.sample("lost"))
        try registry.revoke(.token(id: "lost", expiresAt: 200))
        let directory = ClientDirectory(registry: registry) {}
        directory.lookNow()
        #expect(isRevoked(directory, "kept") && isRevoked(directory, "lost"))
        #expect(try directory.client("c_lost") != nil)

        primary.kill()
        directory.lookNow()
        #expect(directory.trouble() != nil)
        #expect(isRevoked(directory, "lost") && !isRevoked(directory, "other"), "merely away")
        try replica.promote()
        // The revision is ahead of the one that was seen, and goes on from an older one.
        let other = try PostgresDatabase.open(replica.url())
        for index in 0..<4 { try other.revoke(.token(id: "new\(index)", expiresAt: 200)) }
        try replica.execute("ALTER TABLE usher.revocation RENAME TO away")
        #expect(
            try await eventually {
                directory.lookNow()
                return isRevoked(directory, "other")
            }, "known to be lost, and not read yet")
        try replica.execute("ALTER TABLE usher.away RENAME TO revocation")
        #expect(
            try await eventually {
                directory.lookNow()
                return directory.trouble() == nil
            })
        #expect(isRevoked(directory, "kept") && isRevoked(directory, "new3"))
        #expect(!isRevoked(directory, "lost") && !isRevoked(directory, "other"))
        #expect(try directory.client("c_lost") == nil)
        #expect(try directory.client("c_kept") != nil)
    }

    @Test("With a synchronous replica nothing that was acknowledged is lost under eight writers")
    func synchronous() async throws {
        try primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        try primary.execute("SELECT pg_reload_conf()")
        #expect(
            try await eventually {
                try primary.texts("SELECT sync_state FROM pg_stat_replication") == ["sync"]
            })
        let registry = try PostgresDatabase.open(url)
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        let writers = Writers()
        let threads = (0..<8).map { number in TestThread { writers.run(number, on: registry) } }
        while writers.count < 200 { usleep(10_000) }
        primary.kill()
        try replica.promote()
        let before = writers.count
        while writers.count < before + 100 { usleep(10_000) }
        writers.stop()
        threads.forEach { $0.wait() }
        try writers.check(replica)
        let last = try PostgresDatabase.open(replica.url())
        try last.revoke(.token(id: "last", expiresAt: 200))
        #expect(try await eventually { isRevoked(directory, "last") })
        #expect(!isRevoked(directory, "other"))
    }
}
