import Bytes
import HTTPMessages
import StrictJSON
import Testing
import Tokens

@Suite struct TokenParameterTests {
    private let bench = AuthBench()
    private static let long = String(repeating: "x", count: 257)

    @Test(
        "A wrong parameter is refused by name (RFC 6749 §5.2)",
        arguments: [
            ("expires_in=0", "invalid_request", "expires_in"),
            ("expires_in=3601", "invalid_request", "expires_in"),
            ("expires_in=-1", "invalid_request", "expires_in"),
            ("expires_in=%2B60", "invalid_request", "expires_in"),
            ("expires_in=60.0", "invalid_request", "expires_in"),
            ("expires_in=1e2", "invalid_request", "expires_in"),
            ("expires_in=%D9%A1", "invalid_request", "expires_in"),
            ("expires_in=99999999999999999999", "invalid_request", "expires_in"),
            ("expires_in=+60", "invalid_request", "expires_in"),
            ("subject=\(long)", "invalid_request", "subject"),
            ("subject=a%0Ab", "invalid_request", "subject"),
            ("subject=a%00", "invalid_request", "subject"),
            ("name=\(long)", "invalid_request", "name"),
            ("name=a%1Bb", "invalid_request", "name"),
            ("name=%E2%80%AEb", "invalid_request", "name"),
            ("rooms=a*b", "invalid_request", "rooms"),
            ("rooms=+", "invalid_request", "rooms"),
            ("rooms=a%09b", "invalid_request", "rooms"),
            ("rooms=\(long)", "invalid_request", "rooms"),
            ("rooms=other", "invalid_scope", "rooms"),
            ("rooms=team-1+other", "invalid_scope", "rooms"),
            ("rooms=*", "invalid_scope", "rooms"),
            ("rooms=team*", "invalid_scope", "rooms"),
            ("rooms=Team-1", "invalid_scope", "rooms"),
            ("scope=admin", "invalid_scope", "scope"),
            ("scope=signal++signal", "invalid_scope", "scope"),
            ("scope=+", "invalid_scope", "scope"),
            ("scope=sig%22nal", "invalid_scope", "scope"),
            ("scope=sig%5Cnal", "invalid_scope", "scope"),
            ("scope=sign%C3%A4l", "invalid_scope", "scope"),
            ("scope=Signal", "invalid_scope", "scope"),
            ("scope=session", "invalid_request", "subject"),
        ])
    func wrong(body: String, error: String, name: String) throws {
        try bench.register(rooms: ["team-*"], scopes: ["signal", "session"])
        expectRefusal(try bench.token(body), 400, error, naming: name)
        #expect(bench.claims == nil)
    }

    @Test("Names and values are what their bytes are: two spellings are two")
    func spellings() throws {
        try bench.register(rooms: ["caf\u{E9}"])
        let (composed, decomposed) = ("caf%C3%A9", "cafe%CC%81")
        #expect(try bench.token("\(composed)=1&\(decomposed)=1").status == 200)
        let twice = try bench.token("\(composed)=1&\(composed)=1")
        expectRefusal(twice, 400, "invalid_request", naming: "caf")
        #expect(try bench.token("rooms=\(composed)").status == 200)
        expectRefusal(
            try bench.token("rooms=\(decomposed)"), 400, "invalid_scope", naming: "rooms")
    }

    @Test(
        "A client's own longest lifetime bounds what it gets, asked for or not",
        arguments: [
            (Int64(300), "", Int64?(300)), (300, "expires_in=300", 300), (300, "expires_in=1", 1),
            (300, "expires_in=301", nil), (3600, "", 600), (1200, "", 600),
            (1200, "expires_in=1200", 1200), (1, "", 1),
        ])
    func clientLifetime(max: Int64, body: String, granted: Int64?) throws {
        try bench.register(lifetimeSecondsMax: max)
        let response = try bench.token(body)
        guard let granted else {
            return expectRefusal(response, 400, "invalid_request", naming: "1 to \(max)")
        }
        #expect(response.json?["expires_in"]?.int64 == granted)
        #expect(bench.claims.map { $0.expiresAt - $0.issuedAt } == granted)
    }

    @Test("More rooms than a token may hold are refused")
    func manyRooms() throws {
        try bench.register()
        let rooms = (0..<33).map { "r\($0)" }.joined(separator: "+")
        expectRefusal(try bench.token("rooms=\(rooms)"), 400, "invalid_request", naming: "rooms")
        let long = (0..<9).map { "\($0)" + String(repeating: "r", count: 120) }
        expectRefusal(
            try bench.token("rooms=\(long.joined(separator: "+"))"), 400, "invalid_request",
            naming: "rooms")
    }

    @Test("A client that is granted nothing but session must say so (RFC 6749 §3.3)")
    func noDefault() throws {
        try bench.register(scopes: ["session"])
        expectRefusal(try bench.token("subject=a"), 400, "invalid_scope", naming: "scope")
    }

    @Test("A client that is granted no rooms is told of rooms, whether it asks for any or not")
    func noRooms() throws {
        try bench.register(rooms: [])
        for body in ["", "rooms=a"] {
            expectRefusal(try bench.token(body), 400, "invalid_scope", naming: "rooms")
        }
    }

    @Test(
        "A parameter that occurs twice is refused, known or not (RFC 6749 §3.2)",
        arguments: [
            "grant_type", "scope", "rooms", "subject", "name", "expires_in", "client_id", "frob",
            "client_assertion", "client_assertion_type", "token", "audience", "resource",
        ])
    func repeated(name: String) throws {
        try bench.register()
        let body = "grant_type=client_credentials&\(name)=a&\(name)=a"
        expectRefusal(try bench.raw(body), 400, "invalid_request", naming: name)
    }

    @Test(
        "A grant type that is missing or another is refused (RFC 6749 §5.2, §4.5)",
        arguments: [
            ("", "invalid_request"), ("grant_type=", "invalid_request"),
            ("grant_type=password", "unsupported_grant_type"),
            ("grant_type=Client_Credentials", "unsupported_grant_type"),
            ("grant_type=authorization_code", "unsupported_grant_type"),
            (
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer",
                "unsupported_grant_type"
            ),
            ("grant_type=%22%5C%0A", "unsupported_grant_type"),
        ])
    func grantTypes(body: String, error: String) throws {
        try bench.register()
        expectRefusal(try bench.raw(body), 400, error, naming: "grant_type")
    }

    @Test("A body that is no form is refused", arguments: ["%", "a=%zz", "name=%FF", "name=%C3"])
    func malformed(body: String) throws {
        try bench.register()
        expectRefusal(
            try bench.raw("grant_type=client_credentials&" + body), 400, "invalid_request")
    }

    @Test("A body of over 16 KiB is refused before it is read")
    func large() throws {
        try bench.register()
        let body = "name=" + String(repeating: "n", count: 16_384)
        expectRefusal(try bench.token(body), 413, "invalid_request", naming: "16384")
    }

    @Test(
        "Another content type is refused by name",
        arguments: [
            [], [("Content-Type", "application/json")], [("Content-Type", "")],
            [("Content-Type", "application/x-www-form-urlencoded; charset=latin1")],
            [("Content-Type", "application/x-www-form-urlencodedx")],
            AuthBench.formHeaders + AuthBench.formHeaders,
        ])
    func contentTypes(headers: [(String, String)]) throws {
        try bench.register()
        let response = bench.send(
            "POST", "/oauth2/token", headers: headers + [AuthBench.basic()],
            body: "grant_type=client_credentials")
        let refusal = try #require(response)
        expectRefusal(
            refusal, 400, "invalid_request", naming: "application/x-www-form-urlencoded")
        guard let (_, sent) = headers.first else { return }
        #expect(refusal.errorDescription.contains("not '\(sent)'"))
    }

    @Test(
        "Only POST gets a token (RFC 6749 §3.2)",
        arguments: [
            "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post",
        ])
    func methods(method: String) throws {
        try bench.register()
        let response = bench.send(
            method, "/oauth2/token", query: "grant_type=client_credentials",
            headers: AuthBench.formHeaders + [AuthBench.basic()])
        let refusal = try #require(response)
        expectRefusal(refusal, 405, "invalid_request")
        #expect(refusal.headers["Allow"] == "POST")
        #expect(refusal.headers["Access-Control-Allow-Origin"] == nil)
    }

    @Test(
        "A secret in the URI is refused, even beside good credentials (RFC 6749 §2.3.1)",
        arguments: [
            "client_id=c_one&client_secret=right-secret", "client_secret=x", "client_secret",
            "a=b&client%5Fsecret=x", "client_assertion=x", "subject_token=x", "token=x",
            "actor_token=x",
        ])
    func query(query: String) throws {
        try bench.register()
        let response = try bench.raw("grant_type=client_credentials", query: query)
        expectRefusal(response, 400, "invalid_request", naming: "URI")
        #expect(!response.errorDescription.contains("right-secret"))
    }

    @Test("Parameters in the URI are not read (RFC 6749 §3.2)")
    func queryIgnored() throws {
        try bench.register()
        #expect(try bench.raw("grant_type=client_credentials", query: "rooms=a&x=").status == 200)
        #expect(bench.claims?.rooms.map(\.text) == ["*"])
        expectRefusal(
            try bench.raw("", query: "grant_type=client_credentials"), 400, "invalid_request",
            naming: "grant_type")
    }

    @Test("A query string that is no form is refused")
    func badQuery() throws {
        try bench.register()
        let response = try bench.raw("grant_type=client_credentials", query: "%zz")
        expectRefusal(response, 400, "invalid_request", naming: "query")
    }
}
