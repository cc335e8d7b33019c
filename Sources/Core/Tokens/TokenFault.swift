/// Why a token is not taken. `UsherVerifier.TokenRejection` says the same to the outside, case by
/// case.
///
/// Carries names and times, never a part of the token.
package enum TokenFault: Error, Equatable, Sendable {
    /// One of the three parts of a compact JWS.
    package enum Part: String, Sendable { case header, payload, signature }

    /// Longer than `CompactJWS.bytesMax`.
    case tooLong
    /// Not exactly three parts: the JSON serialisation, an encrypted token, or none at all.
    case notCompact
    /// A part that is not strict base64url.
    case badEncoding(Part)
    /// The header or payload is not a strict JSON object: duplicate names, trailing bytes, …
    case badJSON(Part)
    /// `crit` is there: whatever it names, we do not know it (RFC 7515 §4.1.11).
    case criticalHeader
    /// A header member that is missing, of the wrong type, or asks for what we do not do.
    case badHeader(member: HeaderMember)
    /// `alg` names no algorithm of ours; `none` is one of these.
    case unknownAlgorithm
    /// No key has the header's `kid`.
    case unknownKey
    /// The key that `kid` names is for another algorithm than `alg` says (RFC 8725 §3.1).
    case algorithmMismatch
    /// `typ` is absent or names another kind of token (RFC 8725 §3.12).
    case wrongType
    case badSignature
    case missingClaim(Claim)
    /// A claim of the wrong JSON type, out of its range, or outside its grammar.
    case malformedClaim(Claim)
    case wrongIssuer
    case wrongAudience
    /// - Parameter secondsAgo: Since `exp`, without the leeway.
    case expired(secondsAgo: Int64)
    /// - Parameter secondsAhead: Until `nbf`, without the leeway.
    case notYetValid(secondsAhead: Int64)
    /// - Parameter secondsAhead: Until `iat`, without the leeway.
    case issuedInFuture(secondsAhead: Int64)
    /// `cnf` binds the token to a key of its sender, so it is no bearer token (RFC 9449 §7.2).
    case senderConstrained
}

/// The header members that can be at fault.
package enum HeaderMember: String, Sendable, Equatable, CaseIterable {
    case algorithm = "alg"
    case keyID = "kid"
    case type = "typ"
    case unencodedPayload = "b64"
    case compression = "zip"
    case critical = "crit"
}

/// The claims that are read; others are passed over.
package enum Claim: String, Sendable, Equatable, CaseIterable {
    case issuer = "iss"
    case audience = "aud"
    case subject = "sub"
    case clientID = "client_id"
    case issuedAt = "iat"
    case notBefore = "nbf"
    case expiresAt = "exp"
    case tokenID = "jti"
    case scope
    case rooms
    case name
    case confirmation = "cnf"
}
