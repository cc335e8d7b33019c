import Bytes

/// What a verifier asks of a token's claims. Nothing in it is optional (RFC 8725 §3.8, §3.9).
package struct ClaimsPolicy: Sendable, Equatable {
    /// Compared with `iss` byte by byte, whole.
    package let issuer: String
    /// Must be one of `aud`, byte by byte, whole.
    package let audience: String
    /// How far clocks may differ, in seconds.
    package let leewaySeconds: Int64

    package init(issuer: String, audience: String, leewaySeconds: Int64) {
        self.issuer = issuer
        self.audience = audience
        self.leewaySeconds = leewaySeconds
    }

    /// Checks issuer, audience and times, in this order; `now` is in seconds since the Unix epoch.
    /// Texts are compared code point by code point (RFC 7519 §7.3).
    package func check(_ claims: TokenClaims, now: Int64) throws(TokenFault) {
        guard ByteText(claims.issuer) == ByteText(issuer) else { throw .wrongIssuer }
        guard claims.audience.contains(where: { ByteText($0) == ByteText(audience) }) else {
            throw .wrongAudience
        }
        try checkTimes(claims, now: now)
    }

    /// Checks `exp`, `nbf` and `iat` alone.
    ///
    /// A token is good up to and without the second `exp` + leeway (RFC 7519 §4.1.4), and from the
    /// second `nbf` − leeway (§4.1.5). One that claims to be issued later than that is refused.
    package func checkTimes(_ claims: TokenClaims, now: Int64) throws(TokenFault) {
        let now = min(max(now, 0), NumericDate.latest)  // So that no sum below can overflow.
        let (earliest, latest) = (now - leewaySeconds, now + leewaySeconds)
        guard earliest < claims.expiresAt else {
            throw .expired(secondsAgo: now - claims.expiresAt)
        }
        if let notBefore = claims.notBefore, latest < notBefore {
            throw .notYetValid(secondsAhead: notBefore - now)
        }
        guard claims.issuedAt <= latest else {
            throw .issuedInFuture(secondsAhead: claims.issuedAt - now)
        }
    }
}
