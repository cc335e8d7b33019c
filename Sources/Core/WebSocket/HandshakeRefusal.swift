import Bytes
package import HTTPMessages

/// Why an opening handshake was turned away: the answer that says so.
package struct HandshakeRefusal: Error {
    package let response: HTTPResponse

    static let method = refusal(405, "a WebSocket handshake is a GET request", [("Allow", "GET")])
    static let body = refusal(400, "a WebSocket handshake has no body")
    static let connection = refusal(400, "Connection must name Upgrade")
    static let version = refusal(
        426, "Sec-WebSocket-Version must be 13",
        [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")])
    static let versionRepeated = refusal(400, "Sec-WebSocket-Version must be there once")
    static let key = refusal(400, "Sec-WebSocket-Key must be there once, 16 bytes in base64")
    static let subprotocol = refusal(400, "Sec-WebSocket-Protocol must be a list of tokens")
    static let subprotocolRepeated = refusal(
        400, "Sec-WebSocket-Protocol must name each subprotocol once")

    private static func refusal(
        _ status: Int, _ description: String, _ headers: [(ByteText, ByteText)] = []
    ) -> HandshakeRefusal {
        HandshakeRefusal(
            response: .refusal(status, "invalid_request", description, headers: headers))
    }
}
