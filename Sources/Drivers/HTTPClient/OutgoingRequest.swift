import Bytes
import HTTPMessages

/// Why a request is not sent.
package enum RequestFault: String, Equatable, Sendable, CaseIterable {
    case method, field
    case ownField = "own_field"
}

/// A request as it goes onto the wire.
struct OutgoingRequest {
    private static let own: [ByteText] = [
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "TE", "Upgrade",
        "Expect",
    ]
    /// RFC 9110 §9.2.2: done twice they do what they do once.
    private static let idempotent: [ByteText] = [
        "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE",
    ]
    private static let withoutBody: [ByteText] = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]

    let bytes: [UInt8]
    let isHead: Bool
    let isRepeatable: Bool

    init(
        _ method: ByteText, _ url: HTTPURL, headers: HeaderFields, body: [UInt8],
        isRepeatable: Bool?
    ) throws(HTTPClientError) {
        guard FieldGrammar.isToken(method), method != "CONNECT" else {
            throw .invalidRequest(.method)
        }
        var head = "\(method) \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\n"
        for field in headers.fields {
            guard FieldGrammar.isToken(field.name), FieldGrammar.isFieldValue(field.value) else {
                throw .invalidRequest(.field)
            }
            guard !Self.own.contains(where: field.isNamed) else {
                throw .invalidRequest(.ownField)
            }
            head += "\(field.name): \(field.value)\r\n"
        }
        if !body.isEmpty || !Self.withoutBody.contains(method) {
            head += "Content-Length: \(body.count)\r\n"
        }
        bytes = Array((head + "\r\n").utf8) + body
        isHead = method == "HEAD"
        self.isRepeatable = isRepeatable ?? Self.idempotent.contains(method)
    }
}
