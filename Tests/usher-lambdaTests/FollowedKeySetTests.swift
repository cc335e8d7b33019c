import AWSServices
import Bytes
import HTTPClient
import HTTPMessages
import Locking
import Testing
import Tokens
import UsherVerifier

@testable import usher_lambda

@Suite struct FollowedKeySetTests {
    /// A clock that is set, and an issuer's answers, one after the other and then the last.
    private final class World: Sendable {
        private struct State {
            var now = 1000.0
            var answers: [Result<HTTPResponse, HTTPClientError>]
            var fetches = 0
            var reasons: [String] = []
        }

        private let state: Lock<State>

        init(_ answers: [Result<HTTPResponse, HTTPClientError>]) {
            state = Lock(State(answers: answers))
        }

        var fetches: Int { state.withLock { $0.fetches } }
        var reasons: [String] { state.withLock { $0.reasons } }
        func advance(_ seconds: Double) { state.withLock { $0.now += seconds } }

        var ports: FollowedKeySet.Ports {
            FollowedKeySet.Ports(
                now: { self.state.withLock { $0.now } },
                fetch: { (_) throws(HTTPClientError) in
                    try self.state.withLock { state in
                        state.fetches += 1
                        return state.answers.count > 1
                            ? state.answers.removeFirst() : state.answers[0]
                    }.get()
                },
                log: { _, fields in
                    self.state.withLock { $0.reasons += fields.map(\.1) }
                })
        }
    }

    private static func set(
        _ text: String, status: Int = 200, headers: [(ByteText, ByteText)] = []
    ) -> Result<HTTPResponse, HTTPClientError> {
        .success(.json(status, Array(text.utf8), headers: headers))
    }

    private func follow(_ world: World) throws -> FollowedKeySet {
        FollowedKeySet(
            try Verifier(
                issuer: Issuer.name, audience: Issuer.name, signatureAlgorithms: [.es256],
                keys: .nothingYet),
            ports: world.ports)
    }

    /// nil where the token is good.
    private func rejection(_ keys: FollowedKeySet, _ token: String) -> TokenRejection? {
        do throws(TokenRejection) {
            _ = try keys.verify(token, atSecondsSinceEpoch: Issuer.now, accepting: [.access])
            return nil
        } catch {
            return error
        }
    }

    @Test("The set is fetched with the first token, and then used")
    func first() throws {
        let issuer = try Issuer()
        let world = World([Self.set(issuer.keySet)])
        let keys = try follow(world)
        #expect(world.fetches == 0)
        for _ in 0..<5 { #expect(rejection(keys, try issuer.token()) == nil) }
        #expect(world.fetches == 1)
    }

    @Test("A token of an unknown key has the issuer asked, not more often than each half minute")
    func unknownKey() throws {
        let (old, new) = (try Issuer(), try Issuer())
        let world = World([Self.set(old.keySet), Self.set(new.keySet)])
        let keys = try follow(world)
        #expect(rejection(keys, try old.token()) == nil)
        #expect(rejection(keys, try new.token()) == .unknownKey)
        #expect(world.fetches == 1)
        world.advance(31)
        #expect(rejection(keys, try new.token()) == nil)
        #expect(world.fetches == 2)
        #expect(rejection(keys, try old.token()) == .unknownKey)
        #expect(world.fetches == 2)
    }

    @Test("A set that ages is renewed when the answer is out")
    func renewal() throws {
        let issuer = try Issuer()
        let world = World([Self.set(issuer.keySet)])
        let keys = try follow(world)
        #expect(rejection(keys, try issuer.token()) == nil)
        keys.renewIfDue()
        #expect(world.fetches == 1)
        world.advance(500)
        #expect(rejection(keys, try issuer.token()) == nil)
        #expect(world.fetches == 1)
        keys.renewIfDue()
        keys.renewIfDue()
        #expect(world.fetches == 2)
        world.advance(601)
        #expect(rejection(keys, try issuer.token()) == nil)
        #expect(world.fetches == 3)
    }

    @Test("While the issuer fails, the last good set goes on for an hour")
    func failing() throws {
        let issuer = try Issuer()
        let lost = HTTPClientError.tlsUnavailable
        let world = World([Self.set(issuer.keySet), .failure(lost)])
        let keys = try follow(world)
        #expect(rejection(keys, try issuer.token()) == nil)
        world.advance(3500)
        #expect(rejection(keys, try issuer.token()) == nil)
        world.advance(101)
        #expect(rejection(keys, try issuer.token()) == .keysUnavailable)
        #expect(world.reasons.contains(lost.description))
    }

    @Test("Without a set no token is good, and the issuer is asked again after a pause that grows")
    func never() throws {
        let issuer = try Issuer()
        let world = World([Self.set("", status: 500)])
        let keys = try follow(world)
        let token = try issuer.token()
        for _ in 0..<3 { #expect(rejection(keys, token) == .keysUnavailable) }
        #expect(world.fetches == 1)
        world.advance(1.1)
        #expect(rejection(keys, token) == .keysUnavailable)
        #expect(world.fetches == 2)
        world.advance(1.1)
        #expect(rejection(keys, token) == .keysUnavailable)
        #expect(world.fetches == 2)
    }

    @Test(
        "What is no key set is not taken",
        arguments: [
            (set("", status: 302), "redirect"), (set("{}", status: 404), "404"),
            (set("{}"), ""), (set(#"{"keys":[]}"#), ""),
            (
                .success(
                    HTTPResponse(status: 200, headers: HeaderFields([("Content-Type", "a/b")]))),
                "a/b"
            ),
            (.success(.json(200, Array(repeating: 0x20, count: 65_537))), "65536"),
            (set("{}", headers: [("Age", "3600")]), "3600"),
        ])
    func refused(_ answer: Result<HTTPResponse, HTTPClientError>, _ word: String) throws {
        let issuer = try Issuer()
        let world = World([answer, Self.set(issuer.keySet)])
        let keys = try follow(world)
        #expect(rejection(keys, try issuer.token()) == .keysUnavailable)
        #expect(world.reasons.count == 1)
        #expect(word.isEmpty || world.reasons[0].contains(word))
        world.advance(2)
        #expect(rejection(keys, try issuer.token()) == nil)
    }
}
