package import Bytes
package import Tokens

/// Why a token is not taken. `code` is stable, and holds nothing of the token.
package struct TokenRefused: Error, Equatable, Sendable {
    package let code: String

    package init(code: String) { self.code = code }

    static let expired = TokenRefused(code: "token_expired")
    static let revoked = TokenRefused(code: "token_revoked")
    /// Nobody can tell: there are no keys to verify it with.
    package static let keysUnavailable = TokenRefused(code: "token_keys_unavailable")
}

/// Whether a token is good now, asked in one way by all who take tokens. Time is given, in seconds
/// since the Unix epoch.
package struct TokenCheck: Sendable {
    /// The claims of a token of one of the kinds given, once signature, issuer, audience and times
    /// held, the latter within a verifier's leeway.
    package typealias Verify =
        @Sendable (
            _ token: String, _ kinds: Set<TokenKind>, _ now: Int64
        ) throws(TokenRefused) -> TokenClaims

    package enum Leeway: Sendable {
        /// For as long after its end as verifiers grant, since clocks differ.
        case verifiers
        /// Not a second after its end: the leeway must not grow with what is made of the token.
        case strict
    }

    private let verify: Verify
    /// Whether a token was taken back by its `jti`, its `sub` or its client.
    package let isRevoked: @Sendable (RevocableToken) -> Bool

    package init(
        verify: @escaping Verify, isRevoked: @escaping @Sendable (RevocableToken) -> Bool
    ) {
        self.verify = verify
        self.isRevoked = isRevoked
    }

    /// What a token says that was good once, whatever became of it since.
    package func verified(
        _ token: ByteText, _ kinds: Set<TokenKind>, now: Int64
    ) throws(TokenRefused) -> TokenClaims {
        try verify(token.string, kinds, now)
    }

    /// What a token says that is good now, as far as that does not depend on its client.
    package func claims(
        of token: ByteText, _ kinds: Set<TokenKind>, _ leeway: Leeway, now: Int64
    ) throws(TokenRefused) -> TokenClaims {
        let claims = try verified(token, kinds, now: now)
        try check(claims, leeway, now: now)
        return claims
    }

    /// Refuses a token that verified where it has ended or was taken back.
    package func check(
        _ claims: TokenClaims, _ leeway: Leeway, now: Int64
    ) throws(TokenRefused) {
        guard leeway == .verifiers || now < claims.expiresAt else { throw .expired }
        guard !isRevoked(RevocableToken(claims)) else { throw .revoked }
    }

    /// Whether what a token opened may stay open; its end is another matter.
    package func isGood(_ token: RevocableToken, of client: ClientStanding?) -> Bool {
        guard (try? client.check(token)) != nil else { return false }
        return !isRevoked(token)
    }
}

extension ClientStanding? {
    /// Refuses a token whose client, as it is now, has none that are good; nil is one that is gone.
    @discardableResult
    package func check(_ token: RevocableToken) throws(TokenRefused) -> ClientStanding {
        guard let client = self else { throw TokenRefused(code: "client_unknown") }
        guard client.isEnabled else { throw TokenRefused(code: "client_disabled") }
        // A legacy token is worth what the secret is under which it was verified.
        if let digest = token.legacySecretDigest, digest != client.legacySecretDigest {
            throw .revoked
        }
        return client
    }
}
