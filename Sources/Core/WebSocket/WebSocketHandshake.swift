package import Bytes
package import HTTPMessages

/// A client's opening handshake that holds (RFC 6455 §4.2.1).
///
/// The HTTP version and the `Host` field are the HTTP server's to check; who may connect is
/// decided by whoever reads the token.
package struct WebSocketHandshake: Equatable, Sendable {
    package enum Check: Equatable, Sendable {
        /// The request asks for no WebSocket: it is an ordinary one.
        case notAnUpgrade
        /// It asks for one and breaks a rule: answer with this.
        case refused(HTTPResponse)
        case accepted(WebSocketHandshake)
    }

    /// `Sec-WebSocket-Key` as sent.
    package let key: ByteText
    /// What the client offered in `Sec-WebSocket-Protocol`, in its order of preference.
    package let subprotocols: [ByteText]

    /// Checks a request, every rule in the order of §4.2.1.
    package static func check(_ request: HTTPRequest) -> Check {
        guard hasToken("websocket", in: "Upgrade", of: request.headers) else {
            return .notAnUpgrade
        }
        do {
            return .accepted(try WebSocketHandshake(request))
        } catch {
            return .refused(error.response)
        }
    }

    private init(_ request: HTTPRequest) throws(HandshakeRefusal) {
        let headers = request.headers
        guard request.method == "GET" else { throw .method }
        guard request.body.isEmpty else { throw .body }
        guard Self.hasToken("upgrade", in: "Connection", of: headers) else { throw .connection }
        let version = headers.find("Sec-WebSocket-Version")
        guard version.count < 2 else { throw .versionRepeated }
        guard version.first == "13" else { throw .version }
        let (key, keyCount) = headers.find("Sec-WebSocket-Key")
        guard let key, keyCount == 1, Base64.decode(key.utf8.span)?.count == 16 else { throw .key }
        self.key = key
        subprotocols = try Self.subprotocols(headers.values("Sec-WebSocket-Protocol"))
    }

    /// The fields of the 101 answer (§4.2.2).
    ///
    /// - Parameters:
    ///   - sha1: SHA-1 of some bytes, 20 of them.
    ///   - subprotocol: The one offered subprotocol that was chosen, if any.
    /// - Returns: `Upgrade`, `Connection`, `Sec-WebSocket-Accept` and, where one was chosen,
    ///   `Sec-WebSocket-Protocol`.
    package func responseHeaders(
        sha1: ([UInt8]) -> [UInt8], subprotocol: ByteText?
    ) -> HeaderFields {
        var headers = HeaderFields(fields: [
            HeaderFields.Field(name: "Upgrade", value: "websocket"),
            HeaderFields.Field(name: "Connection", value: "Upgrade"),
            HeaderFields.Field(name: "Sec-WebSocket-Accept", value: acceptValue(sha1: sha1)),
        ])
        if let subprotocol {
            precondition(subprotocols.contains(subprotocol), "the client did not offer it (§4.2.2)")
            headers.add("Sec-WebSocket-Protocol", subprotocol)
        }
        return headers
    }

    /// The proof that this server read the key: base64 of SHA-1 of key and GUID (§4.2.2, 5.4).
    package func acceptValue(sha1: ([UInt8]) -> [UInt8]) -> ByteText {
        var proof = Array(key.utf8)
        proof += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8
        return ByteText(Base64.encode(sha1(proof)))
    }

    /// Mostly it is all that the field says, which takes no list to see.
    private static func hasToken(
        _ token: ByteText, in name: ByteText, of headers: HeaderFields
    ) -> Bool {
        headers[name]?.equalsIgnoringCase(token) == true
            || elements(headers.values(name)).contains { $0.equalsIgnoringCase(token) }
    }

    /// The elements of a comma-separated list that may be spread over several fields.
    private static func elements(_ values: [ByteText]) -> [ByteText] {
        values.flatMap { value in
            value.split(separator: UInt8(ascii: ",")).map { FieldGrammar.trimmed($0) }.filter {
                !$0.isEmpty
            }
        }
    }

    /// What is offered by a handshake of which the rest is somebody else's business.
    package static func offered(by headers: HeaderFields) -> Result<[ByteText], HandshakeRefusal> {
        Result { () throws(HandshakeRefusal) in
            try subprotocols(headers.values("Sec-WebSocket-Protocol"))
        }
    }

    private static func subprotocols(
        _ values: [ByteText]
    ) throws(HandshakeRefusal) -> [ByteText] {
        let offered = elements(values)
        guard offered.allSatisfy({ FieldGrammar.isToken($0) }) else { throw .subprotocol }
        guard Set(offered).count == offered.count else { throw .subprotocolRepeated }
        guard values.isEmpty || !offered.isEmpty else { throw .subprotocol }
        return offered
    }
}
