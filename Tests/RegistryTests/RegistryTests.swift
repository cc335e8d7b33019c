import Bytes
import Clients
import Identifiers
import RegistrySupport
import Testing
import Tokens

@Suite struct RegistryTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    private let digest2 = [UInt8](repeating: 2, count: 32)

    @Test("A client comes back as it was stored, after closing and opening again")
    func roundTrip() throws {
        let client = try Client.sample(
            "Zoë", rooms: ["team-*", "lobby", "Ø"], origins: ["https://a.example", "http://b:81"],
            scopes: ["session", "signal"])
        try folder.make(with: [client])
        let registry = try folder.open(mustExist: true)
        #expect(try registry.client(id: "c_Zoë") == client)
        #expect(try registry.list() == [client])
        #expect(try registry.client(id: "c_other") == nil)
    }

    @Test("A registry has a name of its own, by which nodes of a cluster know that they share it")
    func identity() throws {
        let name = try folder.open().identity()
        #expect(name.count == 32)
        try folder.open().add(try Client.sample("a"))
        #expect(try folder.open().identity() == name)
        let other = try RegistryFolder()
        #expect(try other.open().identity() != name)
    }

    @Test("The list is in order of registration")
    func order() throws {
        let registry = try folder.open()
        for (name, time) in [("c", 3), ("a", 1), ("b", 2)] {
            try registry.add(try Client.sample(name, createdAt: Int64(time)))
        }
        #expect(try registry.list().map(\.name) == ["a", "b", "c"])
    }

    @Test("A client id is given once (RFC 6749 §2.2)")
    func twice() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        #expect(throws: RegistryFailure.clientExists(id: "c_a")) {
            try registry.add(try Client.sample("a", rooms: ["b"]))
        }
        #expect(try registry.client(id: "c_a")?.rooms.map(\.text) == ["*"])
    }

    @Test("Disabling and enabling change nothing else")
    func disable() throws {
        let registry = try folder.open()
        let client = try Client.sample("a")
        try registry.add(client)
        try registry.disable(id: "c_a")
        try registry.disable(id: "c_a")
        #expect(try registry.client(id: "c_a")?.isEnabled == false)
        try registry.enable(id: "c_a")
        #expect(try registry.client(id: "c_a") == client)
    }

    @Test("A removed client leaves nothing behind, and its id may not be changed any more")
    func remove() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        try registry.remove(id: "c_a")
        #expect(try registry.list() == [])
        try registry.add(try Client.sample("a", rooms: ["x"]))
        #expect(try registry.client(id: "c_a")?.secrets.count == 1)
        #expect(try registry.client(id: "c_a")?.rooms.map(\.text) == ["x"])
    }

    @Test("Every change of a client that is not there is refused by its id")
    func unknown() throws {
        let registry = try folder.open()
        let unknown = RegistryFailure.clientUnknown(id: "c_x")
        #expect(throws: unknown) { try registry.disable(id: "c_x") }
        #expect(throws: unknown) { try registry.enable(id: "c_x") }
        #expect(throws: unknown) { try registry.remove(id: "c_x") }
        #expect(throws: unknown) {
            try registry.rotateSecret(
                id: "c_x", digest: digest2, atSecondsSinceEpoch: 0, graceSeconds: 0)
        }
        #expect(unknown.description.contains("c_x"))
    }

    @Test("A rotation is stored with the end of the old secret", arguments: [0, 60] as [Int64])
    func rotate(grace: Int64) throws {
        let ends: [Int64?] = grace > 0 ? [2_000 + grace, nil] : [nil]
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let rotation = try registry.rotateSecret(
            id: "c_a", digest: digest2, atSecondsSinceEpoch: 2_000, graceSeconds: grace)
        let stored = try registry.client(id: "c_a")?.secrets
        #expect(stored == rotation.secrets)
        #expect(stored?.map(\.expiresAt) == ends)
        #expect(stored?.last?.digest == digest2)
    }

    @Test("A grace out of range changes nothing and is named")
    func badGrace() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        do {
            try registry.rotateSecret(
                id: "c_a", digest: digest2, atSecondsSinceEpoch: 0, graceSeconds: -5)
            Issue.record("the grace was taken")
        } catch {
            #expect(error.code == "registry_change_refused")
            #expect(error.description.contains("grace"))
            #expect(error.description.contains("-5"))
        }
        #expect(try registry.client(id: "c_a")?.secrets.count == 1)
    }

    @Test("However many marks have ended, all are dropped, and none that has not")
    func manyUsedTokens() throws {
        let registry = try folder.open()
        let fresh = try registry.writeMarks { rows in
            try (0..<25_001).count {
                try rows.markTokenUsed("t\($0)", until: $0 < 25_000 ? 100 : 200)
            }
        }
        #expect(fresh == 25_001)
        #expect(try registry.purgeExpired(atSecondsSinceEpoch: 101) == 25_000)
        #expect(try !registry.isTokenUsed(id: "t0") && registry.isTokenUsed(id: "t25000"))
    }

    @Test("A token is fresh once, and again only after its mark was purged")
    func usedTokens() throws {
        let registry = try folder.open()
        #expect(try !registry.isTokenUsed(id: "t1"))
        #expect(try registry.markTokenUsed(id: "t1", expiresAt: 100))
        #expect(try registry.isTokenUsed(id: "t1"))
        #expect(try !registry.markTokenUsed(id: "t1", expiresAt: 100))
        #expect(try registry.markTokenUsed(id: "t2", expiresAt: 200))
        #expect(try registry.purgeExpired(atSecondsSinceEpoch: 100) == 0)
        #expect(try registry.purgeExpired(atSecondsSinceEpoch: 101) == 1)
        #expect(try !registry.isTokenUsed(id: "t1"))
        #expect(try registry.markTokenUsed(id: "t1", expiresAt: 100))
        #expect(try !registry.markTokenUsed(id: "t2", expiresAt: 200))
    }

    @Test("Of many who mark one token at the same moment, exactly one is told that it is fresh")
    func oneWinner() async throws {
        let registries = [try folder.open(), try folder.open()]
        let fresh = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<40 {
                group.addTask {
                    try registries[index % 2].markTokenUsed(id: "t\(index / 8)", expiresAt: 9)
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(fresh == 5)
    }

    @Test("Several writers at once lose nothing")
    func writers() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                let folder = folder
                group.addTask {
                    let registry = try folder.open()
                    for index in 0..<10 {
                        let client = try Client.sample("w\(writer)-\(index)")
                        try registry.add(client)
                        try registry.disable(id: client.clientID)
                    }
                }
            }
            try await group.waitForAll()
        }
        let clients = try folder.open(mustExist: true).list()
        #expect(clients.count == 40)
        #expect(clients.allSatisfy { !$0.isEnabled && $0.secrets.count == 1 })
    }
}
