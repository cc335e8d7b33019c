import Bytes
import Clients
import Tokens

/// What kind of token an authenticated client asks for, checked against what it is granted.
struct TokenWish: Equatable {
    let scopes: [ByteText]
    let rooms: [RoomPattern]
    /// The client's own name for its user; nil when the client acts for itself.
    let subject: ByteText?
    let name: ByteText?
    let lifetimeSeconds: Int64
    let kind: TokenKind

    /// A wish of our own, checked by whoever makes it.
    init(
        scopes: [ByteText], rooms: [RoomPattern], subject: ByteText?, name: ByteText?,
        lifetimeSeconds: Int64, kind: TokenKind
    ) {
        self.scopes = scopes
        self.rooms = rooms
        self.subject = subject
        self.name = name
        self.lifetimeSeconds = lifetimeSeconds
        self.kind = kind
    }

    init(
        _ form: OAuthForm, of client: borrowing Client, defaultLifetimeSeconds: Int64
    ) throws(OAuthRefusal) {
        subject = try Self.label(form, .subject)
        name = try Self.label(form, .name)
        lifetimeSeconds = try Self.lifetime(form, of: client, default: defaultLifetimeSeconds)
        scopes = try Self.scopes(form[.scope], of: client)
        rooms = try Self.rooms(form[.rooms], of: client)
        kind = scopes.contains(Client.sessionScope) ? .session : .access
        if kind == .session, subject == nil {
            throw .invalidRequest("subject is needed for the scope session")
        }
    }

    private static func scopes(
        _ text: ByteText?, of client: Client
    ) throws(OAuthRefusal) -> [ByteText] {
        let requested = try TokenWish.parsedScopes(text)
        do {
            return try client.grantedScopes(requested)
        } catch {
            throw refusal(of: error)
        }
    }

    private static func rooms(
        _ text: ByteText?, of client: Client
    ) throws(OAuthRefusal) -> [RoomPattern] {
        let requested = try TokenWish.parsedRooms(text)
        do {
            return try client.grantedRooms(requested)
        } catch {
            throw refusal(of: error)
        }
    }

    static func refusal(of error: GrantRefusal) -> OAuthRefusal {
        switch error {
        case .room(let pattern):
            .invalidScope("rooms: \(OAuthText.quoted(pattern.text)) is not granted to this client")
        case .scope(let scope):
            .invalidScope("scope: \(OAuthText.quoted(scope)) is not granted to this client")
        case .noDefaultScope:
            .invalidScope("scope must be given: none that is granted goes without saying")
        }
    }
}
