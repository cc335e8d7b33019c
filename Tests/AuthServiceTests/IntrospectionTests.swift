import Bytes
import HTTPMessages
import StrictJSON
import Testing
import Tokens

@Suite struct IntrospectionTests {
    private static let path = "/oauth2/introspect"
    private let bench = AuthBench()

    private func introspect(_ token: String, by id: String = "c_one") throws -> HTTPResponse {
        try bench.raw("token=\(token)", to: Self.path, credentials: AuthBench.basic(id))
    }

    private func expectInactive(
        _ response: HTTPResponse, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(response.status == 200, sourceLocation: sourceLocation)
        #expect(
            String(decoding: response.body, as: UTF8.self) == #"{"active":false}"#,
            sourceLocation: sourceLocation)
    }

    @Test("A good token is active, with what it says (RFC 7662 §2.2)")
    func active() throws {
        try bench.register(rooms: ["team-*"], scopes: ["signal", "chat"])
        let token = try bench.issued("subject=ann&name=Ann&rooms=team-1&expires_in=60")
        let response = try introspect(token)
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.headers["Cache-Control"] == "no-store")
        let claims = try #require(bench.claims)
        let expected: JSONObject = [
            "active": true, "scope": "signal chat", "client_id": "c_one", "sub": "c_one:ann",
            "iss": .string(AuthBench.issuer), "jti": .string(claims.tokenID),
            "iat": .seconds(claims.issuedAt), "exp": .seconds(claims.issuedAt + 60),
            "rooms": ["team-1"], "aud": .string(AuthBench.audience), "name": "Ann",
            "token_type": "Bearer",
        ]
        #expect(response.json == expected)
    }

    @Test("A session token is active, and no bearer token")
    func session() throws {
        try bench.register(scopes: ["signal", "session"])
        let response = try introspect(bench.issued("scope=session&subject=ann"))
        #expect(response.json?["active"] == true)
        #expect(response.json?["token_type"] == nil)
        #expect(response.json?["scope"] == "session")
        #expect(response.json?["name"] == nil)
    }

    @Test("nbf and several audiences come back as they are (RFC 7662 §2.2)")
    func rare() throws {
        try bench.register()
        let token = try bench.issued()
        bench.change { world in
            world.tokens[token]?.notBefore = 1_799_999_999
            world.tokens[token]?.audience = ["a", "b"]
        }
        let json = try introspect(token).json
        #expect(json?["nbf"]?.int64 == 1_799_999_999)
        #expect(json?["aud"] == ["a", "b"])
    }

    @Test(
        "Inactive, unknown, revoked, foreign: exactly active false, with 200 (RFC 7662 §2.2, §4)")
    func inactive() throws {
        try bench.register()
        try bench.register("c_two")
        let token = try bench.issued()
        expectInactive(try introspect("a.b.c"))
        expectInactive(try introspect("%00%22"))
        expectInactive(try introspect(token, by: "c_two"))
        #expect(try introspect(token).json?["active"] == true)
        bench.change { $0.now += 599 }
        #expect(try introspect(token).json?["active"] == true)
        bench.change { $0.now += 1 }
        expectInactive(try introspect(token))
        bench.change { $0.now -= 600 }
        _ = try bench.raw("token=\(token)", to: "/oauth2/revoke")
        expectInactive(try introspect(token))
    }

    @Test(
        "The hint changes nothing, whatever it is (RFC 7662 §2.1)",
        arguments: ["access_token", "refresh_token", "frob"])
    func hint(hint: String) throws {
        try bench.register()
        let token = try bench.issued()
        let response = try bench.raw("token=\(token)&token_type_hint=\(hint)", to: Self.path)
        #expect(response.json?["active"] == true)
    }

    @Test("The caller must be authorised; its own failure is 401 (RFC 7662 §2.1, §2.3)")
    func caller() throws {
        try bench.register()
        try bench.register("c_off", isEnabled: false)
        let token = try bench.issued()
        for credentials in [
            nil, AuthBench.basic("c_one", "wrong"), AuthBench.basic("c_none"),
            AuthBench.basic("c_off"), ("Authorization", "Bearer \(token)"),
        ] {
            let response = try bench.raw(
                "token=\(token)", to: Self.path, credentials: credentials)
            expectRefusal(response, 401, "invalid_client")
        }
    }

    @Test(
        "The token is needed, once, in the body of a POST (RFC 7662 §2.1)",
        arguments: [("", "token"), ("token=", "token"), ("token=a&token=b", "token")])
    func parameters(body: String, name: String) throws {
        try bench.register()
        expectRefusal(
            try bench.raw(body, to: Self.path), 400, "invalid_request", naming: name)
        for method in ["GET", "PUT", "HEAD", "OPTIONS"] {
            let response = try #require(
                bench.send(method, Self.path, headers: AuthBench.formHeaders + [AuthBench.basic()]))
            expectRefusal(response, 405, "invalid_request")
            #expect(response.headers["Allow"] == "POST")
        }
        expectRefusal(
            try bench.raw("", to: Self.path, query: "token=a.b.c"), 400, "invalid_request",
            naming: "URI")
    }

    @Test("A registry that cannot be asked is 503")
    func registryDown() throws {
        try bench.register()
        bench.change { $0.isRegistryDown = true }
        expectRefusal(try introspect("a.b.c"), 503, "temporarily_unavailable")
    }

    @Test(
        "An API learns of the tokens of the clients that an operator named, and of no others",
        arguments: [
            ([], false), (["c_two"], false), (["c_one"], true), (["c_two", "c_one"], true),
            (["*"], true), (["c_on"], false),
        ])
    func ofOthers(introspects: [String], isTold: Bool) throws {
        let bench = AuthBench()
        try bench.register()
        try bench.register("c_two")
        try bench.register("c_api", introspects: introspects)
        let token = try bench.issued()
        func answer() throws -> HTTPResponse {
            try bench.raw(
                "token=\(token)", to: "/oauth2/introspect",
                credentials: AuthBench.basic("c_api"))
        }
        let response = try answer()
        #expect(response.json?["active"] == .bool(isTold))
        #expect(response.json?.members.count == 1 || isTold)
        #expect(response.json?["client_id"]?.string == (isTold ? "c_one" : nil))
        try bench.register(isEnabled: false)
        #expect(try answer().json?["active"] == false)
    }
}
