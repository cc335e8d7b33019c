import AuthService
import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Testing
import Tokens

@Suite struct DemoTests {
    private let bench = AuthBench(
        demo: DemoConfiguration(
            assets: [
                "/demo/": .init(contentType: "text/html; charset=utf-8", bytes: Array("page".utf8)),
                "/demo/app.js": .init(contentType: "text/javascript", bytes: Array("js".utf8)),
            ],
            allowedHosts: ["demo.example"], signalPath: "/signal"))

    private func ask(
        _ body: String = #"{"room":"demo-lobby","name":"Ada"}"#, method: String = "POST",
        host: String? = "127.0.0.1:8080", type: String? = "application/json",
        site: String? = nil, client: String = "127.0.0.1", isSecure: Bool = false
    ) throws -> HTTPResponse {
        var headers: [(String, String)] = []
        if let host { headers.append(("Host", host)) }
        if let type { headers.append(("Content-Type", type)) }
        if let site { headers.append(("Sec-Fetch-Site", site)) }
        return try #require(
            bench.send(
                method, "/demo/token", headers: headers, body: body, isSecure: isSecure,
                client: client))
    }

    private func get(_ path: String, method: String = "GET", host: String = "localhost")
        -> HTTPResponse?
    {
        bench.send(method, path, headers: [("Host", host)])
    }

    @Test("The page is served under a strict policy and never kept")
    func page() throws {
        let response = try #require(get("/demo/"))
        #expect(response.status == 200)
        #expect(response.body == Array("page".utf8))
        #expect(response.headers["Content-Type"] == "text/html; charset=utf-8")
        #expect(response.headers["Cache-Control"] == "no-store")
        let policy = try #require(response.headers["Content-Security-Policy"]?.string)
        for rule in [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
            "img-src 'self' data: blob:", "media-src 'self' blob:",
            "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
        ] { #expect(policy.contains(rule)) }
        #expect(!policy.contains("unsafe"))
        #expect(response.headers["Permissions-Policy"]?.string.contains("camera=(self)") == true)
        #expect(get("/demo/app.js")?.body == Array("js".utf8))
        #expect(get("/demo/other.js") == nil)
        #expect(get("/demo/", method: "POST")?.status == 405)
    }

    @Test("The path without a slash leads to the page")
    func redirect() throws {
        let response = try #require(get("/demo"))
        #expect(response.status == 308)
        #expect(response.headers["Location"] == "/demo/")
    }

    @Test("The page gets a token for the one room that it names, for 300 seconds")
    func token() throws {
        let response = try ask()
        #expect(response.status == 200)
        #expect(response.headers["Cache-Control"] == "no-store")
        #expect(response.headers["Access-Control-Allow-Origin"] == nil)
        let json = try #require(response.json)
        #expect(json["expires_in"]?.int64 == 300)
        #expect(json["client_id"] == "demo")
        #expect(json["rooms"] == ["demo-lobby"])
        #expect(json["url"] == "ws://127.0.0.1:8080/signal")
        let claims = try #require(bench.claims)
        #expect(claims.clientID == "demo")
        #expect(claims.subject.text.hasPrefix("demo:"))
        #expect(claims.name == "Ada")
        #expect(claims.rooms.map(\.text) == ["demo-lobby"])
        #expect(claims.scopes == ["signal"])
        #expect(claims.kind == .access)
        #expect(AuthService.demoClient(atSecondsSinceEpoch: 0).clientID == "demo")
        #expect(AuthService.demoClient(atSecondsSinceEpoch: 0).secrets == [])
    }

    @Test("A page that comes back with its id is the same subject, and no other page is")
    func subjects() throws {
        func subject(_ id: String) throws -> Subject? {
            _ = try ask(#"{"room":"demo-a","id":"\#(id)"}"#)
            return bench.claims?.subject
        }
        let first = try subject("0123456789abcdef")
        #expect(try subject("0123456789abcdef") == first)
        #expect(try subject("0123456789abcdeF") != first)
        #expect(first?.string.contains("0123456789abcdef") == false)
        _ = try ask(#"{"room":"demo-a","id":null}"#)
        #expect(bench.claims?.subject != first)
    }

    @Test("Behind TLS the address of the socket is secure too")
    func secure() throws {
        let json = try ask(host: "demo.example", isSecure: true).json
        #expect(json?["url"] == "wss://demo.example/signal")
    }

    @Test(
        "A name is not needed",
        arguments: [
            #"{"room":"demo-a"}"#, #"{"room":"demo-a","name":null}"#,
            #"{"room":"demo-a","name":""}"#,
        ])
    func nameless(body: String) throws {
        #expect(try ask(body).status == 200)
        #expect(bench.claims?.name == nil)
    }

    @Test(
        "A wrong member is refused by name",
        arguments: [
            (#"{"room":"lobby"}"#, "room"), (#"{"room":"demo-*"}"#, "room"),
            (#"{"room":"*"}"#, "room"), (#"{"room":"demo-a b"}"#, "room"), (#"{"room":1}"#, "room"),
            ("{}", "room"), (#"{"room":"demo-a","name":1}"#, "name"),
            (#"{"room":"demo-a","name":"a\nb"}"#, "name"),
            (#"{"room":"demo-a","id":"short"}"#, "id"), (#"{"room":"demo-a","id":1}"#, "id"),
            (#"{"room":"demo-a","id":"0123456789 abcdef"}"#, "id"), ("[]", "object"), ("", "JSON"),
            (#"{"room":"demo-a","room":"demo-b"}"#, "JSON"),
        ])
    func wrong(body: String, name: String) throws {
        expectRefusal(try ask(body), 400, "invalid_request", naming: name)
    }

    @Test(
        "Only its own names are answered: a page elsewhere cannot point one here",
        arguments: [
            ("127.0.0.1:8080", true), ("localhost", true), ("[::1]:8080", true),
            ("192.168.1.5:80", true), ("demo.example:443", true), ("DEMO.example", true),
            ("evil.example", false), ("demo.example.evil", false), ("127.0.0.1.evil", false),
            ("localhost.evil", false), ("", false), (":80", false), ("localhost:", false),
            ("localhost:x", false), ("a@localhost", false), ("localhost/x", false),
            ("\u{212A}localhost", false), ("[::1", false), ("[zz]", false),
        ])
    func hosts(host: String, isAllowed: Bool) throws {
        let response = try ask(host: host)
        #expect(response.status == (isAllowed ? 200 : 403))
        #expect(get("/demo/", host: host)?.status == (isAllowed ? 200 : 403))
        if !isAllowed { expectRefusal(response, 403, "host_not_allowed", naming: "Host") }
    }

    @Test("Without Host, or with two, nothing is answered")
    func hostCount() throws {
        expectRefusal(try ask(host: nil), 403, "host_not_allowed")
        let two = bench.send(
            "GET", "/demo/", headers: [("Host", "localhost"), ("Host", "localhost")])
        #expect(two?.status == 403)
    }

    @Test(
        "Another site's page gets no token",
        arguments: [
            ("same-origin", true), ("cross-site", false), ("same-site", false), ("none", false),
            ("", false),
        ])
    func sites(site: String, isAllowed: Bool) throws {
        let response = try ask(site: site)
        #expect(response.status == (isAllowed ? 200 : 403))
        if !isAllowed { expectRefusal(response, 403, "origin_not_allowed") }
    }

    @Test(
        "A body that a form of another site could send is refused",
        arguments: [
            "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", nil,
        ])
    func types(type: String?) throws {
        expectRefusal(try ask(type: type), 400, "invalid_request", naming: "Content-Type")
    }

    @Test("A preflight is not answered: there is no CORS", arguments: ["OPTIONS", "GET", "PUT"])
    func methods(method: String) throws {
        let response = try ask(method: method)
        expectRefusal(response, 405, "invalid_request")
        #expect(response.headers["Access-Control-Allow-Origin"] == nil)
    }

    @Test("An address gets thirty tokens a minute")
    func rate() throws {
        for _ in 0..<30 { #expect(try ask().status == 200) }
        let response = try ask()
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "60")
        #expect(try ask(client: "127.0.0.2").status == 200)
        bench.change { $0.now += 60 }
        #expect(try ask().status == 200)
    }

    @Test("Nobody gets tokens of the demo's client by the token endpoint")
    func noSecret() throws {
        #expect(try bench.token(credentials: AuthBench.basic("demo", "")).status == 401)
    }
}
