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
}

extension TokenWish {
    init(
        _ form: OAuthForm, of client: borrowing Client, defaultLifetimeSeconds: Int64
    ) throws(OAuthRefusal) {
        let subject = try Self.label(form, .subject)
        let name = try Self.label(form, .name)
        let seconds = try Self.lifetime(form, of: client, default: defaultLifetimeSeconds)
        let (scopes, rooms) = try Self.granted(form, client.grant, Self.refusal)
        let isSession = scopes.contains(Client.sessionScope)
        guard subject != nil || !isSession else {
            throw .invalidRequest("subject is needed for the scope session")
        }
        self.init(
            scopes: scopes, rooms: rooms, subject: subject, name: name, lifetimeSeconds: seconds,
            kind: isSession ? .session : .access)
    }

    /// An access token out of another token: scopes, rooms and end never exceed that one's, nor
    /// what the client is granted now.
    init(
        _ form: OAuthForm, outOf token: TokenClaims, of client: Client, subject: ByteText?,
        name: ByteText?, defaultLifetimeSeconds: Int64, _ now: Int64
    ) throws(OAuthRefusal) {
        let seconds = try Self.lifetime(form, of: client, default: defaultLifetimeSeconds)
        let grant = client.grant.narrowed(to: token)
        let (scopes, rooms) = try Self.granted(form, grant, Self.refusalOfExchange)
        self.init(
            scopes: scopes, rooms: rooms, subject: subject, name: name,
            lifetimeSeconds: min(seconds, token.expiresAt - now), kind: .access)
    }

    private static func granted(
        _ form: OAuthForm, _ grant: Grant, _ refusal: (GrantRefusal) -> OAuthRefusal
    ) throws(OAuthRefusal) -> (scopes: [ByteText], rooms: [RoomPattern]) {
        let (scopes, rooms) = (try parsedScopes(form[.scope]), try parsedRooms(form[.rooms]))
        do throws(GrantRefusal) {
            return (try grant.scopes(scopes), try grant.rooms(rooms))
        } catch {
            throw refusal(error)
        }
    }

    private static func refusal(of error: GrantRefusal) -> OAuthRefusal {
        switch error {
        case .room(let pattern):
            .invalidScope("rooms: \(OAuthText.quoted(pattern.text)) is not granted to this client")
        case .scope(let scope):
            .invalidScope("scope: \(OAuthText.quoted(scope)) is not granted to this client")
        case .noDefaultScope:
            .invalidScope("scope must be given: none that is granted goes without saying")
        case .noDefaultRoom: .invalidScope("rooms: none are granted to this client")
        }
    }

    private static func refusalOfExchange(_ error: GrantRefusal) -> OAuthRefusal {
        let (member, value): (String, String?) =
            switch error {
            case .room(let pattern): ("rooms", pattern.text)
            case .scope(let scope): ("scope", scope.string)
            case .noDefaultScope: ("scope", nil)
            case .noDefaultRoom: ("rooms", nil)
            }
        guard let value else {
            return .invalidScope("\(member): subject_token has none that this client is granted")
        }
        return .invalidScope(
            "\(member): \(OAuthText.quoted(value)) is not within subject_token and this "
                + "client's grant")
    }
}
