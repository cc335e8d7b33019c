package import Bytes
package import Tokens

/// Why the verifier turned a token away. Its code goes to the log, never to the client.
package struct TokenRefused: Error, Equatable, Sendable {
    package let code: String

    package init(code: String) { self.code = code }
}

/// What admission and the relay must know of a registered client.
package struct SignalClient: Equatable, Sendable {
    package let isEnabled: Bool
    /// Origins whose pages may connect with a cookie, as `scheme://host[:port]`.
    package let origins: [ByteText]
    /// SHA-256 of the secret under which its legacy tokens are good; nil where none are.
    package let legacySecretDigest: [UInt8]?

    package init(isEnabled: Bool, origins: [ByteText], legacySecretDigest: [UInt8]? = nil) {
        self.isEnabled = isEnabled
        self.origins = origins
        self.legacySecretDigest = legacySecretDigest
    }
}

/// What a revocation may name of a token.
package struct RevocableToken: Equatable, Sendable {
    package let tokenID: String
    package let subject: String
    package let clientID: String
    /// Seconds since the epoch.
    package let issuedAt: Int64
    /// Of a legacy token: see `TokenClaims`.
    package let legacySecretDigest: [UInt8]?

    package init(
        tokenID: String, subject: String, clientID: String, issuedAt: Int64,
        legacySecretDigest: [UInt8]?
    ) {
        self.tokenID = tokenID
        self.subject = subject
        self.clientID = clientID
        self.issuedAt = issuedAt
        self.legacySecretDigest = legacySecretDigest
    }

    package init(_ claims: TokenClaims) {
        tokenID = claims.tokenID
        subject = claims.subject
        clientID = claims.clientID
        issuedAt = claims.issuedAt
        legacySecretDigest = claims.legacySecretDigest
    }
}

/// What came of noting that a one-use token was used.
package enum MarkResult: Equatable, Sendable {
    /// It had not been used before.
    case fresh
    case used
    /// It could not be noted, so nobody knows.
    case unavailable
}

/// All that admission asks of the world. Every closure may be called from any thread.
package struct AdmissionPorts: Sendable {
    /// Seconds since the Unix epoch.
    package let now: @Sendable () -> Int64
    /// A clock that never goes back.
    package let monotonicMilliseconds: @Sendable () -> Int64
    /// Verifies a token of one of the kinds given, at a time in seconds since the epoch.
    package let verify:
        @Sendable (_ token: String, _ kinds: Set<TokenKind>, _ now: Int64) -> Result<
            TokenClaims, TokenRefused
        >
    /// Looks a client up by its id; nil means that it is gone.
    package let client: @Sendable (_ id: String) -> SignalClient?
    /// Whether a token was revoked by its `jti`, its `sub` or its client.
    package let isRevoked: @Sendable (_ token: RevocableToken) -> Bool
    /// Notes that the token of this `jti` and `exp` was used.
    package let markUsed: @Sendable (_ tokenID: String, _ expiresAt: Int64) -> MarkResult
    package let sha1: @Sendable ([UInt8]) -> [UInt8]
    /// Takes an event and its fields; they never hold a token, a cookie or a payload.
    package let log: @Sendable (_ event: StaticString, _ fields: [(StaticString, String)]) -> Void

    package init(
        now: @escaping @Sendable () -> Int64,
        monotonicMilliseconds: @escaping @Sendable () -> Int64,
        verify:
            @escaping @Sendable (String, Set<TokenKind>, Int64) -> Result<
                TokenClaims, TokenRefused
            >,
        client: @escaping @Sendable (String) -> SignalClient?,
        isRevoked: @escaping @Sendable (RevocableToken) -> Bool,
        markUsed: @escaping @Sendable (String, Int64) -> MarkResult,
        sha1: @escaping @Sendable ([UInt8]) -> [UInt8],
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void
    ) {
        self.now = now
        self.monotonicMilliseconds = monotonicMilliseconds
        self.verify = verify
        self.client = client
        self.isRevoked = isRevoked
        self.markUsed = markUsed
        self.sha1 = sha1
        self.log = log
    }
}
