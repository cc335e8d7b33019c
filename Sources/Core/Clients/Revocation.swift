/// Tokens that are good by their signature and their dates, and are refused all the same
/// (RFC 7009).
package enum Revocation: Equatable, Sendable {
    /// One token, by its `jti`. `expiresAt`, in seconds since the Unix epoch: when the entry may be
    /// dropped, which is when the last verifier refuses the token for its age.
    case token(id: String, expiresAt: Int64)
    /// Every token with this `sub` claim (`<client_id>:<subject>`, or `<client_id>`) that was
    /// issued in the second `issuedBefore` or earlier.
    case subject(String, issuedBefore: Int64, expiresAt: Int64)
    /// Every token with this `client_id` claim that was issued in the second `issuedBefore` or
    /// earlier.
    case client(id: String, issuedBefore: Int64, expiresAt: Int64)

    /// The longest `jti`, `sub` or `client_id` that can be revoked, in bytes.
    package static let nameBytesMax = 512

    /// The `jti`, `sub` or `client_id`.
    package var name: String {
        switch self {
        case .token(let id, _), .client(let id, _, _): id
        case .subject(let subject, _, _): subject
        }
    }

    /// Seconds since the Unix epoch from which on the entry serves nobody.
    package var expiresAt: Int64 {
        switch self {
        case .token(_, let end), .subject(_, _, let end), .client(_, _, let end): end
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
