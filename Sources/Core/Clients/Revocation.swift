package import Bytes
package import Identifiers
package import Tokens

/// Tokens that are good by their signature and their dates, and are refused all the same
/// (RFC 7009).
package enum Revocation: Equatable, Sendable {
    /// One token, by its `jti`. `expiresAt`, in seconds since the Unix epoch: when the entry may be
    /// dropped, which is when the last verifier refuses the token for its age. `of` is nil where
    /// nobody knows more of the token.
    case token(id: String, expiresAt: Int64, of: TokenOwner? = nil)
    /// Every token with this `sub` claim (`<client_id>:<subject>`, or `<client_id>`) that was
    /// issued in the second `issuedBefore` or earlier.
    case subject(Subject, issuedBefore: Int64, expiresAt: Int64)
    /// Every token with this `client_id` claim that was issued in the second `issuedBefore` or
    /// earlier.
    case client(id: ClientID, issuedBefore: Int64, expiresAt: Int64)

    /// The longest `jti`, `sub` or `client_id` that can be revoked, in bytes.
    package static let nameBytesMax = 512

    /// The `jti`, `sub` or `client_id`.
    package var name: String {
        switch self {
        case .token(let id, _, _): id
        case .subject(let subject, _, _): subject.string
        case .client(let id, _, _): id.string
        }
    }

    /// Seconds since the Unix epoch from which on the entry serves nobody.
    package var expiresAt: Int64 {
        switch self {
        case .token(_, let end, _), .subject(_, _, let end), .client(_, _, let end): end
        }
    }

    /// What the audit log calls it.
    package var auditAction: String {
        switch self {
        case .token: "token.revoke"
        case .subject: "subject.revoke"
        case .client: "client.revoke_tokens"
        }
    }
}

/// Whose a revoked token is, so that a revocation of all that its subject or its client has can
/// take the place of the token's own.
package struct TokenOwner: Equatable, Sendable {
    package let clientID: ClientID
    package let subject: Subject
    /// Seconds since the Unix epoch.
    package let issuedAt: Int64

    package init(clientID: ClientID, subject: Subject, issuedAt: Int64) {
        self.clientID = clientID
        self.subject = subject
        self.issuedAt = issuedAt
    }

    /// nil for a legacy token, whose `iat` is the time at which it is shown: no revocation by date
    /// takes the place of its own.
    init?(_ claims: TokenClaims) {
        guard claims.legacySecretDigest == nil else { return nil }
        self.init(
            clientID: claims.clientID, subject: claims.subject, issuedAt: claims.issuedAt)
    }
}

// MARK: What a client or an operator may ask for

extension Revocation {
    /// The longest time for which any verifier takes a token after its end, in seconds.
    private static let leewaySecondsMax: Int64 = 300

    /// Of one token.
    package static func of(_ claims: TokenClaims) -> Revocation {
        .token(
            id: claims.tokenID, expiresAt: claims.expiresAt + leewaySecondsMax,
            of: TokenOwner(claims))
    }

    /// Of all that one user of a client's holds. `now` is in seconds since the Unix epoch.
    package static func allOf(user: ByteText, of clientID: ClientID, now: Int64) -> Revocation {
        .subject(
            Subject(user, of: clientID), issuedBefore: now, expiresAt: lastEnd(after: now))
    }

    /// Of all that a client was issued.
    package static func allOf(clientID: ClientID, now: Int64) -> Revocation {
        .client(id: clientID, issuedBefore: now, expiresAt: lastEnd(after: now))
    }

    /// When the last verifier refuses the last token that was issued by `now`.
    private static func lastEnd(after now: Int64) -> Int64 {
        now + Client.lifetimeSecondsCeiling + leewaySecondsMax
    }
}
