import Bytes
import HTTPMessages
import StrictJSON
import Testing

@testable import AuthService

@Suite struct ICEServersEndpointTests {
    private let bench = AuthBench()

    init() throws {
        try bench.register(
            scopes: ["signal", "session", "other"], origins: ["https://app.example"])
    }

    private func ask(
        _ token: String?, _ headers: [(String, String)] = [], fromCookie: Bool = false
    ) throws -> HTTPResponse {
        let bearer = token.map { [("Authorization", "Bearer \($0)")] } ?? []
        return try #require(
            bench.send("GET", "/ice-servers", headers: headers + bearer, fromCookie: fromCookie))
    }

    @Test("The holder of a token is told the servers that are for its subject, and until when")
    func offer() throws {
        let response = try ask(try bench.issued("scope=signal&subject=ann"))
        #expect(response.status == 200)
        #expect(response.json?["iceServers"] == [["urls": ["c_one:ann"]]])
        #expect(response.json?["expiresAt"]?.int64 == 1_800_000_060)
        #expect(response.headers["Cache-Control"] == "no-store")
    }

    @Test("Nobody else is told anything")
    func refused() throws {
        expectRefusal(try ask(nil), 401, "unauthorized", challenge: "Bearer")
        expectRefusal(try ask("forged"), 401, "invalid_token", challenge: "Bearer")
        let scopeless = try bench.issued("scope=other")
        expectRefusal(try ask(scopeless), 403, "insufficient_scope", challenge: "Bearer")
        let session = try bench.issued("scope=session&subject=ann")
        expectRefusal(try ask(session), 401, "invalid_token", challenge: "Bearer")
    }

    @Test("A session is as good where it comes from the cookie, and no page elsewhere reads it")
    func cookie() throws {
        let session = try bench.issued("scope=session&subject=ann")
        #expect(try ask(session, fromCookie: true).status == 200)
        #expect(
            try ask(session, [("Origin", "https://app.example")], fromCookie: true).status == 200)
        let foreign = try ask(session, [("Origin", "https://evil.example")], fromCookie: true)
        expectRefusal(foreign, 403, "origin_not_allowed")
    }

    @Test("Any page may read what a token that it sends is good for; with cookies, listed ones")
    func sharing() throws {
        let token = try bench.issued("scope=signal")
        func allowed(_ origin: String, fromCookie: Bool = false) throws -> String? {
            try ask(token, [("Origin", origin)], fromCookie: fromCookie)
                .headers["Access-Control-Allow-Origin"]?.string
        }
        #expect(try allowed("https://any.example") == "*")
        #expect(try allowed("https://app.example") == "https://app.example")
        #expect(try allowed("https://any.example", fromCookie: true) == nil)
        for (origin, credentials) in [
            ("https://any.example", nil), ("https://app.example", "true"),
        ] {
            let preflight = try #require(
                bench.send("OPTIONS", "/ice-servers", headers: [("Origin", origin)]))
            #expect(preflight.status == 204)
            #expect(
                preflight.headers["Access-Control-Allow-Credentials"]
                    == credentials.map { ByteText($0) })
            #expect(
                preflight.headers["Access-Control-Allow-Headers"]?.string.contains("Authorization")
                    == true
            )
        }
        #expect(bench.send("OPTIONS", "/ice-servers")?.status == 403)
    }

    @Test("A subject that asks without end is told to wait, and no other")
    func rate() throws {
        let token = try bench.issued("scope=signal&subject=ann")
        for _ in 0..<ICEServersEndpoint.answersPerMinuteMax {
            #expect(try ask(token).status == 200)
        }
        let response = try ask(token)
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "60")
        #expect(try ask(try bench.issued("scope=signal&subject=bob")).status == 200)
        bench.change { $0.now += 60 }
        #expect(try ask(token).status == 200)
    }
}
