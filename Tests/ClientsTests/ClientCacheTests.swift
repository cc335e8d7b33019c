import Bytes
import Identifiers
import Testing
import Tokens

@testable import Clients

@Suite struct ClientCacheTests {
    private func cache(at revision: Int64?, _ clients: (String, Int64)...) throws -> ClientCache {
        var cache = ClientCache(entriesMax: 4)
        if let revision {
            cache.apply(.init(revision: revision, changed: [:], removed: []), asked: [])
        }
        for (name, read) in clients {
            cache.insert(try Client.sample(name, createdAt: read), revision: read)
        }
        return cache
    }

    @Test("A miss that a refresh has overtaken is not kept")
    func overtaken() throws {
        #expect(try cache(at: 5, ("a", 4)).client("c_a") == nil)
        #expect(try cache(at: 5, ("a", 5)).client("c_a") != nil)
        #expect(try cache(at: 5, ("a", 6)).client("c_a") != nil)
        #expect(try cache(at: nil, ("a", 0)).client("c_a") != nil)
    }

    @Test("A refresh replaces what changed, drops what is gone, and keeps the rest")
    func refresh() throws {
        var cache = try cache(at: 5, ("a", 5), ("b", 5), ("c", 5))
        let changed = try Client.sample("a", rooms: ["new"])
        cache.apply(
            .init(revision: 7, changed: ["c_a": changed], removed: ["c_b"]),
            asked: ["c_a", "c_b", "c_c"])
        #expect(cache.client("c_a") == changed)
        #expect(cache.client("c_b") == nil)
        #expect(cache.client("c_c") != nil)
        #expect(cache.revision == 7)
    }

    @Test("An entry newer than the refresh stays; an older one that it did not look at goes")
    func meanwhile() throws {
        var cache = try cache(at: 5, ("old", 6), ("new", 8))
        let stale = try Client.sample("new", rooms: ["stale"])
        cache.apply(.init(revision: 7, changed: ["c_new": stale], removed: []), asked: [])
        #expect(cache.client("c_old") == nil)
        #expect(cache.client("c_new")?.rooms.map(\.text) == ["*"])
    }

    @Test("The cache is bounded")
    func bounded() throws {
        var cache = try cache(at: 1)
        for index in 0..<10 { cache.insert(try Client.sample("\(index)"), revision: 1) }
        #expect(cache.ids.count == 4)
        #expect(cache.client("c_9") != nil)
    }
}

extension Client {
    /// A client with the id `c_` and its name.
    fileprivate static func sample(
        _ name: String, rooms: [String] = ["*"], createdAt: Int64 = 1_000
    ) throws -> Client {
        try NewClient(name: name, rooms: rooms).client(
            clientID: "c_\(name)", secretDigest: [UInt8](repeating: 1, count: 32),
            atSecondsSinceEpoch: createdAt)
    }
}
