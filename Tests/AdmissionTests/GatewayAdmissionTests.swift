import Access
import Admission
import AdmissionSupport
import Bytes
import HTTPMessages
import Signalling
import Testing
import Tokens

@Suite("The door behind a gateway (docs/protocol.md §1)") struct GatewayAdmissionTests {
    private let world = World()

    private func door(
        _ configuration: AdmissionConfiguration, tokens: TokenCheck? = nil
    ) -> GatewayAdmission {
        let ports = world.ports()
        return GatewayAdmission(
            configuration, now: ports.now, tokens: tokens ?? ports.tokens, client: ports.client,
            markUsed: ports.markUsed, log: ports.log)
    }

    private func decision(
        _ request: HTTPRequest, _ configuration: AdmissionConfiguration = AdmissionConfiguration(),
        fromCookie: Bool = false, cookieFault: String? = nil
    ) throws -> GatewayDecision {
        door(configuration).admit(
            request, parameters: try FormFields.parse(request.query ?? ""),
            fromCookie: fromCookie, cookieFault: cookieFault)
    }

    private func refusal(_ decision: GatewayDecision) -> HTTPResponse? {
        if case .refuse(let response) = decision { response } else { nil }
    }

    /// What is sent, and whether an edge step made its `Authorization` from a cookie.
    private func requests() throws -> [(HTTPRequest, Bool)] {
        let good = try world.token(subject: "ann")
        let bare = try world.token(scopes: [])
        let session = try world.token(scopes: ["session"], kind: .session)
        let gone = try world.token(client: "gone")
        let revoked = try world.token(subject: "bob")
        world.revoke("bob")
        let bearer = { (token: String) in ("Authorization", "Bearer \(token)") }
        let page = ("Origin", "https://app.example")
        let plain = [
            handshake(), handshake("token=\(good)"), handshake("token=\(good)&client=a"),
            handshake("token=\(good)&client=b"), handshake("token=\(good)&token=\(good)"),
            handshake("token=x.y.z"), handshake("token=\(bare)"), handshake("token=\(gone)"),
            handshake("token=\(revoked)"), handshake("token=\(session)"),
            handshake(nil, [bearer(good)]), handshake(nil, [bearer(good), bearer(good)]),
            handshake(nil, [bearer(good), ("Origin", "https://evil.example")]),
            handshake(nil, [bearer(session), page]), handshake("token=\(good)", [bearer(session)]),
            handshake(nil, [("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.\(good)")]),
            handshake(nil, [("Sec-WebSocket-Protocol", "usher.bearer.\(good)")]),
            handshake(nil, [("Sec-WebSocket-Protocol", "usher.v1, usher.v1")]),
            handshake(nil, [("Sec-WebSocket-Protocol", "a b")]),
        ]
        let ofCookie = [
            handshake(nil, [bearer(session), page]), handshake(nil, [bearer(session)]),
            handshake("client=b", [bearer(session), page]),
            handshake("token=\(good)", [bearer(session)]),
        ]
        return plain.map { ($0, false) } + ofCookie.map { ($0, true) }
    }

    @Test(
        "It answers as the relay's own door does, byte for byte",
        arguments: QueryTokenRule.allCases)
    func sameRules(rule: QueryTokenRule) throws {
        let configuration = AdmissionConfiguration(queryToken: rule)
        for (request, fromCookie) in try requests() {
            world.change { $0.used = [] }
            let own = Admission(configuration, world.ports())
                .admit(request, fromCookie: fromCookie)
            world.change { $0.used = [] }
            let other = try decision(request, configuration, fromCookie: fromCookie)
            #expect(refusal(other) == own.refusal)
            guard case .accept(_, let dialect, let grant) = other else { continue }
            #expect(own.admission?.dialect == dialect && own.admission?.grant == grant)
        }
    }

    @Test("It needs none of RFC 6455's own fields, and counts no connections")
    func noHandshake() throws {
        let token = try world.token()
        var request = handshake(nil, [("Sec-WebSocket-Protocol", "usher.v1")])
        for name: ByteText in ["Upgrade", "Connection", "Sec-WebSocket-Version"] {
            request.headers.remove(name)
        }
        request.headers.remove("Sec-WebSocket-Key")
        request.query = "token=\(token)"
        let narrow = AdmissionConfiguration(connectionsMax: 1, connectionsPerAddressMax: 1)
        for _ in 0..<3 {
            guard case .accept("usher.v1", .v1, _) = try decision(request, narrow) else {
                Issue.record("refused")
                return
            }
        }
    }

    @Test("A token for one connection is used up by the first, and 503 where that can't be noted")
    func oneUse() throws {
        let configuration = AdmissionConfiguration(queryToken: .oneUse)
        let token = try world.token()
        let request = handshake("token=\(token)")
        #expect(refusal(try decision(request, configuration)) == nil)
        #expect(refusal(try decision(request, configuration))?.status == 401)
        world.change { $0.canMark = false }
        #expect(refusal(try decision(request, configuration))?.status == 503)
    }

    @Test("Where there are no keys no token is called bad: it is 503, and it may be shown again")
    func noKeys() throws {
        let configuration = AdmissionConfiguration(queryToken: .oneUse)
        let token = try world.token()
        let request = handshake("token=\(token)")
        let keyless = TokenCheck(
            verify: { _, _, _ throws(TokenRefused) in throw .keysUnavailable },
            isRevoked: { _ in false })
        let decision = door(configuration, tokens: keyless).admit(
            request, parameters: try FormFields.parse(request.query ?? ""), fromCookie: false,
            cookieFault: nil)
        let response = try #require(refusal(decision))
        #expect(response.status == 503)
        #expect(response.headers["Retry-After"] == "5")
        #expect(!response.headers.contains("WWW-Authenticate"))
        #expect(
            world.log == [
                "connection_refused reason=token_keys_unavailable status=503 address=192.0.2.1"
            ])
        #expect(refusal(try self.decision(request, configuration)) == nil)
    }

    @Test("What is wrong with the cookie is told where there is no other token")
    func cookieFault() throws {
        let fault = "the cookie is empty: sign in again"
        let response = refusal(try decision(handshake(), cookieFault: fault))
        #expect(response?.status == 400)
        let token = try world.token()
        #expect(refusal(try decision(handshake("token=\(token)"), cookieFault: fault)) == nil)
    }

    @Test("A refusal is logged without the token")
    func log() throws {
        _ = try decision(handshake("token=forged.SECRET.token"))
        let line = try #require(world.log.last)
        #expect(line.contains("connection_refused") && line.contains("status=401"))
        #expect(!line.contains("SECRET"))
    }
}
