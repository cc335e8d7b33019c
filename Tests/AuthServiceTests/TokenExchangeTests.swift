import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Testing
import Tokens

@testable import AuthService

@Suite struct TokenExchangeTests {
    private static let grant = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
    private static let accessType = "urn:ietf:params:oauth:token-type:access_token"
    private static let jwtType = "urn:ietf:params:oauth:token-type:jwt"
    private let bench = AuthBench()

    /// Exchanges a token at the bench.
    private func exchange(
        _ token: String, _ more: String = "", type: String = jwtType, by id: String = "c_one"
    ) throws -> HTTPResponse {
        try bench.raw(
            "\(Self.grant)&subject_token=\(token)&subject_token_type=\(type)"
                + (more.isEmpty ? "" : "&\(more)"),
            credentials: AuthBench.basic(id))
    }

    private func register(_ rooms: [String] = ["team-*"]) throws {
        try bench.register(rooms: rooms, scopes: ["signal", "chat", "session"])
    }

    @Test("The answer has the members of RFC 8693 §2.2.1, and no refresh token")
    func answer() throws {
        try register()
        let response = try exchange(bench.issued("subject=ann&name=Ann"), type: Self.accessType)
        #expect(response.status == 200)
        #expect(response.headers["Cache-Control"] == "no-store")
        #expect(response.headers["Pragma"] == "no-cache")
        let json = try #require(response.json)
        #expect(
            json.members.map(\.name) == [
                "access_token", "token_type", "expires_in", "scope", "rooms", "issued_token_type",
            ])
        #expect(json["issued_token_type"]?.string?.string == Self.accessType)
        #expect(json["token_type"] == "Bearer")
    }

    @Test("A session becomes an access token of the same user, never another session")
    func session() throws {
        try register()
        let session = try bench.issued("scope=session&subject=ann&name=Ann&expires_in=3600")
        let response = try exchange(session, "rooms=team-1&expires_in=60")
        #expect(response.status == 200)
        let claims = try #require(bench.claims)
        #expect(claims.kind == .access)
        #expect(claims.subject == "c_one:ann")
        #expect(claims.name == "Ann")
        #expect(claims.scopes == ["signal"])
        #expect(claims.rooms.map(\.text) == ["team-1"])
        #expect(claims.audience == [AuthBench.audience])
        #expect(claims.expiresAt - claims.issuedAt == 60)
        expectRefusal(
            try exchange(session, "scope=session"), 400, "invalid_scope", naming: "session")
    }

    @Test("A backend's own token becomes one of a user's, with a name")
    func backend() throws {
        try register()
        let response = try exchange(bench.issued(), "subject=ann&name=Ann&rooms=team-1")
        #expect(response.status == 200)
        #expect(bench.claims?.subject == "c_one:ann")
        #expect(bench.claims?.name == "Ann")
        _ = try exchange(bench.issued("rooms=team-1"))
        #expect(bench.claims?.subject == "c_one")
        #expect(bench.claims?.name == nil)
    }

    @Test("A user's token does not become another's (RFC 9700 §4.15.1)")
    func otherSubject() throws {
        try register()
        let token = try bench.issued("subject=ann")
        expectRefusal(
            try exchange(token, "subject=bob"), 400, "invalid_request", naming: "subject")
        #expect(try exchange(token, "subject=ann").status == 200)
        #expect(bench.claims?.subject == "c_one:ann")
    }

    @Test(
        "Rooms and scopes never exceed the subject token's (RFC 8693 §4)",
        arguments: [
            ("rooms=team-1", "rooms"), ("rooms=team-a*+team-1", "rooms"), ("rooms=*", "rooms"),
            ("rooms=lobby", "rooms"), ("rooms=team-*", "rooms"), ("scope=chat", "scope"),
            ("scope=signal+chat", "scope"), ("scope=session", "scope"), ("scope=admin", "scope"),
        ])
    func narrowing(body: String, name: String) throws {
        try register()
        let token = try bench.issued("rooms=team-a*&scope=signal")
        expectRefusal(try exchange(token, body), 400, "invalid_scope", naming: name)
        #expect(try exchange(token, "rooms=team-ab*+team-a&scope=signal").status == 200)
        #expect(bench.claims?.rooms.map(\.text) == ["team-ab*", "team-a"])
    }

    @Test("Nor what the client is granted by now")
    func grantOfToday() throws {
        try register(["*"])
        let token = try bench.issued("rooms=team-*+lobby&scope=signal+chat")
        try bench.register(rooms: ["team-1", "team-2*", "hall"], scopes: ["signal"])
        expectRefusal(try exchange(token, "rooms=lobby"), 400, "invalid_scope", naming: "rooms")
        expectRefusal(try exchange(token, "scope=chat"), 400, "invalid_scope", naming: "scope")
        #expect(try exchange(token).status == 200)
        #expect(bench.claims?.rooms.map(\.text) == ["team-1", "team-2*"])
        #expect(bench.claims?.scopes == ["signal"])
        try bench.register(rooms: ["hall"], scopes: ["signal"])
        expectRefusal(try exchange(token), 400, "invalid_scope", naming: "rooms")
        try bench.register(rooms: ["*"], scopes: ["other"])
        expectRefusal(try exchange(token), 400, "invalid_scope", naming: "scope")
    }

    @Test(
        "The new token ends with the subject token at the latest, and within the client's bound",
        arguments: [
            (Int64(3600), Int64(0), "", Int64(600)), (3600, 0, "expires_in=3600", 3600),
            (3600, 3500, "", 100), (3600, 3500, "expires_in=3600", 100), (3600, 3599, "", 1),
            (300, 0, "", 300), (300, 3500, "", 100), (3600, 0, "expires_in=1", 1),
        ])
    func end(max: Int64, later: Int64, body: String, seconds: Int64) throws {
        try bench.register()
        let token = try bench.issued("expires_in=3600")
        try bench.register(lifetimeSecondsMax: max)
        bench.change { $0.now += later }
        let response = try exchange(token, body)
        #expect(response.json?["expires_in"]?.int64 == seconds)
        #expect(bench.claims.map { $0.expiresAt - $0.issuedAt } == seconds)
    }

    @Test("More than the client's longest lifetime is refused, as at any token request")
    func lifetimeMax() throws {
        try bench.register(lifetimeSecondsMax: 300)
        expectRefusal(
            try exchange(bench.issued(), "expires_in=301"), 400, "invalid_request",
            naming: "expires_in")
    }

    @Test("A token in the leeway after its end is exchanged no more")
    func expired() throws {
        try bench.register()
        let token = try bench.issued()
        bench.change { $0.now += 600 }
        expectRefusal(try exchange(token), 400, "invalid_request", naming: "token_expired")
    }

    @Test("A revoked token, user or client is refused")
    func revoked() throws {
        try bench.register()
        for body in ["token=%", "sub=ann", "all=true"] {
            bench.change { $0.revocations = [] }
            let token = try bench.issued("subject=ann")
            let form = body.split(separator: "%").joined() + (body.hasSuffix("%") ? token : "")
            #expect(try bench.raw(form, to: "/oauth2/revoke").status == 200)
            expectRefusal(try exchange(token), 400, "invalid_request", naming: "token_revoked")
        }
    }
}

// MARK: Refusals

extension TokenExchangeTests {
    @Test("A bad or foreign subject token is invalid_request, not invalid_grant (RFC 8693 §2.2.2)")
    func badToken() throws {
        try register()
        try bench.register("c_two")
        let session = try bench.issued("scope=session&subject=ann")
        for (response, name) in [
            (try exchange("a.b.c"), "token_signature"),
            (try exchange(session, type: Self.accessType), "token_type"),
            (try exchange(session, by: "c_two"), "not issued to this client"),
        ] {
            expectRefusal(response, 400, "invalid_request", naming: "subject_token")
            #expect(response.errorDescription.contains(name))
        }
    }

    @Test(
        "A parameter that is missing or of another kind is refused by name (RFC 8693 §2.1)",
        arguments: [
            ("", "invalid_request", "subject_token"),
            ("subject_token=%T", "invalid_request", "subject_token_type"),
            ("subject_token_type=\(accessType)", "invalid_request", "subject_token"),
            ("subject_token=%T&subject_token_type=x", "invalid_request", "subject_token_type"),
            (
                "subject_token=%T"
                    + "&subject_token_type=urn:ietf:params:oauth:token-type:refresh_token",
                "invalid_request", "subject_token_type"
            ),
            ("%G&actor_token=%T&actor_token_type=\(accessType)", "invalid_request", "actor_token"),
            ("%G&actor_token=%T", "invalid_request", "actor_token"),
            ("%G&actor_token_type=\(accessType)", "invalid_request", "actor_token_type"),
            ("%G&requested_token_type=\(jwtType)", "invalid_request", "requested_token_type"),
            ("%G&requested_token_type=x", "invalid_request", "requested_token_type"),
            ("%G&audience=https://other.example", "invalid_target", "audience"),
            ("%G&audience=%A&audience=x", "invalid_target", "audience"),
            ("%G&resource=https://relay.example%23a", "invalid_target", "resource"),
            ("%G&resource=relay", "invalid_target", "resource"),
            ("%G&resource=%A&resource=%A/x", "invalid_target", "resource"),
            ("%G&subject_token=%T", "invalid_request", "subject_token"),
            ("%G&rooms=a*b", "invalid_request", "rooms"),
            ("%G&scope=a++b", "invalid_scope", "scope"),
            ("%G&expires_in=x", "invalid_request", "expires_in"),
            ("%G&name=a%0Ab", "invalid_request", "name"),
            ("%G&subject=a%0Ab", "invalid_request", "subject"),
        ])
    func parameters(body: String, error: String, name: String) throws {
        try bench.register()
        let token = try bench.issued()
        let response = try bench.raw(Self.grant + "&" + fill(body, token))
        expectRefusal(response, 400, error, naming: name)
        #expect(!response.errorDescription.contains(token))
    }

    @Test(
        "Targets may repeat and must all be the audience there is (RFC 8693 §2.1, RFC 9068 §3)",
        arguments: [
            "%G", "%G&audience=%A", "%G&resource=%A", "%G&audience=%A&audience=%A&resource=%A",
            "%G&requested_token_type=\(accessType)", "%G&actor_token=&audience=",
        ])
    func targets(body: String) throws {
        try bench.register()
        let token = try bench.issued()
        #expect(try bench.raw(Self.grant + "&" + fill(body, token)).status == 200)
    }

    @Test("A client authenticates for it, always (RFC 8693 §2.1)")
    func authentication() throws {
        try bench.register()
        let token = try bench.issued()
        let body = "\(Self.grant)&" + fill("%G", token)
        expectRefusal(try bench.raw(body, credentials: nil), 401, "invalid_client")
        expectRefusal(
            try bench.raw(body, credentials: AuthBench.basic("c_one", "wrong")), 401,
            "invalid_client")
    }

    /// Puts in what a test's arguments cannot hold yet.
    private func fill(_ body: String, _ token: String) -> String {
        let good = "subject_token=\(token)&subject_token_type=\(Self.accessType)"
        let places = [("%G", good), ("%T", token), ("%A", AuthBench.audience)]
        return places.reduce(body) { body, place in
            body.split(separator: place.0, omittingEmptySubsequences: false)
                .joined(separator: place.1)
        }
    }

    @Test(
        "The name within a sub is told apart byte by byte",
        arguments: [
            ("c_one:ann", "ann"), ("c_one:a:b", "a:b"), ("c_one", nil), ("c_one:", nil),
            ("c_onex:ann", nil), ("c_two:ann", nil), ("", nil),
        ] as [(String, String?)])
    func subjects(full: String, user: String?) {
        #expect(Subject(full).user(of: "c_one") == user.map { ByteText($0) })
    }
}
