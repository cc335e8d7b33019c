package import Bytes

/// What a token is for; those of ours are told apart by their `typ` header alone (RFC 8725 §3.11,
/// §3.12).
package enum TokenKind: Sendable, Hashable {
    /// An access token (RFC 9068): `typ` is `at+jwt`.
    case access
    /// A browser session of ours, carried by the cookie: `typ` is `usher-session+jwt`.
    case session
    /// A token of the classic protocol's first implementation, which a client's own backend signed
    /// with HS256 and the secret it shares with us. No `typ` names this kind: who wants such tokens
    /// reads them with `LegacyClaims`, and verifiers of our own tokens never meet one.
    case legacy

    /// The `typ` that tokens of this kind are issued with.
    package var typeHeader: String {
        switch self {
        case .access: "at+jwt"
        case .session: "usher-session+jwt"
        case .legacy: "JWT"
        }
    }

    /// Nil for every other type, `JWT` and an absent one included.
    ///
    /// Media types are compared without regard to case (RFC 7515 §4.1.9, RFC 9068 §4).
    package init?(typeHeader: ByteText?) {
        guard let typeHeader else { return nil }
        let kind = Self.types.first { typeHeader.equalsIgnoringCase($0.name) }?.kind
        guard let kind else { return nil }
        self = kind
    }

    private static let types: [(name: ByteText, kind: TokenKind)] = [
        ("at+jwt", .access), ("application/at+jwt", .access), ("usher-session+jwt", .session),
    ]
}
