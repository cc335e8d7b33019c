import Bytes
import HTTPMessages
import Testing
import WebSocket

@Suite struct WebSocketHandshakeTests {
    private static let good: [(ByteText, ByteText)] = [
        ("Host", "server.example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
    ]

    /// The good request, with fields replaced (nil: left out) and others added.
    private func check(
        method: ByteText = "GET", body: [UInt8] = [], _ changes: [(ByteText, ByteText?)] = [],
        adding extra: [(ByteText, ByteText)] = []
    ) -> WebSocketHandshake.Check {
        var headers = HeaderFields(Self.good)
        for (name, value) in changes {
            if let value { headers.set(name, value) } else { headers.remove(name) }
        }
        for (name, value) in extra { headers.add(name, value) }
        return WebSocketHandshake.check(
            HTTPRequest(method: method, path: "/chat", headers: headers, body: body))
    }

    private func status(_ check: WebSocketHandshake.Check) -> Int? {
        guard case .refused(let response) = check else { return nil }
        return response.status
    }

    private func accepted(_ check: WebSocketHandshake.Check) -> WebSocketHandshake? {
        guard case .accepted(let handshake) = check else { return nil }
        return handshake
    }

    @Test("The example of RFC 6455 §1.3 gets the accept value given there")
    func example() throws {
        let handshake = try #require(accepted(check()))
        #expect(handshake.key == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(handshake.subprotocols.isEmpty)
        var hashed: [UInt8] = []
        let digest: [UInt8] = [
            0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38,
            0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea,
        ]
        let headers = handshake.responseHeaders(
            sha1: {
                hashed = $0
                return digest
            }, subprotocol: nil)
        #expect(
            String(decoding: hashed, as: UTF8.self)
                == "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        #expect(headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(headers["Upgrade"] == "websocket")
        #expect(headers["Connection"] == "Upgrade")
        #expect(!headers.contains("Sec-WebSocket-Protocol"))
    }

    @Test("Upgrade and Connection are lists of tokens without case (RFC 6455 §4.2.1)")
    func tokenLists() {
        #expect(accepted(check([("Upgrade", "WebSocket")])) != nil)
        #expect(accepted(check([("Connection", "keep-alive, Upgrade")])) != nil)
        #expect(
            accepted(check([("Connection", "keep-alive")], adding: [("connection", "UPGRADE")]))
                != nil)
        #expect(check([("Upgrade", nil)]) == .notAnUpgrade)
        #expect(check([("Upgrade", "h2c")]) == .notAnUpgrade)
        #expect(check([("Upgrade", "websockets")]) == .notAnUpgrade)
        #expect(status(check([("Connection", nil)])) == 400)
        #expect(status(check([("Connection", "keep-alive")])) == 400)
        #expect(status(check([("Connection", "upgraded")])) == 400)
    }

    @Test(
        "Anything but GET is 405 with Allow (RFC 6455 §4.2.1)", arguments: ["POST", "HEAD", "get"])
    func method(method: String) {
        let outcome = check(method: ByteText(method))
        #expect(status(outcome) == 405)
        guard case .refused(let response) = outcome else { return }
        #expect(response.headers["Allow"] == "GET")
    }

    @Test("A body has no place in a handshake")
    func body() {
        #expect(status(check(body: [1])) == 400)
    }

    @Test(
        "A version but 13 is 426 and told which (RFC 6455 §4.2.2)",
        arguments: [
            "12", "8", "", "13.0", "013", "13, 8", nil,
        ])
    func version(version: String?) {
        let outcome = check([("Sec-WebSocket-Version", version.map { ByteText($0) })])
        #expect(status(outcome) == 426)
        guard case .refused(let response) = outcome else { return }
        #expect(response.headers["Sec-WebSocket-Version"] == "13")
    }

    @Test(
        "A key is 16 bytes in base64 (RFC 6455 §4.2.1)",
        arguments: [
            nil, "", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZWU=", "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25j*Q==", "dGhl HNhbXBsZSBub25jZQ==",
        ])
    func key(key: String?) {
        #expect(status(check([("Sec-WebSocket-Key", key.map { ByteText($0) })])) == 400)
    }

    @Test("Key and version stand there exactly once")
    func repeated() {
        #expect(
            status(check(adding: [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])) == 400)
        #expect(status(check(adding: [("sec-websocket-version", "13")])) == 400)
    }

    @Test("Subprotocols are tokens, in order, over several fields (RFC 6455 §11.3.4)")
    func subprotocols() throws {
        let handshake = try #require(
            accepted(
                check(adding: [
                    ("Sec-WebSocket-Protocol", "usher.v1 , usher.bearer.a.b.c"),
                    ("Sec-WebSocket-Protocol", "chat"),
                ])))
        #expect(handshake.subprotocols == ["usher.v1", "usher.bearer.a.b.c", "chat"])
        let headers = handshake.responseHeaders(
            sha1: { _ in Array(repeating: 0, count: 20) }, subprotocol: "usher.v1")
        #expect(headers.values("Sec-WebSocket-Protocol") == ["usher.v1"])
    }

    @Test(
        "A subprotocol that is no token or named twice is 400 (RFC 6455 §4.1)",
        arguments: [
            "a b", "a,a", "a@", "", ",", "é",
        ])
    func badSubprotocols(value: String) {
        #expect(status(check(adding: [("Sec-WebSocket-Protocol", ByteText(value))])) == 400)
    }

    @Test("A refusal says what to do, in JSON")
    func refusals() throws {
        guard case .refused(let response) = check([("Sec-WebSocket-Key", "x")]) else {
            Issue.record("accepted")
            return
        }
        #expect(response.headers["Content-Type"] == "application/json")
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(
            text.hasPrefix(#"{"error":"invalid_request","error_description":"Sec-WebSocket-Key"#))
    }
}
