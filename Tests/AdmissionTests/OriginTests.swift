import Access
import Admission
import AdmissionSupport
import Bytes
import HTTPMessages
import Locking
import StrictJSON
import Testing

@Suite struct OriginTests {
    private let world = World()
    private let service: Admission

    init() {
        service = Admission(
            AdmissionConfiguration(ownOrigins: ["https://usher.example"]), world.ports())
    }

    private func status(
        _ origins: [String], fromCookie: Bool, in source: String = "Authorization"
    ) throws -> Int? {
        var headers = origins.map { ("Origin", $0) }
        let token = try world.token()
        var query: String?
        switch source {
        case "query": query = "token=\(token)"
        case "subprotocol":
            headers.append(("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.\(token)"))
        default: headers.append(("Authorization", "Bearer \(token)"))
        }
        return service.admit(handshake(query, headers), fromCookie: fromCookie).status
    }

    @Test(
        "With a cookie, Origin must be there and be listed, exactly",
        arguments: [
            (["https://app.example"], 101), (["https://usher.example"], 101), ([], 403),
            (["null"], 403), ([""], 403), (["https://app.example.evil.example"], 403),
            (["https://evil.app.example"], 403), (["http://app.example"], 403),
            (["https://app.example:8443"], 403), (["https://app.example/"], 403),
            (["https://app.example", "https://app.example"], 403),
            (["https://app.example", "https://evil.example"], 403),
        ])
    func cookie(origins: [String], expected: Int) throws {
        #expect(try status(origins, fromCookie: true) == expected)
    }

    @Test(
        "Authorization beside an Origin is an outer edge's work, so the Origin must be listed",
        arguments: [
            ([], 101), (["https://app.example"], 101), (["https://evil.example"], 403),
            (["null"], 403),
        ])
    func outerEdge(origins: [String], expected: Int) throws {
        #expect(try status(origins, fromCookie: false) == expected)
    }

    @Test(
        "A token that the page itself holds needs no listed Origin",
        arguments: [
            "query", "subprotocol",
        ])
    func explicit(source: String) throws {
        #expect(try status(["https://anywhere.example"], fromCookie: false, in: source) == 101)
        #expect(try status([], fromCookie: false, in: source) == 101)
    }

    @Test("The Host of the request never makes an Origin good")
    func host() throws {
        let token = try world.token()
        var request = handshake(
            nil, [("Authorization", "Bearer \(token)"), ("Origin", "https://evil.example")])
        request.headers.set("Host", "evil.example")
        #expect(service.admit(request, fromCookie: true).status == 403)
    }

    @Test("Each client has its own list")
    func perClient() throws {
        world.state.withLock {
            $0.clients["b"] = ClientStanding(isEnabled: true, origins: ["https://b.example"])
        }
        let token = try world.token(client: "b")
        func status(_ origin: String) -> Int? {
            let headers = [("Authorization", "Bearer \(token)"), ("Origin", origin)]
            return service.admit(handshake(nil, headers), fromCookie: true).status
        }
        #expect(status("https://b.example") == 101)
        #expect(status("https://app.example") == 403)
    }

    @Test(
        "The answer is 403 origin_not_allowed without a challenge; the log names the Origin safely")
    func answer() throws {
        let token = try world.token()
        let headers = [
            ("Authorization", "Bearer \(token)"), ("Origin", "https://evil.example\r\n\u{1}é"),
        ]
        let refusal = try #require(
            service.admit(handshake(nil, headers), fromCookie: true).refusal)
        let body = try JSONValue.parse(refusal.body)
        #expect(body.object?["error"] == "origin_not_allowed")
        #expect(refusal.headers["WWW-Authenticate"] == nil)
        #expect(
            world.log.last
                == "connection_refused reason=origin_not_allowed status=403 address=192.0.2.1 "
                + "origin=https://evil.example")
    }
}
