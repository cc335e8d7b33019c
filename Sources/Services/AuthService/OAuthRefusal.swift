import Bytes
import HTTPMessages
import StrictJSON

/// Why an endpoint turned a request away, in the terms of RFC 6749 §5.2; the one place where errors
/// become responses.
///
/// `description` names the parameter at fault and never holds a secret or a token.
struct OAuthRefusal: Error, Equatable {
    let status: Int
    let code: String
    let description: String
    /// Beside those that every refusal bears.
    var headers: [Header] = []

    typealias Header = HeaderFields.Field

    static func invalidRequest(_ description: String) -> OAuthRefusal {
        OAuthRefusal(status: 400, code: "invalid_request", description: description)
    }

    static func invalidScope(_ description: String) -> OAuthRefusal {
        OAuthRefusal(status: 400, code: "invalid_scope", description: description)
    }

    /// RFC 8693 §2.2.2.
    static func invalidTarget(_ description: String) -> OAuthRefusal {
        OAuthRefusal(status: 400, code: "invalid_target", description: description)
    }

    static func invalidGrant(_ description: String) -> OAuthRefusal {
        OAuthRefusal(status: 400, code: "invalid_grant", description: description)
    }

    static func unauthorizedClient(_ description: String) -> OAuthRefusal {
        OAuthRefusal(status: 400, code: "unauthorized_client", description: description)
    }

    static func unsupportedGrantType(_ description: String) -> OAuthRefusal {
        OAuthRefusal(status: 400, code: "unsupported_grant_type", description: description)
    }

    /// With a challenge always: RFC 6749 §5.2 wants it after `Authorization`, RFC 9110 §15.5.2 on
    /// every 401.
    static func invalidClient(_ description: String) -> OAuthRefusal {
        OAuthRefusal(
            status: 401, code: "invalid_client", description: description,
            headers: [
                Header(name: "WWW-Authenticate", value: #"Basic realm="usher", charset="UTF-8""#)
            ])
    }

    static func methodNotAllowed(allow: ByteText) -> OAuthRefusal {
        OAuthRefusal(
            status: 405, code: "invalid_request", description: "the method must be \(allow)",
            headers: [Header(name: "Allow", value: allow)])
    }

    static func forbidden(_ code: String, _ description: String) -> OAuthRefusal {
        OAuthRefusal(status: 403, code: code, description: description)
    }

    static func tooLarge(bytesMax: Int) -> OAuthRefusal {
        OAuthRefusal(
            status: 413, code: "invalid_request",
            description: "the body must have at most \(bytesMax) bytes")
    }

    static func tooManyRequests(_ description: String, retryAfter seconds: Int64) -> OAuthRefusal {
        OAuthRefusal(
            status: 429, code: "too_many_requests", description: description,
            headers: [Header(name: "Retry-After", value: "\(seconds)")])
    }

    static let temporarilyUnavailable = OAuthRefusal(
        status: 503, code: "temporarily_unavailable",
        description: "the registry cannot be read or written now; try again",
        headers: [Header(name: "Retry-After", value: "5")])

    static let serverError = OAuthRefusal(
        status: 500, code: "server_error", description: "the token could not be made")

    /// The response: `error` and `error_description` as JSON, never cached.
    var response: HTTPResponse {
        let body: JSONValue = [
            "error": .string(code), "error_description": .string(OAuthText.cleaned(description)),
        ]
        var response = HTTPResponse.json(status, body.serialized(), headers: NoStore.fields)
        response.headers.fields += headers
        return response
    }
}

/// Responses that hold tokens, credentials or what became of them (RFC 6749 §5.1).
enum NoStore {
    static let fields: [(ByteText, ByteText)] = [
        ("Cache-Control", "no-store"), ("Pragma", "no-cache"),
    ]
}

/// The characters of error texts: %x20-21 / %x23-5B / %x5D-7E (RFC 6749 §5.2).
enum OAuthText {
    static func cleaned(_ text: String) -> String {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            let isAllowed =
                scalar.value >= 0x20 && scalar.value < 0x7F && scalar != "\"" && scalar != "\\"
            bytes.append(isAllowed ? UInt8(scalar.value) : UInt8(ascii: "?"))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The elements of a field's list (RFC 9110 §5.6.1).
    static func list(_ elements: [ByteText]) -> ByteText {
        ByteText(elements.joined(separator: ", "))
    }

    static func quoted(_ value: ByteText) -> String { quoted(value.string) }

    /// A value from the request as it may stand in an error text, cut to 64 characters.
    static func quoted(_ value: String) -> String {
        let short = String(String.UnicodeScalarView(value.unicodeScalars.prefix(64)))
        return "'\(cleaned(short))\(value.unicodeScalars.count > 64 ? "..." : "")'"
    }
}
