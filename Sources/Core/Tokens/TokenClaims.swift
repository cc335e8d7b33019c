package import Bytes
package import Identifiers

/// What a token of ours says (RFC 9068 §2.2, and `rooms` and `name` of ours). Times are seconds
/// since the Unix epoch.
///
/// What may be absent is spelled `Optional`: `?` would begin it with nil, and an initialiser that
/// replaces something copies the whole value when it returns.
package struct TokenClaims: Equatable, Sendable {
    /// `iss`
    package var issuer: String
    /// `aud`, never empty. A single one is written as a string, several as a list.
    package var audience: [String]
    /// `sub`
    package var subject: Subject
    /// `client_id`
    package var clientID: ClientID
    /// `iat`
    package var issuedAt: Int64
    /// `nbf`
    package var notBefore: Optional<Int64>
    /// `exp`: the first second at which the token is no longer good.
    package var expiresAt: Int64
    /// `jti`
    package var tokenID: String
    /// `scope`, split at its spaces.
    package var scopes: [String]
    /// `rooms`
    package var rooms: [RoomPattern]
    /// `name`: what people see.
    package var name: Optional<String>
    /// Not a claim: the `typ` of the header.
    package var kind: TokenKind
    /// Not a claim: the SHA-256 digest of the secret under which a legacy token was verified; nil
    /// for tokens of ours. When the client's secret is another one, the token is worth nothing.
    package var legacySecretDigest: Optional<[UInt8]>

    package init(
        issuer: String, audience: [String], subject: Subject, clientID: ClientID, issuedAt: Int64,
        notBefore: Int64? = nil, expiresAt: Int64, tokenID: String, scopes: [String],
        rooms: [RoomPattern], name: String? = nil, kind: TokenKind = .access,
        legacySecretDigest: [UInt8]? = nil
    ) {
        self.issuer = issuer
        self.audience = audience
        self.subject = subject
        self.clientID = clientID
        self.issuedAt = issuedAt
        self.notBefore = notBefore
        self.expiresAt = expiresAt
        self.tokenID = tokenID
        self.scopes = scopes
        self.rooms = rooms
        self.name = name
        self.kind = kind
        self.legacySecretDigest = legacySecretDigest
    }
}

extension ClientID {
    /// Whether no more than ASCII that can be seen, and spaces, are in it (RFC 6749 §A.1).
    package var isVisible: Bool { utf8.allSatisfy { (0x20...0x7E).contains($0) } }
}

extension TokenClaims {
    package func has(scope: ByteText) -> Bool { scopes.contains { ByteText($0) == scope } }
}
