import Bytes
import Clients
import Tokens

/// What a token may be exchanged for: what both the token and the client's grant of today allow.
struct NarrowerGrant {
    private let allowedScopes: [ByteText]
    private let allowedRooms: [RoomPattern]

    init(of token: TokenClaims, _ client: Client) {
        allowedScopes = Self.scopes(of: token).filter(client.scopes.contains)
        allowedRooms = Self.common(token.rooms, client.rooms)
    }

    /// Everything allowed, or what is asked for (RFC 6749 §3.3).
    func scopes(_ form: OAuthForm) throws(OAuthRefusal) -> [ByteText] {
        guard let requested = try TokenWish.parsedScopes(form[.scope]) else {
            guard !allowedScopes.isEmpty else {
                throw .invalidScope("scope: subject_token has none that this client is granted")
            }
            return allowedScopes
        }
        for scope in requested where !allowedScopes.contains(scope) {
            throw .invalidScope(
                "scope: \(OAuthText.quoted(scope)) is not within subject_token and this "
                    + "client's grant")
        }
        return requested
    }

    func rooms(_ form: OAuthForm) throws(OAuthRefusal) -> [RoomPattern] {
        guard let requested = try TokenWish.parsedRooms(form[.rooms]) else {
            guard !allowedRooms.isEmpty else {
                throw .invalidScope("rooms: subject_token has none that this client is granted")
            }
            return allowedRooms
        }
        for pattern in requested where !allowedRooms.contains(where: { $0.covers(pattern) }) {
            throw .invalidScope(
                "rooms: \(OAuthText.quoted(pattern.text)) is not within subject_token and this "
                    + "client's grant")
        }
        return requested
    }

    /// A session opens the relay, which is what `signal` stands for in an access token; beyond that
    /// `session` is never handed on, since it would make another session, nor is `client:register`,
    /// which is for no page.
    private static func scopes(of token: TokenClaims) -> [ByteText] {
        var scopes = token.scopes.map { ByteText($0) }.filter {
            !Client.scopesByNameOnly.contains($0)
        }
        if token.kind == .session, !scopes.contains("signal") { scopes.append("signal") }
        return scopes
    }

    /// The rooms that lie within both: of two patterns the narrower, where one covers the other.
    private static func common(_ ones: [RoomPattern], _ others: [RoomPattern]) -> [RoomPattern] {
        var common: [RoomPattern] = []
        for one in ones {
            let narrower =
                others.contains { $0.covers(one) } ? [one] : others.filter { one.covers($0) }
            common += narrower.filter { !common.contains($0) }
        }
        return common
    }
}
