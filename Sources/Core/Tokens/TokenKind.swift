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
    package init?(typeHeader: String?) {
        switch typeHeader {
        case "at+jwt": self = .access  // As everyone writes it.
        default:
            switch typeHeader?.lowercased() {
            case "at+jwt", "application/at+jwt": self = .access
            case "usher-session+jwt": self = .session
            default: return nil
            }
        }
    }
}
