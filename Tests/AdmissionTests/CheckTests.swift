import Access
import Admission
import AdmissionSupport
import Bytes
import HTTPMessages
import Identifiers
import Locking
import Signalling
import StrictJSON
import Testing
import Tokens

extension Admission {
    /// Where every room is to be had.
    fileprivate func check(_ request: HTTPRequest) -> HTTPResponse {
        check(request) { _, _ in nil }
    }
}

private let form = "application/x-www-form-urlencoded"

/// `POST /signal/check`, with a form as given.
private func question(
    _ body: String, _ fields: [(String, String)] = [("Content-Type", form)],
    method: ByteText = "POST", query: ByteText? = nil, address: String = "192.0.2.1"
) -> HTTPRequest {
    HTTPRequest(
        method: method, path: Admission.checkPath, query: query,
        headers: HeaderFields(fields.map { (ByteText($0), ByteText($1)) }),
        body: Array(body.utf8), peerAddress: address)
}

extension HTTPResponse {
    fileprivate var said: JSONObject? { try? JSONValue.parse(body).object }
    fileprivate var error: String? { said?["error"]?.string?.string }
    fileprivate var text: String { said?["error_description"]?.string?.string ?? "" }
}

@Suite struct CheckTests {
    private let world = World()

    private func service(
        _ configuration: AdmissionConfiguration = AdmissionConfiguration()
    ) -> Admission {
        Admission(configuration, world.ports())
    }

    // MARK: Accepted

    @Test("A token that would be accepted: 200, an empty object, for pages of any origin to read")
    func good() throws {
        let relay = service(AdmissionConfiguration(queryToken: .oneUse, connectionsMax: 1))
        let token = try world.token(rooms: ["lobby"])
        for _ in 0..<3 {
            let answer = relay.check(question("token=\(token)&client=a&room=lobby"))
            #expect(answer.status == 200 && answer.body == Array("{}".utf8))
            #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
            #expect(answer.headers["Access-Control-Allow-Credentials"] == nil)
            #expect(answer.headers["Access-Control-Expose-Headers"] == "Retry-After")
            #expect(answer.headers["Cache-Control"] == "no-store")
        }
        #expect(relay.ledger.total == 0)
        #expect(world.state.withLock { $0.used.isEmpty } && world.log.isEmpty)
    }

    @Test("Origin counts for nothing, nor do cookies and Authorization")
    func ambient() throws {
        let relay = service()
        let other = ("Authorization", "Bearer \(try world.token())")
        let fields = [("Content-Type", form), other, ("Cookie", "__Host-usher_session=a.b.c")]
        for origin in ["https://evil.example", "null", "https://app.example"] {
            let token = try world.token()
            let asked = question("token=\(token)", fields + [("Origin", origin)])
            #expect(relay.check(asked).status == 200)
            #expect(relay.check(question("", fields + [("Origin", origin)])).status == 401)
        }
    }

    // MARK: The same as a handshake

    /// What a handshake with the token in the subprotocol is told.
    private func refusal(
        _ relay: Admission, _ token: String, client: String? = nil
    ) -> HTTPResponse? {
        let offer = ("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.\(token)")
        return relay.admit(
            handshake(client.map { "client=\($0)" }, [offer]), fromCookie: false
        ).refusal
    }

    private func expectSame(
        _ relay: Admission, _ token: String, client: String? = nil, _ status: Int,
        _ error: String, naming text: String
    ) throws {
        let rest = client.map { "&client=\($0)" } ?? ""
        let answer = relay.check(question("token=\(token)\(rest)"))
        #expect(answer.status == status && answer.error == error)
        #expect(answer.text.contains(text))
        let refused = try #require(refusal(relay, token, client: client))
        #expect(refused.status == status && refused.body == answer.body)
        #expect(refused.headers["WWW-Authenticate"] == answer.headers["WWW-Authenticate"])
        #expect(refused.headers["Retry-After"] == answer.headers["Retry-After"])
        #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
    }

    @Test("Refusals are those of a handshake with the token in the subprotocol")
    func sameAnswers() throws {
        let relay = service()
        try expectSame(relay, "x.y.z", 401, "invalid_token", naming: "token is malformed, forged")
        let good = try world.token()
        try expectSame(relay, good, client: "b", 401, "invalid_token", naming: "than client says")
        let session = try world.token(scopes: ["session"], kind: .session)
        try expectSame(relay, session, 401, "invalid_token", naming: "not meant for this use")
        let unscoped = try world.token(scopes: ["other"])
        try expectSame(relay, unscoped, 403, "insufficient_scope", naming: "the scope signal")
        let revoked = try world.token(subject: "a:u")
        world.revoke("a:u")
        try expectSame(relay, revoked, 401, "invalid_token", naming: "token was revoked")
        world.disable("a")
        try expectSame(relay, good, 401, "invalid_token", naming: "disabled or removed")
        relay.stopAdmitting()
        try expectSame(relay, good, 503, "temporarily_unavailable", naming: "")
    }

    @Test("Limits are told as a handshake tells them, and no place is taken")
    func limits() throws {
        let configurations = [
            (AdmissionConfiguration(connectionsMax: 1), 503),
            (AdmissionConfiguration(connectionsPerAddressMax: 1), 429),
            (AdmissionConfiguration(connectionsPerClientMax: 1), 429),
            (AdmissionConfiguration(connectionsPerSubjectMax: 1), 429),
        ]
        for (configuration, status) in configurations {
            let relay = service(configuration)
            let token = try world.token(subject: "a:u")
            #expect(relay.check(question("token=\(token)")).status == 200)
            let held = relay.admit(handshake("token=\(token)"), fromCookie: false)
            #expect(held.status == 101)
            try expectSame(relay, token, status, "too_many_connections", naming: "later")
            held.admission?.release()
            #expect(relay.check(question("token=\(token)")).status == 200)
        }
    }

    @Test("It costs the address what a handshake costs, before anything is read or verified")
    func rate() throws {
        let relay = service(AdmissionConfiguration(connectionsPerSecond: 1, connectionBurst: 2))
        let token = try world.token()
        #expect(relay.check(question("token=\(token)")).status == 200)
        #expect(relay.admit(handshake("token=\(token)"), fromCookie: false).status == 101)
        world.state.withLock { $0.verified = [] }
        for body in ["token=\(token)", "%", "token=a&token=b"] {
            let answer = relay.check(question(body))
            #expect(answer.status == 429 && answer.headers["Retry-After"] == "1")
        }
        #expect(world.state.withLock { $0.verified.isEmpty })
        #expect(relay.check(question("token=\(token)", address: "192.0.2.9")).status == 200)
        world.state.withLock { $0.milliseconds += 1000 }
        #expect(relay.check(question("token=\(token)")).status == 200)
    }

    // MARK: Rooms

    @Test(
        "Why a room is not to be had: 403, or 409 where it is full, and the member is named",
        arguments: [(SignalError.roomForbidden, 403), (.roomFull, 409)])
    func room(error: SignalError, status: Int) throws {
        let asked = question("token=\(try world.token())&room=lobby")
        let answer = service().check(asked) { room, grant in
            room == "lobby" && grant.token.clientID == "a" ? error : nil
        }
        #expect(answer.status == status && answer.error == error.code)
        #expect(answer.text.contains("room"))
        #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
    }

    // MARK: The form

    @Test(
        "No token: 401, as a handshake without one",
        arguments: ["", "token=", "token", "client=a", "Token=a.b.c", "&&", "token=&token="])
    func noToken(body: String) {
        let answer = service().check(question(body))
        #expect(answer.status == 401 && answer.error == "unauthorized")
        #expect(answer.text.contains("token"))
        #expect(answer.headers["WWW-Authenticate"] == #"Bearer realm="usher""#)
    }

    @Test("Unknown members are ignored, empty ones count as absent (RFC 6749 §3.2)")
    func ignored() throws {
        let token = try world.token()
        let body = "x=1&token=\(token)&client=&room=&y&token=&%00=2"
        #expect(service().check(question(body)).status == 200)
    }

    @Test(
        "What is said twice, or is no form, is 400 and names the member",
        arguments: [
            ("token=a.b.c&token=a.b.c", "token occurs"), ("token=a&client=b&client=b", "client"),
            ("token=a&room=r&room=s", "room occurs"), ("x=1&x=1&token=a", "x occurs"),
            ("%74oken=a&token=b", "token occurs"), ("token=%zz", "token"),
            ("client=%ff", "client"), ("room=%", "room"), ("%00=1&%00=2", "a member"),
            ("room=" + String(repeating: "r", count: 257), "room must"),
            (String(repeating: "a&", count: 257), "more than 256"),
        ])
    func malformed(body: String, text: String) {
        let answer = service().check(question(body))
        #expect(answer.status == 400 && answer.error == "invalid_request")
        #expect(answer.text.contains(text))
        #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
        #expect(world.state.withLock { $0.verified.isEmpty })
    }

    @Test("Another type of content is 400, a long body 413, another method 405")
    func wrongKind() throws {
        let relay = service()
        let body = "token=\(try world.token())"
        for type in ["application/json", "text/plain", "\(form); charset=latin1", ""] {
            let answer = relay.check(question(body, [("Content-Type", type)]))
            #expect(answer.status == 400 && answer.text.contains("Content-Type"))
        }
        #expect(relay.check(question(body, [])).status == 400)
        let utf8 = [("Content-Type", "\(form);charset=UTF-8")]
        #expect(relay.check(question(body, utf8)).status == 200)
        let long = body + "&x=" + String(repeating: "x", count: 16_384)
        #expect(relay.check(question(long)).status == 413)
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"] {
            let answer = relay.check(question(body, method: ByteText(method)))
            #expect(answer.status == 405 && answer.headers["Allow"] == "POST")
            #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
        }
    }

    @Test("A token in the URI is refused, since URIs are logged")
    func inQuery() throws {
        let token = try world.token()
        for query in ["token=\(token)", "%74oken=x"] {
            let asked = question("token=\(token)", query: ByteText(query))
            let answer = service().check(asked)
            #expect(answer.status == 400 && answer.text.contains("token must not"))
        }
        #expect(service().check(question("token=\(token)", query: "a=b")).status == 200)
    }

    @Test("No answer and no line of the log holds what was sent")
    func secrets() throws {
        let relay = service(AdmissionConfiguration(connectionsPerSecond: 1, connectionBurst: 3))
        for body in [
            "token=SECRET.SECRET.SECRET", "token=SECRET&token=SECRET", "token=SECRET%zz",
            "SECRET%20SECRET=1&SECRET%20SECRET=1", "token=SECRET&client=SECRET&room=SECRET",
        ] {
            let answer = relay.check(question(body))
            #expect(answer.status >= 400)
            #expect(!String(decoding: answer.body, as: UTF8.self).contains("SECRET"))
            #expect(answer.headers.fields.allSatisfy { !$0.value.string.contains("SECRET") })
        }
        #expect(world.log.isEmpty)
    }
}
