import Bytes
import Clients
import Cryptography
import Foundation
import Identifiers
import Locking
import SigningKeys
import StrictJSON
import Synchronization
import Testing
import TokenIssuing
import Tokens
import UsherVerifier

@testable import KeyFollowing

/// A clock that tests set.
private final class TestClock: Sendable {
    private let seconds = Atomic<Int64>(1_800_000_000)

    @Sendable func now() -> Int64 { seconds.load(ordering: .relaxed) }
    func advance(_ by: Int64) { seconds.add(by, ordering: .relaxed) }
}

/// Live keys on a folder that is gone when the test ends; nothing runs but what the test calls.
private final class KeyBench {
    let clock = TestClock()
    let path = NSTemporaryDirectory() + "usher-live-" + UUID().uuidString
    var folder: KeyFolder { KeyFolder(path: path + "/keys") }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func keys(_ duty: LiveKeys.Duty = .keep(publishSeconds: 1200)) throws -> LiveKeys {
        try LiveKeys(store: folder, algorithm: .es256, duty: duty, now: clock.now)
    }

    func rotate(_ pace: KeyRotationPace = .afterPublishing) throws -> String {
        try folder.rotate(pace, by: .server, at: clock.now()).key.keyID
    }

    func claims() -> TokenClaims {
        TokenClaims(
            issuer: "https://auth.example", audience: ["https://auth.example"], subject: "c_1",
            clientID: "c_1", issuedAt: clock.now(), expiresAt: clock.now() + 600, tokenID: "t",
            scopes: ["signal"], rooms: [])
    }

    func verifier(_ keys: LiveKeys) throws -> LiveVerifier {
        let site = "https://auth.example"
        let verifier = try Verifier(
            issuer: site, audience: site, algorithms: [.es256, .rs256, .eddsa],
            keys: .keys(keys.current.verification))
        return LiveVerifier(
            ClaimsPolicy(issuer: site, audience: site, leewaySeconds: 30), keys,
            verify: { token, kinds, now throws(TokenFault) in
                try verifier.claims(of: token, atSecondsSinceEpoch: now, accepting: kinds)
            }, replace: { try? verifier.replaceKeys($0) }, client: { _ in nil })
    }
}

/// The events that live keys told.
private final class Told: Sendable {
    private let events = Lock<[LiveKeys.Event]>([])

    @Sendable func note(_ event: LiveKeys.Event) { events.withLock { $0.append(event) } }
    var all: [LiveKeys.Event] { events.withLock { $0 } }
}

private func publishedIDs(_ keys: LiveKeys) throws -> [String] {
    try JSONValue.parse(keys.current.keySet).object?["keys"]?.array?.compactMap {
        $0.object?["kid"]?.string?.string
    } ?? []
}

@Suite struct LiveKeysTests {
    @Test("A published key is in the key set at the next look, and signs when its time has come")
    func stages() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let old = keys.current.signing.publicKey.keyID
        let new = try bench.rotate()
        #expect(try publishedIDs(keys) == [old])
        keys.tick()
        #expect(try publishedIDs(keys) == [old, new])
        #expect(keys.current.signing.publicKey.keyID == old)
        bench.clock.advance(1199)
        keys.tick()
        #expect(keys.current.signing.publicKey.keyID == old)
        bench.clock.advance(1)
        keys.tick()
        #expect(keys.current.signing.publicKey.keyID == new)
        #expect(try publishedIDs(keys) == [new, old])
        bench.clock.advance(3899)
        keys.tick()
        #expect(try publishedIDs(keys) == [new, old])
        bench.clock.advance(1)
        keys.tick()
        #expect(try publishedIDs(keys) == [new])
    }

    @Test("A follower promotes and removes nothing itself")
    func followerKeepsHandsOff() throws {
        let bench = KeyBench()
        let keys = try bench.keys(.follow)
        let old = keys.current.signing.publicKey.keyID
        _ = try bench.rotate()
        bench.clock.advance(1_000_000)
        keys.tick()
        #expect(keys.current.signing.publicKey.keyID == old)
        #expect(try bench.folder.list().map(\.stage) == [.signing, .published])
    }

    @Test("Whoever verifies is given new keys before they are in use, and only when they are new")
    func order() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let old = keys.current.signing.publicKey.keyID
        let seen = Lock<[[String]]>([])
        keys.observe { new in
            seen.withLock {
                $0.append(
                    [keys.current.signing.publicKey.keyID]
                        + new.verification.map(\.keyID))
            }
        }
        keys.tick()
        let new = try bench.rotate(.immediate)
        keys.tick()
        keys.tick()
        #expect(seen.withLock { $0 } == [[old, new, old]])
    }

    @Test("A signing key that stays keeps its issuer when others come and go")
    func issuerStays() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let signing = keys.current.signing
        _ = try bench.rotate()
        keys.tick()
        #expect(keys.current.verification.count == 2)
        #expect(keys.current.signing === signing)
    }

    @Test("Trouble changes nothing, is told once, and its end too")
    func trouble() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let told = Told()
        keys.observe(onEvent: told.note) { _ in }
        let before = try publishedIDs(keys)
        let path = bench.path + "/keys"
        func setMode(_ mode: Int) throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
        try setMode(0o755)
        keys.tick()
        keys.tick()
        #expect(try publishedIDs(keys) == before)
        try setMode(0o700)
        let new = try bench.rotate(.immediate)
        keys.tick()
        #expect(try publishedIDs(keys).first == new)
        #expect(told.all == [.trouble(.folderTooOpen(path: path, mode: 0o755)), .recovered])
    }

    @Test("A folder that cannot be followed is trouble at once, and no longer than that")
    func readiness() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let path = bench.path + "/keys"
        keys.tick()
        #expect(keys.trouble == nil)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
        keys.tick()
        keys.tick()
        #expect(keys.trouble == .missing(path: path))
        try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
        keys.tick()
        #expect(keys.trouble == nil)
    }

    @Test("Keys that vanish stay in use until another one signs")
    func vanished() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let before = try publishedIDs(keys)
        let file = try FileManager.default.contentsOfDirectory(atPath: bench.path + "/keys")[0]
        try FileManager.default.removeItem(atPath: bench.path + "/keys/" + file)
        keys.tick()
        #expect(try publishedIDs(keys) == before)
        var pem = try SigningKey.generate(.eddsa).pem()
        let imported = try bench.folder.importKey(
            wiping: &pem, by: .server, at: bench.clock.now())
        keys.tick()
        #expect(try publishedIDs(keys) == [imported.key.keyID])
    }

    @Test("What happens to keys is told as it happens")
    func events() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let told = Told()
        keys.observe(onEvent: told.note) { _ in }
        let new = try bench.rotate()
        bench.clock.advance(1200)
        keys.tick()
        bench.clock.advance(3900)
        keys.tick()
        let names = told.all.map { event in
            switch event {
            case .changed(.promoted(let key)): key.keyID == new ? "promoted" : "?"
            case .changed(.removed(let key)): key.keyID != new ? "removed" : "?"
            default: "?"
            }
        }
        #expect(names == ["promoted", "removed"])
    }

    @Test("A token signed by another process with a new key is taken before the next look")
    func otherProcess() throws {
        let bench = KeyBench()
        let signer = try bench.keys()
        let relay = try bench.keys(.follow)
        let verifier = try bench.verifier(relay)
        relay.observe(onChange: verifier.replaceKeys)
        let old = try signer.current.issuer.issue(bench.claims())
        let now = bench.clock.now()
        #expect(try verifier.verify(old, [.access], atSecondsSinceEpoch: now).clientID == "c_1")
        for _ in 0..<3 {
            _ = try bench.rotate(.immediate)
            signer.tick()
            let new = try signer.current.issuer.issue(bench.claims())
            #expect(
                try verifier.verify(new, [.access], atSecondsSinceEpoch: now).clientID == "c_1")
        }
        #expect(try verifier.verify(old, [.access], atSecondsSinceEpoch: now).clientID == "c_1")
    }

    @Test("A token of a key that was removed is refused, remembered or not")
    func removedKey() throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let verifier = try bench.verifier(keys)
        keys.observe(onChange: verifier.replaceKeys)
        let token = try keys.current.issuer.issue(bench.claims())
        let now = bench.clock.now()
        _ = try verifier.verify(token, [.access], atSecondsSinceEpoch: now)
        let old = keys.current.signing.publicKey.keyID
        _ = try bench.rotate(.immediate)
        _ = try bench.folder.remove(keyID: old, by: .server, at: now)
        keys.tick()
        #expect(throws: TokenFault.unknownKey) {
            _ = try verifier.verify(token, [.access], atSecondsSinceEpoch: now)
        }
    }

    @Test("While keys rotate under load, every token that is issued is taken at once")
    func underLoad() async throws {
        let bench = KeyBench()
        let keys = try bench.keys()
        let verifier = try bench.verifier(keys)
        keys.observe(onChange: verifier.replaceKeys)
        let claims = bench.claims()
        let now = bench.clock.now()
        let isOver = SharedFlag()
        let loads = (0..<4).map { _ in
            Task.detached {
                var refused = 0
                repeat {
                    let token = try keys.current.issuer.issue(claims)
                    if (try? verifier.verify(token, [.access], atSecondsSinceEpoch: now)) == nil {
                        refused += 1
                    }
                } while !isOver.isSet
                return refused
            }
        }
        for _ in 0..<20 {
            _ = try bench.rotate(.immediate)
            keys.tick()
        }
        isOver.set()
        for load in loads { #expect(try await load.value == 0) }
    }
}

private final class SharedFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
