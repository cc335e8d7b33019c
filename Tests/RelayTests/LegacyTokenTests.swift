import Access
import Admission
import AdmissionSupport
import Bytes
import Locking
import Relay
import Testing
import Tokens
import WebSocket

@Suite("Legacy tokens at the relay (docs/architecture.md §4)") struct LegacyTokenTests {
    private let relay = Hub(isV1: false)
    private let secret: [UInt8] = [1, 2, 3]

    private func set(_ digest: [UInt8]?) {
        relay.world.state.withLock {
            $0.clients["a"] = ClientStanding(
                isEnabled: true, origins: ["https://app.example"], legacySecretDigest: digest)
        }
    }

    private func token(scopes: [String] = ["signal"]) throws -> String {
        let token = try relay.world.token(scopes: scopes, kind: .legacy)
        relay.world.state.withLock { $0.tokens[token]?.legacySecretDigest = secret }
        return token
    }

    @Test("The relay takes a legacy token wherever it takes an access token")
    func taken() throws {
        set(secret)
        let token = try token()
        let places = [
            handshake("token=\(token)&client=a"),
            handshake(nil, [("Authorization", "Bearer \(token)")]),
            handshake(nil, [("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.\(token)")]),
        ]
        for place in places {
            #expect(relay.admission.admit(place, fromCookie: false).status == 101)
        }
    }

    @Test("A legacy token in a cookie obeys the Origin as every other does")
    func cookie() throws {
        set(secret)
        let bearer = ("Authorization", "Bearer \(try token())")
        for (origin, status) in [("https://app.example", 101), ("https://evil.example", 403)] {
            let request = handshake(nil, [bearer, ("Origin", origin)])
            #expect(relay.admission.admit(request, fromCookie: true).status == status)
        }
    }

    @Test("A legacy token of a client that may not signal is 403 insufficient_scope")
    func scope() throws {
        set(secret)
        let request = handshake("token=\(try token(scopes: []))")
        #expect(relay.admission.admit(request, fromCookie: false).status == 403)
    }

    @Test(
        "What a legacy token opened is closed with 4501 when the secret is gone or another",
        arguments: [nil, [1, 2, 4]] as [[UInt8]?])
    func withdrawn(digest: [UInt8]?) throws {
        set(secret)
        let bystander = try relay.connect(client: "a")
        let ann = relay.connect(token: try token())
        #expect(relay.asked { relay.tell(.rightsChanged) }.isEmpty)
        set(digest)
        #expect(relay.asked { relay.tell(.rightsChanged) } == [.close(ann.socket, .revoked)])
        #expect(!relay.asked { bystander.join("R") }.isEmpty)
    }
}
