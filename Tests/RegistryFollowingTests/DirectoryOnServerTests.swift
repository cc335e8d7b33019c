import Access
import Clients
import Foundation
import Identifiers
import RegistrySupport
import Testing

@testable import RegistryFollowing

/// What a follower has of a registry that tells of changes, and that can lose some
/// (docs/decisions/0033).
@Suite(.enabled(if: !RegistryFolder.isFile, "a file loses nothing and tells nobody"))
struct DirectoryOnServerTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    /// A registry whose follower would look once an hour by itself.
    private struct Seldom: Registry {
        let base: any Registry

        struct Watch: RegistryWatch {
            var base: any RegistryWatch
            let pollMilliseconds = 3_600_000
            mutating func wakeup() -> RegistryWakeup { base.wakeup() }
            mutating func look<Value>(
                onLoss: () -> Void, _ body: (any RegistryRows, Bool) throws -> Value?
            ) throws(RegistryFailure) -> Value? {
                try base.look(onLoss: onLoss, body)
            }
        }

        func read<Value>(
            _ body: (any RegistryRows) throws -> Value
        ) throws(RegistryFailure) -> Value { try base.read(body) }
        func write<Value>(
            _ body: (any RegistryRows) throws -> Value
        ) throws(RegistryFailure) -> Value { try base.write(body) }
        func watch() -> any RegistryWatch { Watch(base: base.watch()) }
        func finish() { base.finish() }
    }

    @Test("A change wakes the follower, each of many, and one right behind a look")
    func woken() async throws {
        let changes = Counter()
        let directory = ClientDirectory(registry: Seldom(base: try folder.open())) {
            changes.increment()
        }
        directory.start()
        defer { directory.stop() }
        let other = try folder.open()
        for index in 0..<50 {
            try other.revoke(.token(id: "t\(index)", expiresAt: 200))
            if index % 5 == 0 { directory.lookNow() }
            #expect(try await eventually { isRevoked(directory, "t\(index)") })
        }
        for index in 50..<300 { try other.revoke(.token(id: "t\(index)", expiresAt: 200)) }
        #expect(try await eventually { isRevoked(directory, "t299") })
        #expect((50..<300).allSatisfy { isRevoked(directory, "t\($0)") })
    }

    @Test(
        "A connection of the follower's that breaks is replaced by the next look, and tells again")
    func broken() async throws {
        let directory = ClientDirectory(registry: Seldom(base: try folder.open())) {}
        directory.start()
        defer { directory.stop() }
        let other = try folder.open()
        for index in 0..<3 {
            try folder.execute(
                "",
                postgres: """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
            try other.revoke(.token(id: "t\(index)", expiresAt: 200))
            #expect(try await eventually { isRevoked(directory, "t\(index)") })
            #expect(directory.trouble() == nil)
        }
    }

    @Test("What is known to be lost is void: every token is revoked until all was read anew")
    func lost() throws {
        let registry = try folder.open()
        try registry.revoke(.token(id: "t1", expiresAt: 200))
        let changes = Counter()
        let directory = ClientDirectory(registry: registry) { changes.increment() }
        directory.lookNow()
        #expect(isRevoked(directory, "t1") && !isRevoked(directory, "t2"))
        // As after a failover to a replica that was behind, which others changed since.
        try folder.execute(
            "",
            postgres: """
                UPDATE change SET tag = tag + 1; DELETE FROM revocation;
                ALTER TABLE revocation RENAME TO away
                """)
        for _ in 0..<3 {
            directory.lookNow()
            #expect(directory.trouble() != nil)
            #expect(isRevoked(directory, "t1") && isRevoked(directory, "t2"))
        }
        #expect(changes.value == 0)
        try folder.execute("", postgres: "ALTER TABLE away RENAME TO revocation")
        directory.lookNow()
        #expect(directory.trouble() == nil)
        #expect(!isRevoked(directory, "t1") && !isRevoked(directory, "t2"))
        #expect(changes.value == 1)
    }

    @Test(
        "A database whose tables are gone has lost all; one that was there all along is read anew")
    func dropped() throws {
        let registry = try folder.open()
        try registry.revoke(.token(id: "t1", expiresAt: 200))
        let directory = ClientDirectory(registry: registry) {}
        directory.lookNow()
        try folder.execute("", postgres: "ALTER SCHEMA usher RENAME TO away")
        try terminate()
        directory.lookNow()
        #expect(directory.trouble()?.code == "registry_not_initialised")
        #expect(isRevoked(directory, "t2"))
        try folder.execute("", postgres: "ALTER SCHEMA away RENAME TO usher")
        usleep(200_000)
        directory.lookNow()
        #expect(isRevoked(directory, "t1") && !isRevoked(directory, "t2"))
    }

    @Test("A database that is merely away has lost nothing: what was read last holds")
    func away() throws {
        let registry = try folder.open()
        try registry.revoke(.token(id: "t1", expiresAt: 200))
        let directory = ClientDirectory(registry: registry) {}
        directory.lookNow()
        try folder.hide()
        directory.lookNow()
        #expect(directory.trouble() != nil)
        #expect(isRevoked(directory, "t1") && !isRevoked(directory, "t2"))
        try folder.show()
    }

    private func terminate() throws {
        try folder.execute(
            "",
            postgres: """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
    }
}
