import Cryptography
import Testing
import Tokens
import UsherKeySet
import UsherVerifier

@Suite("When a key set is fetched")
struct ScheduleTests {
    private let issuer: Issuer
    private let source: HTTPSource
    private let clock = TestClock()

    init() throws {
        issuer = try Issuer()
        source = try HTTPSource()
        source.answer(issuer.keySet)
    }

    @Test("A storm of unknown kids causes one fetch in half a minute (RFC 8725 §3.10)")
    func storm() async throws {
        defer { source.stop() }
        let keys = try issuer.keys(at: source, clock: clock)
        #expect(await keys.rejection(of: try issuer.token()) == nil)
        let strangers = try (0..<20).map { _ in try issuer.token(key: try .generate(.es256)) }
        for round in 1...3 {
            clock.advance(round == 1 ? 29 : 30)
            await withTaskGroup(of: Void.self) { group in
                for token in strangers {
                    for _ in 0..<10 {
                        group.addTask { #expect(await keys.rejection(of: token) == .unknownKey) }
                    }
                }
            }
            #expect(source.requests.count == round)
            #expect(await keys.rejection(of: try issuer.token()) == nil)
        }
    }

    @Test("Many that wait for the first set share one fetch")
    func singleFlight() async throws {
        defer { source.stop() }
        source.answer(waitMilliseconds: 100, issuer.keySet)
        let keys = try issuer.keys(at: source, clock: clock)
        let token = try issuer.token()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 { group.addTask { #expect(await keys.rejection(of: token) == nil) } }
        }
        #expect(source.requests.count == 1)
    }

    @Test("A token of a new key is taken as soon as the issuer publishes the key")
    func rotation() async throws {
        defer { source.stop() }
        let keys = try issuer.keys(at: source, clock: clock)
        #expect(await keys.rejection(of: try issuer.token()) == nil)
        let new = try SigningKey.generate(.es256)
        source.answer(JWKSet.serialize([issuer.key.publicKey, new.publicKey]))
        clock.advance(31)
        #expect(await keys.rejection(of: try issuer.token(key: new)) == nil)
        #expect(source.requests.count == 2)
        #expect(keys.status.keyCount == 2)
    }

    @Test("A key that the issuer took back is good for ten minutes at most")
    func withdrawal() async throws {
        defer { source.stop() }
        let keys = try issuer.keys(at: source, clock: clock)
        let token = try issuer.token()
        #expect(await keys.rejection(of: token) == nil)
        source.answer(try Issuer().keySet)
        clock.advance(449)
        #expect(await keys.rejection(of: token) == nil)
        #expect(source.requests.count == 1)
        clock.advance(151)
        #expect(await keys.rejection(of: token) == .unknownKey)
        #expect(source.requests.count == 2)
    }

    @Test("A set of seven and a half minutes is renewed while it goes on being used")
    func renewal() async throws {
        defer { source.stop() }
        let keys = try issuer.keys(at: source, clock: clock)
        #expect(await keys.rejection(of: try issuer.token()) == nil)
        clock.advance(450)
        source.answer(waitMilliseconds: 50, issuer.keySet)
        #expect(await keys.rejection(of: try issuer.token()) == nil)
        #expect(keys.status.ageSeconds == 450)
        #expect(await keys.fault() == nil)  // Waits for the fetch that is under way.
        #expect(keys.status.ageSeconds == 0)
        #expect(source.requests.count == 2)
    }

    @Test("The last good set is kept for an hour while the issuer fails, and not a second longer")
    func keptForAnHour() async throws {
        defer { source.stop() }
        let keys = try issuer.keys(at: source, clock: clock)
        let token = try issuer.token()
        #expect(await keys.rejection(of: token) == nil)
        source.answer(status: "500 No", [])
        for age in stride(from: 600, to: 3600, by: 600) {
            clock.advance(600)
            #expect(await keys.rejection(of: token) == nil)
            _ = await keys.fault()
            #expect(keys.status.condition == .aged)
            #expect(keys.status.ageSeconds == Int64(age))
            #expect(keys.status.lastFault == .status(500))
        }
        clock.advance(599)
        #expect(await keys.rejection(of: token) == nil)
        clock.advance(1)
        #expect(await keys.rejection(of: token) == .keysUnavailable)
        #expect(keys.status.condition == .unavailable)
        #expect(keys.status.keyCount == 0 && keys.status.ageSeconds == nil)
        source.answer(issuer.keySet)
        clock.advance(31)
        #expect(await keys.rejection(of: token) == nil)
        #expect(keys.status.condition == .current)
    }

    @Test(
        "While there is no set, the issuer is asked after 1, 2, 4, … seconds, then each half minute"
    )
    func pauses() async throws {
        defer { source.stop() }
        source.answer(status: "503 No", [])
        let keys = try issuer.keys(at: source, clock: clock)
        let token = try issuer.token()
        #expect(await keys.rejection(of: token) == .keysUnavailable)
        for (index, pause) in [1.0, 2, 4, 8, 16, 30, 30].enumerated() {
            clock.advance(pause - 0.5)
            for _ in 0..<3 { #expect(await keys.rejection(of: token) == .keysUnavailable) }
            #expect(source.requests.count == index + 1)
            clock.advance(0.5)
            for _ in 0..<3 { #expect(await keys.rejection(of: token) == .keysUnavailable) }
            #expect(source.requests.count == index + 2)
            #expect(keys.status.consecutiveFailures == index + 2)
        }
    }

    @Test("An answer out of a cache counts from when it left the issuer (RFC 9111 §4.2.3)")
    func age() async throws {
        defer { source.stop() }
        source.answer(headers: ["Age: 400"], issuer.keySet)
        let keys = try issuer.keys(at: source, clock: clock)
        #expect(await keys.fault() == nil)
        #expect(keys.status.ageSeconds == 400)
        source.answer(headers: ["Age: 3600"], issuer.keySet)
        #expect(await keys.fault() == .outdated(ageSeconds: 3600))
    }

    @Test("A cache that answers with an older set does not roll the keys back")
    func rollback() async throws {
        defer { source.stop() }
        let old = try Issuer()
        let keys = try issuer.keys(at: source, clock: clock)
        #expect(await keys.fault() == nil)
        clock.advance(100)
        source.answer(headers: ["Age: 106"], old.keySet)
        #expect(await keys.fault() == .outdated(ageSeconds: 106))
        #expect(await keys.rejection(of: try issuer.token()) == nil)
        #expect(await keys.rejection(of: try old.token()) == .unknownKey)
    }

    @Test("A kid that two issuers share serves each for its own tokens (RFC 8725 §3.8)")
    func crossIssuer() async throws {
        defer { source.stop() }
        let other = try Issuer(name: "https://other.example")
        let shared = try PublicKey(
            other.key.publicKey.material, keyID: issuer.key.publicKey.keyID, sha256: Digest.sha256)
        let second = try HTTPSource()
        defer { second.stop() }
        second.answer(JWKSet.serialize([shared]))
        let ours = try issuer.keys(at: source)
        let theirs = try other.keys(at: second)
        let token = try issuer.token()
        #expect(await ours.rejection(of: token) == nil)
        #expect(await theirs.rejection(of: token) == .badSignature)
    }
}
