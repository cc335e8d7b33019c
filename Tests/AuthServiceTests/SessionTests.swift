import Bytes
import Clients
import Edge
import HTTPMessages
import Identifiers
import StrictJSON
import Testing
import Tokens

@testable import AuthService

private let own = ("Sec-Fetch-Site", "same-origin")

@Suite struct SessionTests {
    private let bench = AuthBench()
    private let session: String

    init() throws {
        try bench.register(
            rooms: ["team-*"], scopes: ["signal", "session"], origins: ["https://app.example"])
        session = try bench.issued("scope=session&subject=ann&name=Ann")
    }

    private func ask(
        _ method: String, _ path: String, _ token: String?,
        _ headers: [(String, String)] = [own], body: String = ""
    ) throws -> HTTPResponse {
        var fields = headers
        if let token { fields.append(("Authorization", "Bearer \(token)")) }
        if !body.isEmpty { fields += AuthBench.formHeaders }
        return try #require(
            bench.send(method, path, headers: fields, body: body, fromCookie: path != "/session"))
    }

    private func begin(_ token: String?) throws -> HTTPResponse {
        try ask("POST", "/session", token)
    }

    private func swap(
        _ body: String = "", _ headers: [(String, String)] = [own]
    ) throws -> HTTPResponse {
        try ask("POST", "/session/token", session, headers, body: body)
    }

    // MARK: POST /session

    @Test("A session token goes into a cookie that no script reads and only https carries")
    func cookie() throws {
        let response = try begin(session)
        #expect(response.status == 200)
        #expect(response.json?["expires_in"]?.int64 == 600)
        #expect(
            response.headers["Set-Cookie"]?.string
                == "__Host-usher_session=\(session); Path=/; Max-Age=600; HttpOnly; Secure; "
                + "SameSite=Lax")
        #expect(response.headers["Cache-Control"] == "no-store")
    }

    @Test("No other kind of token makes a session")
    func wrongKind() throws {
        let access = try bench.issued("scope=signal")
        let response = try begin(access)
        expectRefusal(response, 401, "invalid_token", challenge: "Bearer")
        #expect(response.headers["Set-Cookie"] == nil)
        expectRefusal(try begin(nil), 401, "unauthorized", challenge: "Bearer")
    }

    @Test("A token that ended, was revoked, or is of a disabled client makes none")
    func dead() throws {
        bench.change { $0.now += 601 }  // Within the leeway of verifiers.
        expectRefusal(try begin(session), 401, "invalid_token", challenge: "Bearer")
        bench.change { $0.now -= 601 }
        let other = try bench.issued("scope=session&subject=bob")
        _ = try bench.raw("token=\(other)", to: "/oauth2/revoke")
        expectRefusal(try begin(other), 401, "invalid_token", challenge: "Bearer")
        try bench.register(scopes: ["session"], isEnabled: false)
        expectRefusal(try begin(session), 401, "invalid_token", challenge: "Bearer")
    }

    @Test(
        "Only pages that may begin one: an attacker's page signs nobody in (login CSRF)",
        arguments: [
            ([own], true), ([("Origin", "https://app.example")], true),
            ([("Origin", AuthBench.issuer)], true),
            ([], false), ([("Origin", "https://evil.example")], false),
            ([("Origin", "null")], false),
            ([("Sec-Fetch-Site", "cross-site")], false),
            ([("Sec-Fetch-Site", "same-site")], false), ([("Sec-Fetch-Site", "none")], false),
            ([("Origin", "https://app.example.evil")], false),
            ([("Origin", "https://app.example"), ("Origin", "https://app.example")], false),
            ([own, ("Sec-Fetch-Site", "cross-site")], false),
        ])
    func origins(headers: [(String, String)], isAllowed: Bool) throws {
        for (method, path) in [
            ("POST", "/session"), ("POST", "/session/token"), ("DELETE", "/session"),
        ] {
            let token = try bench.issued("scope=session&subject=ann")
            let response = try ask(method, path, token, headers)
            #expect((response.status < 300) == isAllowed, "\(method) \(path)")
            guard !isAllowed else { continue }
            expectRefusal(response, 403, "origin_not_allowed", naming: "origin")
            #expect(response.headers["Set-Cookie"] == nil)
        }
    }

    @Test("A token too long for a cookie is refused, by name")
    func tooLong() throws {
        let long = String(repeating: "a", count: 3585)
        let claims = try #require(bench.claims)
        bench.change { $0.tokens[long] = claims }
        expectRefusal(try begin(long), 400, "invalid_request", naming: "3584")
    }

    // MARK: DELETE /session

    @Test("The end of a session takes the cookie off and revokes what was in it")
    func end() throws {
        let response = try ask("DELETE", "/session", session)
        #expect(response.status == 204)
        #expect(
            response.headers["Set-Cookie"]?.string
                == "__Host-usher_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
        #expect(bench.revocations.count == 1)
        #expect(bench.revocations.first?.name == bench.claims?.tokenID)
        #expect(bench.revokers == [.session(ofClient: "c_one")])
        expectRefusal(try swap(), 401, "invalid_token", challenge: "Bearer")
        #expect(try ask("DELETE", "/session", session).status == 204)
        #expect(bench.revocations.count == 1)
    }

    @Test("A session that is no good any more is taken off all the same", arguments: ["x", nil])
    func endOfNone(token: String?) throws {
        let response = try ask("DELETE", "/session", token)
        #expect(response.status == 204)
        #expect(response.headers["Set-Cookie"]?.string.contains("Max-Age=0") == true)
        #expect(bench.revocations.isEmpty)
    }

    private func end(
        _ cookies: String, _ headers: [(String, String)] = [own]
    ) throws -> HTTPResponse {
        try ask("DELETE", "/session", nil, headers + [("Cookie", cookies)])
    }

    private func isTakenOff(by response: HTTPResponse) -> Bool {
        response.headers["Set-Cookie"]?.hasPrefix("__Host-usher_session=; Path=/; Max-Age=0")
            == true
    }

    @Test("Of several cookies of the name, quoted or not, every good one is revoked")
    func endOfSeveral() throws {
        let other = try bench.issued("scope=session&subject=bob")
        let name = "__Host-usher_session"
        let response = try end("\(name)=; \(name)=\"\(session)\"; \(name)=x; \(name)=\(other)")
        #expect(response.status == 204)
        #expect(isTakenOff(by: response))
        #expect(bench.revocations.count == 2)
    }

    @Test(
        "A cookie that holds nothing good is taken off for whoever's page it is",
        arguments: ["", "\"\"", "a b", "\"x\"", String(repeating: "a", count: 4000)])
    func endOfRubbish(value: String) throws {
        for headers in [[own], [("Origin", "https://app.example")]] {
            let response = try end("__Host-usher_session=\(value)", headers)
            #expect(response.status == 204)
            #expect(isTakenOff(by: response))
        }
        let foreign = try end("__Host-usher_session=\(value)", [("Origin", "https://evil.example")])
        expectRefusal(foreign, 403, "origin_not_allowed")
        #expect(foreign.headers["Set-Cookie"] == nil)
    }

    @Test("Another client's page ends no session, in whatever company it comes")
    func endByAnother() throws {
        try bench.register("c_two", scopes: ["session"], origins: ["https://two.example"])
        let theirs = try bench.issued("scope=session&subject=eve", to: "c_two")
        let page = ("Origin", "https://two.example")
        let name = "__Host-usher_session"
        expectRefusal(try end("\(name)=\(session)", [page]), 403, "origin_not_allowed")
        #expect(bench.revocations.isEmpty)
        #expect(try end("\(name)=\(session); \(name)=\(theirs)", [page]).status == 204)
        #expect(bench.revocations.map(\.name) == [bench.claims?.tokenID])
    }

    @Test(
        "Where it cannot be revoked the answer says so, and the cookie is taken off all the same",
        arguments: [RegistryFailure.busy, .revocationsFull(.sessions, max: 1)])
    func endInTrouble(fault: RegistryFailure) throws {
        bench.change { $0.revocationFault = fault }
        let response = try end("__Host-usher_session=\(session)")
        expectRefusal(response, 503, "temporarily_unavailable", naming: "stays good")
        #expect(isTakenOff(by: response))
    }

    // MARK: POST /session/token

    @Test("An access token is as the session, and never outlives it")
    func token() throws {
        let response = try swap("rooms=team-1&expires_in=60")
        #expect(response.status == 200)
        #expect(response.json?["client_id"] == "c_one")
        #expect(response.json?["rooms"] == ["team-1"])
        #expect(response.json?["scope"] == "signal")
        let claims = try #require(bench.claims)
        #expect(claims.kind == .access)
        #expect(claims.subject == "c_one:ann")
        #expect(claims.name == "Ann")
        #expect(claims.expiresAt - claims.issuedAt == 60)
        bench.change { $0.now += 590 }
        #expect(try swap().json?["expires_in"]?.int64 == 10)
        bench.change { $0.now += 10 }
        expectRefusal(try swap(), 401, "invalid_token", challenge: "Bearer")
    }

    @Test(
        "More than the session has is refused, by name",
        arguments: [
            ("rooms=other", "invalid_scope", "rooms"), ("scope=session", "invalid_scope", "scope"),
            ("expires_in=0", "invalid_request", "expires_in"),
            ("rooms=a&rooms=b", "invalid_request", "rooms"),
        ])
    func tooMuch(body: String, error: String, name: String) throws {
        expectRefusal(try swap(body), 400, error, naming: name)
    }

    @Test("A session of another client than the one that is named gives no token")
    func otherClient() throws {
        try bench.register("c_two", scopes: ["session"])
        #expect(try swap("client_id=c_one").status == 200)
        #expect(try swap("client_id=").status == 200)
        for other in ["c_two", "c_nobody", "c_on\u{65}\u{301}"] {
            let response = try swap("client_id=\(other)")
            expectRefusal(response, 403, "client_mismatch", naming: "client_id")
        }
    }

    @Test("Without a session the answer says how to get one")
    func none() throws {
        let response = try ask("POST", "/session/token", nil)
        expectRefusal(response, 401, "unauthorized", naming: "POST /session", challenge: "Bearer")
    }

    @Test("A cookie that cannot be used is named where it would be, and nowhere else")
    func badCookie() throws {
        let refusal = EdgeRefusal.cookieRepeated(name: "__Host-usher_session")
        func status(_ method: String, _ path: String, _ fields: [(String, String)] = []) -> Int? {
            let request = HTTPRequest(
                method: ByteText(method), path: ByteText(path),
                headers: HeaderFields((fields + [own]).map { (ByteText($0), ByteText($1)) }))
            return bench.service.respond(to: request, cookieRefusal: refusal)?.status
        }
        #expect(status("POST", "/session/token") == 400)
        #expect(status("GET", "/ice-servers") == 400)
        #expect(status("GET", "/.well-known/jwks.json") == 200)
        let access = try bench.issued("scope=signal")
        #expect(status("GET", "/ice-servers", [("Authorization", "Bearer \(access)")]) == 200)
    }

    // MARK: CORS

    @Test(
        "Answers are shared with the pages of listed origins alone",
        arguments: ["/session", "/session/token"])
    func sharing(path: String) throws {
        for (origin, isListed) in [("https://app.example", true), ("https://evil.example", false)] {
            let preflight = try #require(
                bench.send("OPTIONS", path, headers: [("Origin", origin)]))
            #expect(preflight.status == (isListed ? 204 : 403))
            let refusal = try #require(bench.send("POST", path, headers: [("Origin", origin)]))
            for response in [preflight, refusal] {
                #expect(
                    response.headers["Access-Control-Allow-Origin"]
                        == (isListed ? ByteText(origin) : nil))
                #expect(
                    response.headers["Access-Control-Allow-Credentials"]
                        == (isListed ? "true" : nil))
            }
            guard isListed else { continue }
            #expect(preflight.headers["Vary"] == "Origin")
            #expect(
                preflight.headers["Access-Control-Allow-Methods"]?.string.contains("POST") == true)
        }
        #expect(bench.send("OPTIONS", path)?.status == 403)
    }
}
