import Bytes
import Clients
import Foundation
import Identifiers
import RegistryFollowing
import RegistrySupport
import Testing

@testable import RegistryFollowing

@Suite struct ClientDirectoryTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    @Test("A client just added is found at once, without waiting for the follower")
    func miss() throws {
        let directory = ClientDirectory(registry: try folder.open()) {}
        directory.start()
        defer { directory.stop() }
        #expect(try directory.client("c_a") == nil)
        let other = try folder.open()
        try other.add(try Client.sample("a"))
        #expect(try directory.client("c_a")?.name == "a")
    }

    @Test("An origin is listed as long as a client that is enabled lists it, and needs no query")
    func origins() async throws {
        let registry = try folder.open()
        try registry.add(
            try Client.sample("a", rooms: ["https://r"], origins: ["https://a", "https://b"]))
        try registry.add(try Client.sample("b", origins: ["https://b"]))
        let directory = ClientDirectory(registry: registry) {}
        #expect(!directory.listsOrigin("https://a"))
        directory.start()
        #expect(directory.listsOrigin("https://a"))
        #expect(!directory.listsOrigin("https://r"))
        #expect(!directory.listsOrigin("https://A"))
        try registry.disable(id: "c_a")
        #expect(try await eventually { !directory.listsOrigin("https://a") })
        #expect(directory.listsOrigin("https://b"))
        try registry.enable(id: "c_a")
        try registry.remove(id: "c_b")
        #expect(try await eventually { directory.listsOrigin("https://a") })
        #expect(directory.listsOrigin("https://b"))
        try registry.update(id: "c_a", ClientUpdate(origins: ["https://c"]))
        #expect(try await eventually { directory.listsOrigin("https://c") })
        #expect(!directory.listsOrigin("https://b"))
        directory.stop()
        try folder.execute("DROP TABLE client_grant")
        #expect(directory.listsOrigin("https://c"))
    }

    @Test("Ids that are nobody's have it look out of turn, but so many times a second")
    func strangers() throws {
        let registry = try folder.open()
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        directory.stop()
        // Nothing that reads a client would succeed from here on.
        try folder.execute("DROP TABLE client_secret")
        for index in 0..<1_000 { #expect(try directory.client("c_\(index)") == nil) }
        #expect((0..<100).filter { _ in directory.catchUp() }.isEmpty)
    }

    @Test("A client of this process's own making is known without a look")
    func noted() throws {
        let registry = try folder.open()
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        directory.stop()
        try registry.add(try Client.sample("a"))
        #expect(try directory.client("c_a") == nil)
        directory.noteChanged("c_a")
        #expect(try directory.client("c_a")?.name == "a")
    }

    @Test("What another process changes arrives by itself, and is announced afterwards")
    func follows() async throws {
        let changes = Counter()
        let directory = ClientDirectory(registry: try folder.open()) { changes.increment() }
        let other = try folder.open()
        try other.add(try Client.sample("a"))
        directory.start()
        defer { directory.stop() }
        #expect(try directory.client("c_a")?.isEnabled == true)
        try other.disable(id: "c_a")
        #expect(try await eventually { try directory.client("c_a")?.isEnabled == false })
        #expect(try await eventually { changes.value > 0 })
        try other.rotateSecret(
            id: "c_a", digest: [UInt8](repeating: 9, count: 32), atSecondsSinceEpoch: 5,
            graceSeconds: 60)
        #expect(try await eventually { try directory.client("c_a")?.secrets.count == 2 })
        try other.remove(id: "c_a")
        #expect(try await eventually { try directory.client("c_a") == nil })
        #expect(directory.trouble() == nil)
    }

    @Test("Changes through its own registry are followed just the same")
    func ownChanges() async throws {
        let registry = try folder.open()
        let directory = ClientDirectory(registry: registry) {}
        try registry.add(try Client.sample("a"))
        directory.start()
        defer { directory.stop() }
        #expect(try directory.client("c_a")?.isEnabled == true)
        try registry.disable(id: "c_a")
        #expect(try await eventually { try directory.client("c_a")?.isEnabled == false })
    }

    @Test("Marking tokens announces no change of clients")
    func tokensAreNoChange() async throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let changes = Counter()
        let directory = ClientDirectory(registry: registry) { changes.increment() }
        directory.start()
        defer { directory.stop() }
        for index in 0..<20 { _ = try registry.markTokenUsed(id: "t\(index)", expiresAt: 1) }
        _ = try directory.client("c_a")
        try registry.disable(id: "c_a")
        #expect(try await eventually { try directory.client("c_a")?.isEnabled == false })
        #expect(try await eventually { changes.value == 1 })
    }

    @Test("While the file cannot be read the last good state holds, and readiness tells")
    func unhealthy() async throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let directory = ClientDirectory(registry: registry) {}
        #expect(try directory.client("c_a") != nil)
        try folder.hide()
        directory.start()
        defer { directory.stop() }
        #expect(directory.trouble() != nil)
        #expect(try directory.client("c_a")?.name == "a")
        try folder.show()
        #expect(try await eventually { directory.trouble() == nil })
        try registry.disable(id: "c_a")
        #expect(try await eventually { try directory.client("c_a")?.isEnabled == false })
    }

    @Test("A stopped directory still answers, and follows no more")
    func stopped() async throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        #expect(try directory.client("c_a") != nil)
        directory.stop()
        directory.stop()
        try registry.add(try Client.sample("b"))
        #expect(try directory.client("c_a")?.name == "a")
        #expect(try directory.client("c_b") == nil)
    }

    @Test(
        "What can be nobody's id is not looked up",
        arguments: [
            "", "c_ a", "c_\u{212A}", String(repeating: "x", count: 70_000),
        ])
    func implausible(id: String) throws {
        let directory = ClientDirectory(registry: try folder.open()) {}
        #expect(try directory.client(ClientID(id)) == nil)
    }

    @Test("Lookups from many threads agree while the registry changes under them")
    func threads() async throws {
        let registry = try folder.open()
        for index in 0..<20 { try registry.add(try Client.sample("n\(index)")) }
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for turn in 0..<500 {
                        let name = "n\((turn * 7 + worker) % 20)"
                        let found = try directory.client(ClientID("c_" + name))
                        #expect(found == nil || found?.name == name)
                    }
                }
            }
            group.addTask {
                for index in 0..<20 {
                    try index % 2 == 0
                        ? registry.remove(id: "c_n\(index)") : registry.disable(id: "c_n\(index)")
                }
            }
            try await group.waitForAll()
        }
        #expect(
            try await eventually {
                try (0..<20).allSatisfy { index in
                    let client = try directory.client("c_n\(index)")
                    return index % 2 == 0 ? client == nil : client?.isEnabled == false
                }
            })
    }
}
