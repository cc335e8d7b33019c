import Bytes
import HTTPMessages
import Testing

@testable import AuthService

@Suite struct EdgeAuthTests {
    private let bench = AuthBench()
    private let session: String

    init() throws {
        try bench.register(scopes: ["signal", "session"], origins: ["https://app.example"])
        session = try bench.issued("scope=session&subject=ann")
    }

    private func ask(
        _ headers: [(String, String)], method: String = "GET", query: String? = nil
    ) -> HTTPResponse {
        bench.service.edgeAuthResponse(
            to: HTTPRequest(
                method: ByteText(method), path: "/edge/auth", query: query.map { ByteText($0) },
                headers: HeaderFields(headers.map { (ByteText($0), ByteText($1)) })))
    }

    private var cookie: (String, String) { ("Cookie", "a=1; __Host-usher_session=\(session); b=2") }

    @Test("A good cookie comes out as Authorization, and the other cookies remain")
    func good() {
        let response = ask([cookie, ("Authorization", "Bearer forged"), ("Upgrade", "websocket")])
        #expect(response.status == 200)
        #expect(response.headers["Authorization"] == "Bearer \(session)")
        #expect(response.headers["Cookie"] == "a=1; b=2")
        #expect(response.headers["Cache-Control"] == "no-store")
        let alone = ask([("Cookie", "__Host-usher_session=\(session)")])
        #expect(alone.status == 200)
        #expect(!alone.headers.contains("Cookie"))
    }

    @Test("Without the cookie a good access token passes, as it came")
    func bearer() throws {
        let access = try bench.issued("scope=signal&subject=ann")
        let response = ask([("Authorization", "Bearer \(access)")])
        #expect(response.status == 200)
        #expect(response.headers["Authorization"] == "Bearer \(access)")
        expectRefusal(
            ask([("Authorization", "Bearer \(session)")]), 401, "invalid_token",
            challenge: "Bearer")
    }

    @Test(
        "Anything else is 401, which proxies understand, and hands nothing out",
        arguments: [
            [], [("Cookie", "__Host-usher_session=forged")], [("Cookie", "__Host-usher_session=")],
            [("Cookie", "__Host-usher_session=a; __Host-usher_session=b")],
            [("Cookie", "__Host-usher_session=a b,c")], [("Authorization", "Basic YTpi")],
            [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
            [("Cookie", "__Host-usher_session=" + String(repeating: "a", count: 4000))],
        ])
    func bad(headers: [(String, String)]) {
        let response = ask(headers)
        #expect(response.status == 401)
        #expect(response.headers["WWW-Authenticate"]?.hasPrefix("Bearer") == true)
        #expect(!response.headers.contains("Authorization"))
    }

    @Test("A session that was ended does not pass")
    func revoked() throws {
        _ = try bench.raw("token=\(session)", to: "/oauth2/revoke")
        #expect(ask([cookie]).status == 401)
    }

    @Test(
        "With the cookie, what changes something must come from a page that may",
        arguments: [
            ("GET", [], 200), ("HEAD", [], 200), ("OPTIONS", [], 200),
            ("GET", [("Sec-Fetch-Site", "cross-site")], 200),  // Somebody follows a link.
            ("GET", [("Origin", "https://evil.example")], 403),
            ("GET", [("Origin", "https://app.example")], 200),
            ("POST", [], 403), ("DELETE", [], 403), ("post", [], 403),
            ("POST", [("Origin", "https://evil.example")], 403),
            ("POST", [("Origin", "null")], 403),
            ("POST", [("Origin", "https://app.example")], 200),
            ("POST", [("Origin", AuthBench.issuer)], 200),
            ("POST", [("Sec-Fetch-Site", "same-origin")], 200),
            ("POST", [("Sec-Fetch-Site", "same-site")], 403),
        ])
    func origins(method: String, headers: [(String, String)], status: Int) {
        let response = ask([cookie, ("X-Forwarded-Method", method)] + headers)
        #expect(response.status == status)
        if status == 403 { expectRefusal(response, 403, "origin_not_allowed") }
    }

    @Test("A bearer that the page itself sends is no cookie: its origin does not matter")
    func bearerFromElsewhere() throws {
        let access = try bench.issued("scope=signal")
        let response = ask([
            ("Authorization", "Bearer \(access)"), ("Origin", "https://evil.example"),
            ("X-Forwarded-Method", "POST"),
        ])
        #expect(response.status == 200)
    }

    @Test("The query is the other request's: it is not looked at")
    func query() {
        #expect(ask([cookie], query: "access_token=x&%zz").status == 200)
        #expect(ask([cookie], method: "POST").status == 405)
    }

    @Test("The public port has no such path")
    func hidden() {
        #expect(bench.send("GET", "/edge/auth", headers: [cookie]) == nil)
    }
}
