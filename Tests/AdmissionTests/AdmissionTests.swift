import Admission
import AdmissionSupport
import Bytes
import HTTPMessages
import Identifiers
import Locking
import Signalling
import StrictJSON
import Testing
import Tokens

private func error(_ decision: AdmissionDecision) throws -> String? {
    guard let refusal = decision.refusal else { return nil }
    #expect(refusal.headers["Content-Type"] == "application/json")
    #expect(refusal.headers["Cache-Control"] == "no-store")
    let body = try JSONValue.parse(refusal.body).object
    #expect(body?["error_description"]?.string?.string.isEmpty == false)
    #expect(body?.members.count == 2)
    return body?["error"]?.string?.string
}

private func challenge(_ decision: AdmissionDecision) -> String? {
    decision.refusal?.headers["WWW-Authenticate"]?.string
}

@Suite struct AdmissionTests {
    private let world = World()
    private let service: Admission

    init() { service = Admission(AdmissionConfiguration(), world.ports()) }

    private func service(_ rule: QueryTokenRule) -> Admission {
        Admission(AdmissionConfiguration(queryToken: rule), world.ports())
    }

    // MARK: Whether it is a handshake at all

    @Test("A request without Upgrade is not the relay's")
    func notAnUpgrade() {
        guard case .notAnUpgrade = service.admit(HTTPRequest(), fromCookie: false) else {
            Issue.record("it was taken")
            return
        }
    }

    @Test("A broken handshake is refused before any token is looked at (RFC 6455 §4.2.1)")
    func brokenHandshake() throws {
        var request = handshake("token=\(try world.token())")
        request.headers.set("Sec-WebSocket-Version", "8")
        #expect(service.admit(request, fromCookie: false).status == 426)
        #expect(world.state.withLock { $0.verified.isEmpty })
    }

    @Test("A good handshake is accepted with the fields of RFC 6455 §4.2.2 and no subprotocol")
    func accepted() throws {
        let token = try world.token(rooms: ["lobby"], name: "Ann")
        let decision = service.admit(handshake("token=\(token)&client=a"), fromCookie: false)
        guard case .accept(let headers, let admission) = decision else {
            Issue.record("refused")
            return
        }
        #expect(headers["Sec-WebSocket-Accept"]?.utf8.count == 28)
        #expect(headers["Sec-WebSocket-Protocol"] == nil)
        #expect(admission.clientID == "a" && admission.grant.name == "Ann")
        #expect(admission.grant.covers(room: "lobby") && !admission.grant.covers(room: "lobby2"))
    }

    // MARK: Where the token comes from

    @Test(
        "No token: 401 unauthorized, and a challenge that holds realm alone (RFC 6750 §3)",
        arguments: [nil, "", "token=", "client=a", "Token=x.y.z"])
    func noToken(query: String?) throws {
        let decision = service.admit(handshake(query), fromCookie: false)
        #expect(decision.status == 401)
        #expect(try error(decision) == "unauthorized")
        #expect(challenge(decision) == #"Bearer realm="usher""#)
    }

    @Test("An absent token never falls through to admission (docs/protocol.md §1)")
    func absentIsRefused() {
        for scheme in ["Basic YTpi", "Negotiate abc", "Bear x.y.z"] {
            let request = handshake(nil, [("Authorization", scheme)])
            #expect(service.admit(request, fromCookie: false).status == 401)
        }
        #expect(service.ledger.total == 0)
    }

    @Test(
        "A bad token is 401 invalid_token, wherever it stands",
        arguments: [
            handshake("token=x.y.z"), handshake("token=undefined"), handshake("token=x.y"),
            handshake("token=.."), handshake(nil, [("Authorization", "Bearer x.y.z")]),
            handshake(nil, [("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.x.y.z")]),
            handshake(nil, [("Sec-WebSocket-Protocol", "usher.bearer., usher.v1")]),
        ])
    func badToken(request: HTTPRequest) throws {
        let decision = service.admit(request, fromCookie: false)
        #expect(decision.status == 401)
        #expect(try error(decision) == "invalid_token")
        #expect(
            challenge(decision)?.hasPrefix(#"Bearer realm="usher", error="invalid_token", "#)
                == true)
    }

    @Test(
        "The subprotocols carry a token; the answer selects usher.v1 and never echoes the token"
    )
    func subprotocol() throws {
        let offer = "usher.v1, usher.bearer.\(try world.token())"
        let decision = service.admit(
            handshake(nil, [("Sec-WebSocket-Protocol", offer)]), fromCookie: false)
        guard case .accept(let headers, _) = decision else {
            Issue.record("refused")
            return
        }
        #expect(headers.values("Sec-WebSocket-Protocol") == ["usher.v1"])
        #expect(headers.fields.allSatisfy { !$0.value.string.contains("SECRET") })
    }

    @Test(
        "Other offered subprotocols: none is selected (docs/protocol.md §1)",
        arguments: ["graphql-ws", "a, b", "usher.v2"])
    func otherSubprotocols(offer: String) throws {
        let request = handshake(
            "token=\(try world.token())", [("Sec-WebSocket-Protocol", offer)])
        guard case .accept(let headers, _) = service.admit(request, fromCookie: false) else {
            Issue.record("refused")
            return
        }
        #expect(headers["Sec-WebSocket-Protocol"] == nil)
    }

    @Test(
        "usher.v1 asks for v1 and is selected, wherever the token comes from (docs/protocol.md §3)")
    func v1() throws {
        let request = handshake(
            "token=\(try world.token())", [("Sec-WebSocket-Protocol", "x, usher.v1")])
        guard
            case .accept(let headers, let admission) =
                service.admit(request, fromCookie: false)
        else {
            Issue.record("refused")
            return
        }
        #expect(headers["Sec-WebSocket-Protocol"] == "usher.v1" && admission.dialect == .v1)
    }

    @Test(
        "Authorization carries a token, whatever the scheme's case (RFC 6750 §2.1)",
        arguments: ["Bearer", "bearer", "BEARER"])
    func authorization(scheme: String) throws {
        let request = handshake(nil, [("Authorization", "\(scheme) \(try world.token())")])
        #expect(service.admit(request, fromCookie: false).status == 101)
    }

    @Test(
        "Said twice, or half, is 400 invalid_request (docs/protocol.md §1, RFC 6750 §3.1)",
        arguments: [
            handshake("token=a.b.c&token=a.b.c"), handshake("token=&token="),
            handshake("client=a&client=a&token=a.b.c"), handshake("token=%zz"),
            handshake("%74oken=a.b.c&token=a.b.c"),
            handshake(nil, [("Authorization", "Bearer a.b.c"), ("Authorization", "Bearer a.b.c")]),
            handshake(nil, [("Authorization", "Bearer")]),
            handshake(nil, [("Authorization", "Bearer a.b.c d")]),
            handshake(nil, [("Sec-WebSocket-Protocol", "usher.bearer.a.b.c")]),
            handshake(
                nil, [("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.a, usher.bearer.b")]),
            handshake(
                nil,
                [
                    ("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.a"),
                    ("Sec-WebSocket-Protocol", "usher.bearer.b"),
                ]),
        ])
    func invalidRequest(request: HTTPRequest) throws {
        let decision = service.admit(request, fromCookie: false)
        #expect(decision.status == 400)
        #expect(try error(decision) == "invalid_request")
        #expect(world.state.withLock { $0.verified.isEmpty })
    }

    @Test("The order of sources: subprotocol, Authorization, query, cookie")
    func order() throws {
        func verified(_ request: HTTPRequest, fromCookie: Bool) -> String? {
            _ = service.admit(request, fromCookie: fromCookie)
            return world.state.withLock { $0.verified.last }
        }
        let offer = ("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.s.s.s")
        let field = ("Authorization", "Bearer f.f.f")
        #expect(verified(handshake("token=q.q.q", [offer, field]), fromCookie: false) == "s.s.s")
        #expect(verified(handshake("token=q.q.q", [field]), fromCookie: false) == "f.f.f")
        #expect(verified(handshake("token=q.q.q", [offer, field]), fromCookie: true) == "s.s.s")
        #expect(verified(handshake("token=q.q.q", [field]), fromCookie: true) == "q.q.q")
        #expect(verified(handshake(nil, [field]), fromCookie: true) == "f.f.f")
    }

    @Test("A cookie of another client than the one that is named opens nothing, and is told so")
    func cookieOfAnother() throws {
        let field = ("Authorization", "Bearer \(try world.token())")
        let headers = [field, ("Origin", "https://app.example")]
        let refused = service.admit(handshake("client=b", headers), fromCookie: true)
        #expect(refused.status == 403)
        #expect(try error(refused) == "client_mismatch")
        #expect(service.admit(handshake("client=a", headers), fromCookie: true).status != 403)
        #expect(service.admit(handshake("client=b", [field]), fromCookie: false).status == 401)
    }

    @Test("What is wrong with the cookie matters where there is no other token")
    func badCookie() throws {
        func status(_ request: HTTPRequest) -> Int? {
            service.admit(request, fromCookie: false, cookieFault: "the cookie is bad").status
        }
        let field = ("Authorization", "Bearer f.f.f")
        let offer = ("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.s.s.s")
        for request in [
            handshake("token=q.q.q"), handshake(nil, [field]), handshake(nil, [offer]),
        ] {
            #expect(status(request) != 400)
        }
        let refused = service.admit(
            handshake(nil), fromCookie: false, cookieFault: "the cookie is bad")
        #expect(refused.status == 400)
        #expect(try error(refused) == "invalid_request")
    }

    @Test(
        "Beside a cookie, a query token that has not three parts counts as absent",
        arguments: [
            "undefined", "null", "", "a.b", "a.b.c.d", "..", "a..c", "a.b.",
        ])
    func undefinedBesideCookie(text: String) {
        let request = handshake("token=\(text)", [("Authorization", "Bearer c.c.c")])
        _ = service.admit(request, fromCookie: true)
        #expect(world.state.withLock { $0.verified.last } == "c.c.c")
    }

    // MARK: The rule for query tokens

    @Test("With deny, a query token is no token, and a cookie beside it is used")
    func deny() throws {
        let token = try world.token()
        let alone = service(.deny).admit(handshake("token=\(token)"), fromCookie: false)
        #expect(alone.status == 401)
        #expect(try error(alone) == "unauthorized")
        #expect(challenge(alone) == #"Bearer realm="usher""#)
        let besideCookie = handshake(
            "token=x.y.z",
            [("Authorization", "Bearer \(token)"), ("Origin", "https://app.example")])
        #expect(service(.deny).admit(besideCookie, fromCookie: true).status == 101)
    }

    @Test("With one-use, each jti opens one connection by the query, and any number otherwise")
    func oneUse() throws {
        let relay = service(.oneUse)
        let token = try world.token()
        #expect(relay.admit(handshake("token=\(token)"), fromCookie: false).status == 101)
        let again = relay.admit(handshake("token=\(token)"), fromCookie: false)
        #expect(again.status == 401)
        #expect(try error(again) == "invalid_token")
        #expect(world.log.last?.contains("reason=token_used") == true)
        let field = handshake(nil, [("Authorization", "Bearer \(token)")])
        #expect(relay.admit(field, fromCookie: false).status == 101)
        #expect(relay.ledger.total == 0)
    }

    @Test("A one-use token is spent only when nothing else stands in the way")
    func spentLast() throws {
        let relay = service(.oneUse)
        let token = try world.token()
        let wrong = relay.admit(handshake("token=\(token)&client=b"), fromCookie: false)
        #expect(wrong.status == 401)
        let unscoped = try world.token(scopes: ["other"])
        #expect(relay.admit(handshake("token=\(unscoped)"), fromCookie: false).status == 403)
        #expect(world.state.withLock { $0.used.isEmpty })
        #expect(relay.admit(handshake("token=\(token)"), fromCookie: false).status == 101)
    }

    @Test("Where nobody can tell whether a token was used, it is 503 with Retry-After")
    func markUnavailable() throws {
        world.state.withLock { $0.canMark = false }
        let relay = service(.oneUse)
        let decision = relay.admit(handshake("token=\(try world.token())"), fromCookie: false)
        #expect(decision.status == 503)
        #expect(decision.refusal?.headers["Retry-After"] == "5")
        #expect(relay.ledger.total == 0)
    }

    // MARK: What the token says

    @Test(
        "client must equal the token's client_id, and picks nothing (docs/protocol.md §1)",
        arguments: [
            ("a", 101), ("b", 401), ("", 401), ("A", 401), ("a%20", 401), ("undefined", 401),
        ])
    func clientParameter(client: String, status: Int) throws {
        let token = try world.token()
        let decision = service.admit(
            handshake("token=\(token)&client=\(client)"), fromCookie: false)
        #expect(decision.status == status)
        if status == 401 { #expect(try error(decision) == "invalid_token") }
    }

    @Test("A revoked token is 401 invalid_token (RFC 7009 §2)")
    func revoked() throws {
        let token = try world.token()
        #expect(service.admit(handshake("token=\(token)"), fromCookie: false).status == 101)
        world.revoke("a")
        let decision = service.admit(handshake("token=\(token)"), fromCookie: false)
        #expect(try error(decision) == "invalid_token")
        #expect(world.log.last?.contains("reason=token_revoked") == true)
    }

    @Test("A token of a disabled or removed client is 401 invalid_token (RFC 8725 §3.8)")
    func disabledClient() throws {
        let token = try world.token()
        world.disable("a")
        #expect(service.admit(handshake("token=\(token)"), fromCookie: false).status == 401)
        #expect(world.log.last?.contains("reason=client_disabled") == true)
        world.remove("a")
        #expect(service.admit(handshake("token=\(token)"), fromCookie: false).status == 401)
        #expect(world.log.last?.contains("reason=client_unknown") == true)
    }

    @Test(
        "Without the scope signal it is 403 insufficient_scope (RFC 6750 §3.1)",
        arguments: [[], ["other"], ["Signal"], ["session"], ["signals"]])
    func scope(scopes: [String]) throws {
        let token = try world.token(scopes: scopes)
        let decision = service.admit(handshake("token=\(token)"), fromCookie: false)
        #expect(decision.status == 403)
        #expect(try error(decision) == "insufficient_scope")
        #expect(challenge(decision)?.contains(#"error="insufficient_scope""#) == true)
    }

    @Test("A session token is taken from the cookie, never from query or subprotocol")
    func sessionToken() throws {
        let token = try world.token(subject: "a:u", scopes: ["session"], kind: .session)
        let field = ("Authorization", "Bearer \(token)")
        let origin = ("Origin", "https://app.example")
        let offer = ("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.\(token)")
        #expect(service.admit(handshake(nil, [field, origin]), fromCookie: true).status == 101)
        #expect(service.admit(handshake("token=\(token)"), fromCookie: false).status == 401)
        #expect(service.admit(handshake(nil, [offer, origin]), fromCookie: false).status == 401)
        #expect(service.admit(handshake(nil, [field]), fromCookie: false).status == 401)
    }

    @Test(
        "What an outer edge made of a session cookie is taken, where its Origin is listed",
        arguments: [("https://app.example", 101), ("https://evil.example", 403)])
    func sessionTokenBehindEdge(origin: String, status: Int) throws {
        let token = try world.token(subject: "a:u", scopes: ["session"], kind: .session)
        let request = handshake(
            nil, [("Authorization", "Bearer \(token)"), ("Origin", origin)])
        #expect(service.admit(request, fromCookie: false).status == status)
    }

    @Test(
        "A session token needs its scope and rooms",
        arguments: [
            (["session"], ["*"], 101), (["signal"], ["*"], 403), (["session"], [], 403),
        ])
    func sessionScope(scopes: [String], rooms: [String], status: Int) throws {
        let token = try world.token(scopes: scopes, rooms: rooms, kind: .session)
        let request = handshake(
            nil, [("Authorization", "Bearer \(token)"), ("Origin", "https://app.example")])
        #expect(service.admit(request, fromCookie: true).status == status)
    }
}
