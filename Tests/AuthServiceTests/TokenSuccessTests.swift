import Bytes
import HTTPMessages
import Identifiers
import StrictJSON
import Testing
import Tokens

@Suite struct TokenSuccessTests {
    private let bench = AuthBench()

    @Test(
        "A token answer has the members and headers of RFC 6749 §5.1, and no refresh token (§4.4.3)"
    )
    func answer() throws {
        try bench.register()
        let response = try bench.token()
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.headers["Cache-Control"] == "no-store")
        #expect(response.headers["Pragma"] == "no-cache")
        let json = try #require(response.json)
        #expect(
            json.members.map(\.name)
                == ["access_token", "token_type", "expires_in", "scope", "rooms"])
        #expect(json["access_token"]?.string?.string.hasPrefix("head.") == true)
        #expect(json["token_type"] == "Bearer")
        #expect(json["expires_in"]?.int64 == 600)
        #expect(json["scope"] == "signal")
        #expect(json["rooms"] == ["*"])
        #expect(response.headers["Access-Control-Allow-Origin"] == nil)
    }

    @Test("The claims are those of RFC 9068 §2.2")
    func claims() throws {
        try bench.register()
        _ = try bench.token()
        let claims = try #require(bench.claims)
        #expect(claims.issuer == AuthBench.issuer)
        #expect(claims.audience == ["https://relay.example"])
        #expect(claims.subject == "c_one")
        #expect(claims.clientID == "c_one")
        #expect(claims.issuedAt == 1_800_000_000)
        #expect(claims.notBefore == nil)
        #expect(claims.expiresAt == 1_800_000_600)
        #expect(claims.kind == .access)
        #expect(claims.name == nil)
    }

    @Test("Each token has an id of 128 random bits (RFC 7519 §4.1.7)")
    func tokenID() throws {
        try bench.register()
        var ids: Set<String> = []
        for _ in 0..<20 {
            _ = try bench.token()
            ids.insert(bench.claims?.tokenID ?? "")
        }
        #expect(ids.count == 20)
        #expect(ids.allSatisfy { $0.utf8.count == 22 })
    }

    @Test("Parameters become claims; the subject stays in the client's own name space")
    func parameters() throws {
        try bench.register(rooms: ["team-*", "lobby"], scopes: ["signal", "chat"])
        let response = try bench.token(
            "rooms=team-1+team-a*+lobby&subject=ann%3Ab&name=Ann+%C3%98%22&expires_in=60"
                + "&scope=chat+signal")
        #expect(response.status == 200)
        let claims = try #require(bench.claims)
        #expect(claims.rooms.map(\.text) == ["team-1", "team-a*", "lobby"])
        #expect(claims.subject == "c_one:ann:b")
        #expect(claims.clientID == "c_one")
        #expect(claims.name == "Ann Ø\"")
        #expect(claims.expiresAt - claims.issuedAt == 60)
        #expect(claims.scopes == ["chat", "signal"])
        #expect(response.json?["scope"] == "chat signal")
        #expect(response.json?["rooms"] == ["team-1", "team-a*", "lobby"])
        #expect(response.json?["expires_in"]?.int64 == 60)
    }

    @Test("Rooms with quotes and backslashes come back as the JSON that they were")
    func escapes() throws {
        try bench.register()
        let response = try bench.token("rooms=a%22b+c%5Cd+%C3%98")
        #expect(response.json?["rooms"] == ["a\"b", "c\\d", "Ø"])
    }

    @Test("A lifetime of 1 to 3600 seconds is granted", arguments: [1, 600, 3600])
    func lifetimes(seconds: Int64) throws {
        try bench.register()
        #expect(try bench.token("expires_in=\(seconds)").json?["expires_in"]?.int64 == seconds)
    }

    @Test(
        "Empty parameters count as absent, unknown ones are ignored (RFC 6749 §3.2)",
        arguments: [
            "rooms=&subject=&name=&scope=&expires_in=&client_secret=&client_id=", "frob=1&bar",
            "&&",
            "resource=x", "rooms=&rooms=team", "client_assertion=",
        ])
    func ignored(body: String) throws {
        try bench.register()
        #expect(try bench.token(body).status == 200)
    }

    @Test("Doubled rooms and scopes are granted once")
    func doubled() throws {
        try bench.register()
        let response = try bench.token("rooms=a+b+a&scope=signal+signal")
        #expect(response.json?["rooms"] == ["a", "b"])
        #expect(response.json?["scope"] == "signal")
    }

    @Test("A session token is asked for by its scope and has a type of its own")
    func session() throws {
        try bench.register(scopes: ["signal", "session"])
        let response = try bench.token("scope=session&subject=ann&expires_in=3600")
        #expect(response.json?["scope"] == "session")
        #expect(bench.claims?.kind == .session)
        #expect(bench.claims?.subject == "c_one:ann")
        #expect(try bench.token().json?["scope"] == "signal")
        #expect(bench.claims?.kind == .access)
    }

    @Test(
        "A content type with a charset of UTF-8 is taken",
        arguments: [
            "application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded",
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;charset=\"utf-8\"",
        ])
    func contentTypes(type: String) throws {
        try bench.register()
        let response = bench.send(
            "POST", "/oauth2/token", headers: [("Content-Type", type), AuthBench.basic()],
            body: "grant_type=client_credentials")
        #expect(response?.status == 200)
    }
}
