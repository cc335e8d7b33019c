package import Tokens

/// Why a token was turned away. Show users none of this; log `code`, never the token.
///
/// Whatever the case, the answer to a request with such a token is `invalid_token` (RFC 6750 §3.1);
/// `keysUnavailable` alone is your own trouble, not the token's.
///
/// ```swift
/// switch rejection {
/// case .keysUnavailable: print("503")
/// case .expired(let secondsAgo): print("401, and", secondsAgo, "seconds late")
/// default: print("401; for the log:", rejection.code)
/// }
/// ```
public enum TokenRejection: Error, Equatable, Sendable {
    /// Longer than 8 KiB. Nothing else was looked at.
    case tooLong
    /// Not exactly three parts joined by dots: the JSON serialisation, an encrypted token, or none.
    case notCompact
    /// A part is not strict base64url: padding, white space, other characters, bits left over.
    case badEncoding
    /// Header or payload is not one strict JSON object: duplicate names, trailing bytes, bad UTF-8,
    /// …
    case badJSON
    /// The header has `crit` (RFC 7515 §4.1.11); no extension is understood.
    case criticalHeader
    /// A header member is missing, of the wrong type, or asks for what is not done (`b64`, `zip`).
    case badHeader(member: String)
    /// `alg` is `none`, unknown, or none of those the verifier accepts (RFC 8725 §3.1).
    case algorithmNotAllowed
    /// No key of the issuer has this `kid`. There is no default key.
    case unknownKey
    /// The key that `kid` names is for another algorithm (RFC 8725 §3.1).
    case algorithmMismatch
    /// `typ` is not that of an access token (RFC 9068 §4, RFC 8725 §3.12).
    case wrongType
    /// The signature is not the key's over these bytes.
    case badSignature
    /// A required claim is missing (RFC 9068 §2.2).
    case missingClaim(String)
    /// A claim has the wrong type, is out of range or outside its grammar.
    case malformedClaim(String)
    /// `iss` is not the verifier's issuer.
    case wrongIssuer
    /// `aud` does not name the verifier's audience.
    case wrongAudience
    /// `exp` has passed, and the leeway after it (RFC 7519 §4.1.4). Counted from `exp`.
    case expired(secondsAgo: Int64)
    /// `nbf` lies ahead by more than the leeway (RFC 7519 §4.1.5). Counted up to `nbf`.
    case notYetValid(secondsAhead: Int64)
    /// `iat` lies ahead by more than the leeway. Counted up to `iat`.
    case issuedInFuture(secondsAhead: Int64)
    /// `cnf` binds the token to a key of its sender, so it may not serve as a bearer token
    /// (RFC 9449 §7.2).
    case senderConstrained
    /// There are no keys to verify with: the issuer's set could not be fetched for too long. Says
    /// nothing about the token; answer 503. `Verifier` itself never throws it.
    case keysUnavailable

    /// Stable across releases: alert on this, not on the case name.
    public var code: String {
        switch self {
        case .tooLong: "token_too_long"
        case .notCompact: "token_not_compact"
        case .badEncoding: "token_encoding"
        case .badJSON: "token_json"
        case .criticalHeader: "token_critical_header"
        case .badHeader: "token_header"
        case .algorithmNotAllowed: "token_algorithm"
        case .unknownKey: "token_key_unknown"
        case .algorithmMismatch: "token_algorithm_mismatch"
        case .wrongType: "token_type"
        case .badSignature: "token_signature"
        case .missingClaim: "token_claim_missing"
        case .malformedClaim: "token_claim_malformed"
        case .wrongIssuer: "token_issuer"
        case .wrongAudience: "token_audience"
        case .expired: "token_expired"
        case .notYetValid: "token_not_yet_valid"
        case .issuedInFuture: "token_issued_in_future"
        case .senderConstrained: "token_sender_constrained"
        case .keysUnavailable: "token_keys_unavailable"
        }
    }

    package init(_ fault: TokenFault) {
        self =
            switch fault {
            case .tooLong: .tooLong
            case .notCompact: .notCompact
            case .badEncoding: .badEncoding
            case .badJSON: .badJSON
            case .criticalHeader: .criticalHeader
            case .badHeader(let member): .badHeader(member: member.rawValue)
            case .unknownAlgorithm: .algorithmNotAllowed
            case .unknownKey: .unknownKey
            case .algorithmMismatch: .algorithmMismatch
            case .wrongType: .wrongType
            case .badSignature: .badSignature
            case .missingClaim(let claim): .missingClaim(claim.rawValue)
            case .malformedClaim(let claim): .malformedClaim(claim.rawValue)
            case .wrongIssuer: .wrongIssuer
            case .wrongAudience: .wrongAudience
            case .expired(let seconds): .expired(secondsAgo: seconds)
            case .notYetValid(let seconds): .notYetValid(secondsAhead: seconds)
            case .issuedInFuture(let seconds): .issuedInFuture(secondsAhead: seconds)
            case .senderConstrained: .senderConstrained
            }
    }
}
