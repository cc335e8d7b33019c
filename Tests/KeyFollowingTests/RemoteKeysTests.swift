import Clients
import Cryptography
import Foundation
import Locking
import SigningKeys
import TestSupport
import Testing
import Tokens

@testable import KeyFollowing

/// A folder that behaves like a database: it can be away, in changing words, and can say nothing.
private final class RemoteStore: SigningKeyStore {
    struct State {
        var failure: KeyStoreError?
        var lookCount = 0
        var isFrozen = false
    }

    let folder: KeyFolder
    let state = Lock(State())

    init(_ folder: KeyFolder) { self.folder = folder }

    var place: String { "the registry" }
    var writesAudit: Bool { true }
    var isRemote: Bool { true }
    var lookCount: Int { state.withLock { $0.lookCount } }

    func prepare() throws(KeyStoreError) { try folder.prepare() }
    func load() throws(KeyStoreError) -> KeySnapshot { try folder.load() }

    func look(
        after mark: KeyMark?
    ) throws(KeyStoreError) -> (mark: KeyMark, keys: KeySnapshot)? {
        let failure = state.withLock { state in
            state.lookCount += 1
            return state.failure
        }
        while state.withLock({ $0.isFrozen }) { usleep(1000) }
        if let failure { throw failure }
        return try folder.look(after: mark)
    }

    func change<Value>(_ body: (any KeyChanging) throws -> Value) throws(KeyStoreError) -> Value {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        return try folder.change(body)
    }

    func fail(_ words: String?) {
        state.withLock {
            $0.failure = words.map {
                .registry(.unavailable(RegistryTrouble(code: "registry_away", description: $0)))
            }
        }
    }
}

private final class RemoteBench {
    let path = NSTemporaryDirectory() + "usher-remote-" + UUID().uuidString
    let store: RemoteStore
    let keys: LiveKeys

    init() throws {
        store = RemoteStore(KeyFolder(path: path + "/keys"))
        keys = try LiveKeys(
            store: store, algorithm: .es256, duty: .keep(publishSeconds: 1200), now: { 1000 })
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func rotate() throws -> String {
        try store.folder.rotate(.immediate, by: .server, at: 2000).key.keyID
    }
}

/// docs/architecture.md §4: keys that lie in a database.
@Suite struct RemoteKeysTests {
    @Test("A database that is away changes nothing, is told once in whatever words, and asked once")
    func away() throws {
        let bench = try RemoteBench()
        let codes = Lock<[String]>([])
        bench.keys.observe(onEvent: { event in
            codes.withLock {
                switch event {
                case .changed: $0.append("changed")
                case .trouble(let error): $0.append(error.code)
                case .recovered: $0.append("recovered")
                }
            }
        }) { _ in }
        bench.keys.tick()
        let before = bench.keys.current.verification
        for words in ["it is away", "it is away for 2 s", "nobody answers"] {
            bench.store.fail(words)
            let count = bench.store.lookCount
            bench.keys.tick()
            #expect(!bench.keys.refresh())
            #expect(bench.store.lookCount == count + 1)
        }
        #expect(bench.keys.current.verification == before)
        #expect(bench.keys.trouble?.code == "registry_away")
        bench.store.fail(nil)
        let new = try bench.rotate()
        bench.keys.tick()
        #expect(bench.keys.trouble == nil)
        #expect(bench.keys.current.signing.publicKey.keyID == new)
        #expect(codes.withLock { $0 } == ["registry_away", "recovered"])
    }

    @Test("Strangers that name keys have it asked a few times a second, and not more")
    func flood() throws {
        let bench = try RemoteBench()
        bench.keys.tick()
        let before = bench.store.lookCount
        for _ in 0..<500 { _ = bench.keys.refresh() }
        #expect(bench.store.lookCount == before + 20)
        bench.keys.tick()
        let new = try bench.rotate()
        #expect(bench.keys.refresh())
        #expect(bench.keys.current.signing.publicKey.keyID == new)
    }

    @Test("While it says nothing, nobody else waits for it for long, and the keys are at hand")
    func frozen() throws {
        let bench = try RemoteBench()
        bench.keys.tick()
        bench.store.state.withLock { $0.isFrozen = true }
        let (keys, store) = (bench.keys, bench.store)
        let first = TestThread { _ = keys.refresh() }
        while store.lookCount < 2 { usleep(1000) }
        #expect(keys.stored.count == 1)
        #expect(keys.trouble == nil)
        #expect(!keys.refresh())
        #expect(store.lookCount == 2)
        store.state.withLock { $0.isFrozen = false }
        first.wait()
    }

    @Test("Many that meet a new key at once are spared their looks, and all know it then")
    func together() throws {
        let bench = try RemoteBench()
        bench.keys.tick()
        let new = try bench.rotate()
        let keys = bench.keys
        let known = Lock(0)
        onThreads(32) { _ in
            _ = keys.refresh()
            if keys.current.signing.publicKey.keyID.utf8.elementsEqual(new.utf8) {
                known.withLock { $0 += 1 }
            }
        }
        #expect(known.withLock { $0 } == 32)
        #expect(bench.store.lookCount <= 1 + 20)
    }
}
