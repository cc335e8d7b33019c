package import Bytes
package import StrictJSON

/// Why the edge step turned a request away, always with 400. Names the cookie, never its value.
package enum EdgeRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    case cookieRepeated(name: ByteText)
    case cookieEmpty(name: ByteText)
    case cookieMalformed(name: ByteText)
    case cookieTooLong(name: ByteText, bytesMax: Int)
    /// Several `Authorization` fields and no cookie to replace them.
    case authorizationRepeated

    package static let status = 400

    package var description: String {
        switch self {
        case .cookieRepeated(let name):
            "the cookie \(name) was sent more than once: delete the one set for another path"
        case .cookieEmpty(let name): "the cookie \(name) is empty: sign in again"
        case .cookieMalformed(let name):
            "the cookie \(name) is no bearer token (RFC 6750 section 2.1): sign in again"
        case .cookieTooLong(let name, let bytesMax):
            "the cookie \(name) is longer than \(bytesMax) bytes"
        case .authorizationRepeated: "more than one Authorization header was sent"
        }
    }

    /// `invalid_request` (RFC 6750 §3.1): the error body that goes to the client.
    package var body: JSONValue {
        ["error": "invalid_request", "error_description": .string(description)]
    }
}
