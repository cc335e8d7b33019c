import Access
import Clients
import Foundation
import Identifiers
import RegistryFollowing
import RegistrySupport
import Testing

@testable import RegistryFollowing

@Suite struct DirectoryRevocationTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    @Test("What another process revokes arrives by itself, and is announced afterwards")
    func follows() async throws {
        let changes = Counter()
        let directory = ClientDirectory(registry: try folder.open()) { changes.increment() }
        directory.start()
        defer { directory.stop() }
        let other = try folder.open()
        #expect(!isRevoked(directory))
        try other.revoke(.token(id: "t1", expiresAt: 200))
        #expect(try await eventually { isRevoked(directory) })
        #expect(try await eventually { changes.value == 1 })
        #expect(!isRevoked(directory, "t2"))
        try other.revoke(.subject("c_a:zoe", issuedBefore: 99, expiresAt: 200))
        #expect(try await eventually { isRevoked(directory, "t2", at: 99) })
        #expect(!isRevoked(directory, "t2", at: 100))
        try other.revoke(.client(id: "c_a", issuedBefore: 100, expiresAt: 200))
        #expect(try await eventually { isRevoked(directory, "t2", at: 100) })
        #expect(!isRevoked(directory, "t2", at: 101))
        #expect(try await eventually { changes.value == 3 })
    }

    @Test("One look is enough, and there are some a second: no token outlives its revocation long")
    func oneLook() throws {
        let changes = Counter()
        let registry = try folder.open()
        #expect(registry.watch().pollMilliseconds == (RegistryFolder.isFile ? 200 : 1000))
        let directory = ClientDirectory(registry: registry) { changes.increment() }
        directory.lookNow()
        let other = try folder.open()
        for index in 1...5 {
            try other.revoke(.token(id: "t\(index)", expiresAt: 200))
            #expect(!isRevoked(directory, "t\(index)"))
            directory.lookNow()
            #expect(isRevoked(directory, "t\(index)"))
            #expect(changes.value == index)
        }
        directory.lookNow()
        #expect(changes.value == 5)
    }

    @Test("What this process has revoked is refused at once, and still after the next look")
    func own() async throws {
        let registry = try folder.open()
        let changes = Counter()
        let directory = ClientDirectory(registry: registry) { changes.increment() }
        directory.start()
        defer { directory.stop() }
        let revocation = Revocation.token(id: "t1", expiresAt: 200)
        try registry.revoke(revocation)
        directory.noteRevoked(revocation)
        #expect(isRevoked(directory))
        #expect(try await eventually { changes.value == 1 })
        #expect(isRevoked(directory))
    }

    @Test("What was revoked before the start is known from the first question on")
    func before() throws {
        try folder.open().revoke(.token(id: "t1", expiresAt: 200))
        let directory = ClientDirectory(registry: try folder.open()) {}
        #expect(isRevoked(directory))
        #expect(!isRevoked(directory, "t2"))
        let started = ClientDirectory(registry: try folder.open()) {}
        started.start()
        defer { started.stop() }
        #expect(isRevoked(started))
        #expect(!isRevoked(started, "t2"))
    }

    @Test("While nobody can know what is revoked, everything is; later the last good state holds")
    func unhealthy() async throws {
        let registry = try folder.open()
        let directory = ClientDirectory(registry: registry) {}
        try folder.hide()
        directory.start()
        defer { directory.stop() }
        #expect(isRevoked(directory))
        try folder.show()
        #expect(try await eventually { directory.trouble() == nil })
        #expect(!isRevoked(directory))
        try folder.hide()
        #expect(!isRevoked(directory))
        try folder.show()
    }

    @Test("What was purged leaves the memory with the next change")
    func purged() async throws {
        let registry = try folder.open()
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        try registry.revoke(.token(id: "t1", expiresAt: 200))
        #expect(try await eventually { isRevoked(directory) })
        try registry.purgeExpired(atSecondsSinceEpoch: 200)
        try registry.revoke(.token(id: "t2", expiresAt: 300))
        #expect(try await eventually { isRevoked(directory, "t2") })
        #expect(isRevoked(directory))
        try registry.purgeExpired(atSecondsSinceEpoch: 201)
        try registry.revoke(.token(id: "t3", expiresAt: 300))
        #expect(try await eventually { isRevoked(directory, "t3") })
        #expect(!isRevoked(directory))
        #expect(isRevoked(directory, "t2"))
    }

    @Test("What revocations of more took the place of leaves the memory, and stays revoked")
    func outgrown() async throws {
        let registry = try folder.open()
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        for index in 0..<40_000 {
            directory.noteRevoked(.token(id: "gone\(index)", expiresAt: 200))
        }
        #expect(isRevoked(directory, "gone1", at: 101))
        let owner = TokenOwner(clientID: "c_a", subject: "c_a:zoe", issuedAt: 100)
        let own = Revocation.token(id: "own", expiresAt: 200, of: owner)
        try registry.revoke(own)
        directory.noteRevoked(own)
        try registry.revoke(.subject("c_a:zoe", issuedBefore: 100, expiresAt: 300))
        // One look may see all of it, and keeps what was noted while it looked.
        var count = 0
        #expect(
            try await eventually {
                count += 1
                try registry.revoke(.token(id: "more\(count)", expiresAt: 200))
                return !isRevoked(directory, "gone1", at: 101)
            })
        #expect(isRevoked(directory, "own"))
    }

    @Test("Audit lines and purges announce nothing")
    func quiet() async throws {
        let registry = try folder.open()
        let changes = Counter()
        let directory = ClientDirectory(registry: registry) { changes.increment() }
        try registry.revoke(.token(id: "t1", expiresAt: 1))
        directory.start()
        defer { directory.stop() }
        for index in 0..<10 {
            try registry.appendAudit(action: "a.b", target: "\(index)", by: .server, at: 0)
        }
        try registry.purgeExpired(atSecondsSinceEpoch: 5)
        try registry.revoke(.token(id: "t2", expiresAt: 1))
        #expect(try await eventually { isRevoked(directory, "t2") })
        #expect(try await eventually { changes.value == 1 })
    }

    @Test("An update of a client reaches the directory")
    func update() async throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        #expect(try directory.client("c_a")?.lifetimeSecondsMax == 3600)
        try folder.open().update(id: "c_a", ClientUpdate(lifetimeSecondsMax: 5))
        #expect(try await eventually { try directory.client("c_a")?.lifetimeSecondsMax == 5 })
    }

    @Test("Questions from many threads agree while revocations come in")
    func threads() async throws {
        let registry = try folder.open()
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var wasRevoked = false
                    for turn in 0..<2000 {
                        let isNow = isRevoked(directory, "t\(turn % 50)", at: 100)
                        if turn % 50 == 0 {
                            #expect(isNow || !wasRevoked)
                            wasRevoked = isNow
                        }
                    }
                }
            }
            group.addTask {
                for index in 0..<50 {
                    let revocation = Revocation.token(id: "t\(index)", expiresAt: 200)
                    try registry.revoke(revocation)
                    if index % 2 == 0 { directory.noteRevoked(revocation) }
                }
            }
            try await group.waitForAll()
        }
        #expect(
            try await eventually { (0..<50).allSatisfy { isRevoked(directory, "t\($0)") } })
    }
}

/// Asks about a token of the subject `c_a:zoe`.
func isRevoked(
    _ directory: ClientDirectory, _ id: String = "t1", at issuedAt: Int64 = 100
) -> Bool {
    directory.isRevoked(
        RevocableToken(tokenID: id, subject: "c_a:zoe", clientID: "c_a", issuedAt: issuedAt))
}
