import AuthService
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
        #expect(json["grant_types_supported"] == ["client_credentials"])
        #expect(
            json["token_endpoint_auth_methods_supported"]
                == ["client_secret_basic", "client_secret_post"])
        #expect(json["scopes_supported"] == ["signal", "session"])
        #expect(json.members.count == 6)
    }

    @Test("What the metadata names is answered")
    func named() throws {
        let bench = AuthBench()
        try bench.register()
        #expect(try bench.token().status == 200)
        #expect(bench.send("GET", "/.well-known/jwks.json")?.status == 200)
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
        #expect(response.json?["issuer"]?.string == issuer)
        #expect(response.json?["token_endpoint"]?.string == endpoint)
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
        "Any page may read both, never with credentials (RFC 9700 §2.6)",
        arguments: [
            "/.well-known/jwks.json", "/.well-known/oauth-authorization-server",
        ])
    func cors(path: String) throws {
        let bench = AuthBench()
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
        "Other paths are none of this service's",
        arguments: [
            "/", "/oauth2", "/oauth2/", "/oauth2/token/", "/oauth2//token", "/OAuth2/token",
            "/oauth2/revoke", "/.well-known/", "/demo", "/demo/", "/demo/token", "/edge/auth",
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
            ("/oauth2", false),
        ])
    func authenticatesItself(path: String, itself: Bool) {
        #expect(AuthService.authenticatesItself(path: path) == itself)
    }
}
