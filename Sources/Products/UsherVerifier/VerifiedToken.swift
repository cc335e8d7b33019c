internal import Bytes
internal import Identifiers
package import Tokens

/// What a token says, after every check has held. Holding one is the proof: only a verifier makes
/// them.
///
/// ```swift
/// let token = try verifier.verify(text, atSecondsSinceEpoch: now)
/// print(token.subject, "of client", token.clientID, "goes by", token.name ?? "no name")
/// print("may enter", token.rooms, "with scopes", token.scopes)
/// print(token.tokenID, "of", token.issuer, "for", token.audience)
/// print("good from", token.notBefore ?? token.issuedAt, "until", token.expiresAt)
/// ```
public struct VerifiedToken: Sendable {
    /// Shared by all copies, so that handing one on costs a single reference count.
    private final class Storage: Sendable {
        let claims: TokenClaims
        init(_ claims: TokenClaims) { self.claims = claims }
    }

    private let storage: Storage

    init(_ claims: TokenClaims) { storage = Storage(claims) }

    /// All claims as Usher's own modules pass them on.
    package var claims: TokenClaims { storage.claims }

    /// Who issued the token: the issuer the verifier was made with (`iss`).
    public var issuer: String { claims.issuer }
    /// Whom the token is for, the verifier's audience among them (`aud`).
    public var audience: [String] { claims.audience }
    /// Whom the token is about: `<client_id>` for a client acting for itself,
    /// `<client_id>:<subject>` for a user of its own (`sub`).
    public var subject: String { claims.subject.string }
    /// The client the token was issued to (`client_id`, RFC 9068 §2.2).
    public var clientID: String { claims.clientID.string }
    /// Unique for each token; revocation and one-use go by it (`jti`).
    public var tokenID: String { claims.tokenID }
    /// What the token allows, in the order given; empty where there is no `scope` (RFC 6749 §3.3).
    public var scopes: [String] { claims.scopes }
    /// The rooms its holder may join: names, or prefixes that end in `*`.
    public var rooms: [String] { claims.rooms.map(\.text) }
    /// What people see in place of the subject, where the token has one.
    public var name: String? { claims.name }
    /// Seconds since the Unix epoch (`iat`).
    public var issuedAt: Int64 { claims.issuedAt }
    /// Seconds since the Unix epoch; nil where the token was good from the start (`nbf`).
    public var notBefore: Int64? { claims.notBefore }
    /// The first second, since the Unix epoch, at which the token is no longer good (`exp`). The
    /// verifier's leeway is not in it.
    public var expiresAt: Int64 { claims.expiresAt }

    /// Whether the token has this scope; compared byte by byte.
    ///
    /// ```swift
    /// guard token.has(scope: "signal") else { return .forbidden }
    /// ```
    ///
    /// - Parameter scope: One scope, without spaces.
    /// - Returns: True where `scopes` has it.
    public func has(scope: String) -> Bool {
        claims.has(scope: ByteText(scope))
    }

    /// Whether the token's `rooms` allow to join a room; compared byte by byte.
    ///
    /// ```swift
    /// guard token.allows(room: "team-7") else { return .forbidden }
    /// ```
    ///
    /// - Parameter room: The room's name. A `*` in it has no meaning.
    /// - Returns: True where one of `rooms` is that name, or a prefix of it with a `*`.
    public func allows(room: String) -> Bool {
        let name = RoomName(room)
        return claims.rooms.contains { $0.covers(room: name) }
    }
}
