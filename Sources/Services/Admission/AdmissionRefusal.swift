internal import Bytes
internal import HTTPMessages
internal import Signalling
internal import StrictJSON

/// Why a handshake was not accepted, or would not be. Carries no token, and its texts tell the
/// client no more than what to do.
enum AdmissionRefusal: Error, Equatable, Sendable {
    /// The request says something twice, or not as it must be said.
    case invalidRequest(String)
    case noToken(String)
    /// Bad, expired, revoked, for somebody else: `reason` is for the log.
    case invalidToken(reason: String)
    /// The session of the cookie is not of the client that was named.
    case otherClient
    /// The token says nothing of what this connection needs.
    case insufficientScope(needed: String)
    case originNotAllowed(reason: String)
    case limit(LimitHit)
    /// Going down, or unable to tell whether a one-use token was used.
    case unavailable(reason: String)

    // Of a question about a handshake alone (`Admission.check`).
    case method
    case tooLarge(bytesMax: Int)
    /// The room that was named is not to be had.
    case room(SignalError)

    /// For the log; stable across releases.
    var reason: String {
        switch self {
        case .invalidRequest: "invalid_request"
        case .noToken: "no_token"
        case .invalidToken(let reason): reason
        case .otherClient: "client_mismatch"
        case .insufficientScope: "insufficient_scope"
        case .originNotAllowed(let reason): reason
        case .limit(let hit): hit.limit.rawValue
        case .unavailable(let reason): reason
        case .method, .tooLarge: "invalid_request"
        case .room(let error): error.code
        }
    }

    /// The answer: JSON, and a challenge where the token is at fault (RFC 6750 §3, §3.1).
    func response(realm: String) -> HTTPResponse {
        let bearer = "Bearer realm=\"\(Self.quotable(realm))\""
        func challenged(
            _ status: Int, _ error: String, _ text: String, scope: String = ""
        ) -> HTTPResponse {
            let named = "error=\"\(error)\", error_description=\"\(text)\"\(scope)"
            return Self.answer(status, error, text, ("WWW-Authenticate", "\(bearer), \(named)"))
        }
        switch self {
        case .invalidRequest(let text): return challenged(400, "invalid_request", text)
        case .noToken(let text):
            // Who sent no credentials is told no error code in the challenge (RFC 6750 §3.1).
            return Self.answer(401, "unauthorized", text, ("WWW-Authenticate", "\(bearer)"))
        case .invalidToken(let reason):
            return challenged(401, "invalid_token", Self.fault(of: reason))
        case .otherClient:
            let text = "The session is of another client than the one named: sign in for this one"
            return Self.answer(403, "client_mismatch", text)
        case .insufficientScope(let needed):
            let text = "The access token lacks what this needs: \(needed)"
            return challenged(403, "insufficient_scope", text, scope: ", scope=\"signal\"")
        case .originNotAllowed:
            let text = "Pages of this origin may not connect: register it with the client"
            return Self.answer(403, "origin_not_allowed", text)
        case .limit(let hit):
            return Self.answer(
                hit.limit == .total ? 503 : 429, "too_many_connections",
                "Too many connections: try again later",
                ("Retry-After", "\(hit.retryAfterSeconds)"))
        case .unavailable:
            let text = "The relay takes no connections now: try again later"
            return Self.answer(503, "temporarily_unavailable", text, ("Retry-After", "5"))
        case .method:
            return Self.answer(
                405, "invalid_request", "The method must be POST", ("Allow", "POST"))
        case .tooLarge(let bytesMax):
            let text = "The body must have at most \(bytesMax) bytes"
            return Self.answer(413, "invalid_request", text)
        case .room(let error):
            let status = error == .roomFull ? 409 : 403
            return Self.answer(status, error.code, "room is at fault: \(error.message)")
        }
    }

    /// What is wrong with a token, for whoever sent it. What was found before its signature held is
    /// told in one text, since some of it depends on who is registered.
    private static func fault(of reason: String) -> String {
        switch ByteText(reason) {
        case "token_expired": "The access token has expired"
        case "token_not_yet_valid", "token_issued_in_future":
            "The access token is not valid yet: compare the clocks"
        case "token_revoked": "The access token was revoked"
        case "token_used": "The access token was used before, and opens one connection only"
        case "token_issuer", "token_audience": "The access token is meant for another service"
        case "client_mismatch": "The access token is of another client than client says"
        case "client_unknown", "client_disabled":
            "The access token is of a client that is disabled or removed"
        default: "The access token is malformed, forged or not meant for this use"
        }
    }

    private static func answer(
        _ status: Int, _ error: String, _ description: String, _ field: (ByteText, ByteText)? = nil
    ) -> HTTPResponse {
        let body: JSONValue = [
            "error": .string(error), "error_description": .string(description),
        ]
        let fields: [(ByteText, ByteText)?] = [("Cache-Control", "no-store"), field]
        return .json(status, body.serialized(), headers: fields.compactMap { $0 })
    }

    /// What may stand in a quoted string without an escape (RFC 9110 §5.6.4).
    private static func quotable(_ text: String) -> String {
        String(
            text.unicodeScalars.filter { scalar in
                (0x20...0x7E).contains(scalar.value) && scalar != "\"" && scalar != "\\"
            }.map { Character($0) })
    }
}
