import AuthService
import Bytes
import HTTPMessages
import StrictJSON
import Testing

@Suite struct DiscoveryTests {
    private let wellKnown = "/.well-known/oauth-authorization-server"

    @Test("The metadata lists what exists and nothing else (RFC 8414 §2, §3.2)")
    func metadata() throws {
        let response = try #require(AuthBench().send("GET", wellKnown))
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/json")
        let json = try #require(response.json)
        #expect(json["issuer"] == "https://auth.example")
        #expect(json["token_endpoint"] == "https://auth.example/oauth2/token")
        #expect(json["jwks_uri"] == "https://auth.example/.well-known/jwks.json")
        #expect(
            json["grant_types_supported"] == [
                "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
            ])
        #expect(json["scopes_supported"] == ["signal", "session"])
        #expect(json["introspection_endpoint"] == "https://auth.example/oauth2/introspect")
        #expect(json["revocation_endpoint"] == "https://auth.example/oauth2/revoke")
        for name in ["token", "introspection", "revocation"] {
            #expect(
                json["\(name)_endpoint_auth_methods_supported"]
                    == ["client_secret_basic", "client_secret_post", "private_key_jwt"])
            #expect(
                json["\(name)_endpoint_auth_signing_alg_values_supported"]
                    == ["ES256", "RS256", "EdDSA"], "never none (RFC 8414 §2)")
        }
        #expect(json.members.count == 13)
    }

    @Test("Without an authorization endpoint there is no response type to list (RFC 8414 §2, §3.2)")
    func responseTypes() throws {
        let json = try #require(AuthBench().send("GET", wellKnown)?.json)
        #expect(json["response_types_supported"] == nil)
        #expect(json["authorization_endpoint"] == nil)
    }

    @Test("What the metadata names is answered")
    func named() throws {
        let bench = AuthBench()
        try bench.register()
        #expect(try bench.token().status == 200)
        #expect(bench.send("GET", "/.well-known/jwks.json")?.status == 200)
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            #expect(try bench.raw("token=x", to: path).status == 200)
        }
    }

    @Test("The OpenAPI description is served to any page, where there is one")
    func openAPI() throws {
        let response = try #require(AuthBench(openAPI: "{}").send("GET", "/openapi.json"))
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.headers["Access-Control-Allow-Origin"] == "*")
        #expect(response.body == Array("{}".utf8))
        #expect(AuthBench().send("GET", "/openapi.json") == nil)
    }

    @Test(
        "The well-known part goes between host and path of the issuer (RFC 8414 §3)",
        arguments: [
            ("https://auth.example/a/b", "/a/b", "https://auth.example/a/b/oauth2/token"),
            ("https://auth.example/a/", "/a", "https://auth.example/a/oauth2/token"),
            ("https://auth.example/", "", "https://auth.example/oauth2/token"),
            ("http://127.0.0.1:8080", "", "http://127.0.0.1:8080/oauth2/token"),
        ])
    func path(issuer: String, path: String, endpoint: String) throws {
        let bench = AuthBench(issuer: issuer)
        let response = try #require(bench.send("GET", wellKnown + path))
        #expect(response.json?["issuer"]?.string?.string == issuer)
        #expect(response.json?["token_endpoint"]?.string?.string == endpoint)
        #expect(bench.send("GET", wellKnown + path + "/x") == nil)
    }

    @Test("The key set has its media type and may be kept for five minutes (RFC 7517 §8.5.2)")
    func keySet() throws {
        let response = try #require(AuthBench().send("GET", "/.well-known/jwks.json"))
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/jwk-set+json")
        #expect(response.headers["Cache-Control"] == "public, max-age=300")
        #expect(response.body == AuthBench.keySet)
    }

    @Test(
        "Any page may read all of these, never with credentials (RFC 9700 §2.6)",
        arguments: [
            "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/openapi.json",
        ])
    func cors(path: String) throws {
        let bench = AuthBench(openAPI: "{}")
        for method in ["GET", "HEAD", "OPTIONS"] {
            let response = try #require(
                bench.send(method, path, headers: [("Origin", "https://page.example")]))
            #expect(response.headers["Access-Control-Allow-Origin"] == "*")
            #expect(response.headers["Access-Control-Allow-Credentials"] == nil)
            #expect(response.status == (method == "OPTIONS" ? 204 : 200))
        }
        let post = try #require(bench.send("POST", path))
        #expect(post.status == 405)
        #expect(post.headers["Allow"] == "GET, HEAD, OPTIONS")
    }

    @Test(
        "Pages have no business where clients authenticate: no CORS there (RFC 9700 §2.6)",
        arguments: ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"])
    func noCORS(path: String) throws {
        let bench = AuthBench()
        try bench.register()
        let origin = ("Origin", "https://page.example")
        for method in ["POST", "OPTIONS", "GET"] {
            let response = try #require(
                bench.send(
                    method, path, headers: AuthBench.formHeaders + [AuthBench.basic(), origin],
                    body: "grant_type=client_credentials&token=x"))
            #expect(response.status == (method == "POST" ? 200 : 405))
            for name in ["Origin", "Credentials", "Methods", "Headers"] {
                #expect(response.headers["Access-Control-Allow-\(name)"] == nil)
            }
        }
    }

    @Test(
        "Other paths are none of this service's",
        arguments: [
            "/", "/oauth2", "/oauth2/", "/oauth2/token/", "/oauth2//token", "/OAuth2/token",
            "/oauth2/revoke/", "/oauth2/Introspect", "/openapi.json", "/.well-known/", "/demo",
            "/demo/", "/demo/token", "/edge/auth",
            "/%6Fauth2/token",
        ])
    func others(path: String) {
        #expect(AuthBench().send("POST", path) == nil)
    }

    @Test(
        "The edge step keeps its hands off endpoints that authenticate by themselves",
        arguments: [
            ("/oauth2/token", true), ("/oauth2/revoke", true), ("/edge/viewer-request", true),
            ("/", false), ("/demo/token", false), ("/.well-known/jwks.json", false),
            ("/oauth2", false), ("/oauth2/register", true), ("/oauth2/register/c1", true),
            ("/oauth2/room", false), ("/session", true), ("/session/token", false),
            ("/ice-servers", false),
        ])
    func authenticatesItself(path: String, itself: Bool) {
        let request = HTTPRequest(method: "POST", path: ByteText(path))
        #expect(AuthService.authenticatesItself(request) == itself)
    }
}
