package import Bytes
package import Identifiers
package import Tokens

/// What a revocation may name of a token, and what else ends it before its time.
package struct RevocableToken: Equatable, Sendable {
    package let tokenID: String
    package let subject: Subject
    package let clientID: ClientID
    /// Seconds since the epoch.
    package let issuedAt: Int64
    /// Of a legacy token: see `TokenClaims`.
    package let legacySecretDigest: [UInt8]?

    package init(
        tokenID: String, subject: Subject, clientID: ClientID, issuedAt: Int64,
        legacySecretDigest: [UInt8]? = nil
    ) {
        self.tokenID = tokenID
        self.subject = subject
        self.clientID = clientID
        self.issuedAt = issuedAt
        self.legacySecretDigest = legacySecretDigest
    }

    package init(_ claims: TokenClaims) {
        self.init(
            tokenID: claims.tokenID, subject: claims.subject, clientID: claims.clientID,
            issuedAt: claims.issuedAt, legacySecretDigest: claims.legacySecretDigest)
    }
}

/// What of a registered client decides what its tokens are good for.
package struct ClientStanding: Equatable, Sendable {
    package let isEnabled: Bool
    /// Origins whose pages may connect with a cookie, as `scheme://host[:port]`.
    package let origins: [ByteText]
    /// SHA-256 of the secret under which its legacy tokens are good; nil where none are.
    package let legacySecretDigest: [UInt8]?

    package init(
        isEnabled: Bool, origins: [ByteText] = [], legacySecretDigest: [UInt8]? = nil
    ) {
        self.isEnabled = isEnabled
        self.origins = origins
        self.legacySecretDigest = legacySecretDigest
    }
}
