import Bytes
package import HTTPMessages

/// Why an opening handshake was turned away, and the answer that says so.
package enum HandshakeRefusal: Error {
    case method, body, connection, version, versionRepeated, key, subprotocol, subprotocolRepeated

    package var response: HTTPResponse {
        switch self {
        case .method:
            answer(405, "a WebSocket handshake is a GET request", [("Allow", "GET")])
        case .body:
            answer(400, "a WebSocket handshake has no body")
        case .connection:
            answer(400, "Connection must name Upgrade")
        case .version:
            answer(
                426, "Sec-WebSocket-Version must be 13",
                [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")])
        case .versionRepeated:
            answer(400, "Sec-WebSocket-Version must be there once")
        case .key:
            answer(400, "Sec-WebSocket-Key must be there once, 16 bytes in base64")
        case .subprotocol:
            answer(400, "Sec-WebSocket-Protocol must be a list of tokens")
        case .subprotocolRepeated:
            answer(400, "Sec-WebSocket-Protocol must name each subprotocol once")
        }
    }

    private func answer(
        _ status: Int, _ description: String, _ headers: [(ByteText, ByteText)] = []
    ) -> HTTPResponse {
        let body = #"{"error":"invalid_request","error_description":"\#(description)"}"#
        return .json(status, Array(body.utf8), headers: headers)
    }
}
