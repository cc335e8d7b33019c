import Clients
import Tokens

/// What kind of token an authenticated client asks for, checked against what it is granted.
struct TokenWish: Equatable {
    let scopes: [String]
    let rooms: [RoomPattern]
    /// The client's own name for its user; nil when the client acts for itself.
    let subject: String?
    let name: String?
    let lifetimeSeconds: Int64
    let kind: TokenKind

    /// A wish of our own, checked by whoever makes it.
    init(
        scopes: [String], rooms: [RoomPattern], subject: String?, name: String?,
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
        _ form: TokenForm, of client: Client, defaultLifetimeSeconds: Int64
    ) throws(OAuthRefusal) {
        subject = try Self.label(form.subject, "subject")
        name = try Self.label(form.name, "name")
        lifetimeSeconds = try Self.lifetime(form.expiresIn) ?? defaultLifetimeSeconds
        scopes = try Self.scopes(form.scope, of: client)
        rooms = try Self.rooms(form.rooms, of: client)
        kind = scopes.contains(Client.sessionScope) ? .session : .access
        if kind == .session, subject == nil {
            throw .invalidRequest("subject is needed for the scope session")
        }
    }

    private static func label(
        _ value: String?, _ parameter: String
    ) throws(OAuthRefusal) -> String? {
        guard let value else { return nil }
        guard TextRules.isLabel(value) else {
            throw .invalidRequest(
                "\(parameter) must have 1 to \(TextRules.bytesMax) bytes and no control characters")
        }
        return value
    }

    private static func lifetime(_ text: String?) throws(OAuthRefusal) -> Int64? {
        guard let text else { return nil }
        let range = AuthConfiguration.lifetimeSecondsRange
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let seconds = Int64(text),
            range.contains(seconds)
        else {
            throw .invalidRequest(
                "expires_in must be a number of seconds from \(range.lowerBound) to "
                    + "\(range.upperBound), not \(OAuthText.quoted(text))")
        }
        return seconds
    }

    private static func scopes(
        _ text: String?, of client: Client
    ) throws(OAuthRefusal) -> [String] {
        let requested = try parsedScopes(text)
        do {
            return try client.grantedScopes(requested)
        } catch {
            throw refusal(of: error)
        }
    }

    private static func rooms(
        _ text: String?, of client: Client
    ) throws(OAuthRefusal) -> [RoomPattern] {
        let requested = try parsedRooms(text)
        do {
            return try client.grantedRooms(requested)
        } catch {
            throw refusal(of: error)
        }
    }

    private static func parsedScopes(_ text: String?) throws(OAuthRefusal) -> [String]? {
        guard let text else { return nil }
        guard text.utf8.count <= NewClient.listBytesMax, let scopes = Scope.parse(text) else {
            throw .invalidScope(
                "scope must be scope names with one space between (RFC 6749 section 3.3), "
                    + "at most \(NewClient.listBytesMax) bytes in all")
        }
        return unique(scopes)
    }

    private static func parsedRooms(_ text: String?) throws(OAuthRefusal) -> [RoomPattern]? {
        guard let text else { return nil }
        let names = text.split(separator: " ", omittingEmptySubsequences: true)
        guard !names.isEmpty, names.count <= NewClient.listMax,
            text.utf8.count <= NewClient.listBytesMax
        else {
            throw .invalidRequest(
                "rooms must be 1 to \(NewClient.listMax) room names with spaces between, "
                    + "at most \(NewClient.listBytesMax) bytes in all")
        }
        var patterns: [RoomPattern] = []
        for name in names { patterns.append(try pattern(String(name))) }
        return unique(patterns)
    }

    private static func pattern(_ text: String) throws(OAuthRefusal) -> RoomPattern {
        do {
            return try RoomPattern(text)
        } catch {
            throw .invalidRequest("rooms: \(OAuthText.quoted(text)): \(error.description)")
        }
    }

    private static func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
        guard values.count > 1 else { return values }
        var seen: Set<Value> = []
        return values.filter { seen.insert($0).inserted }
    }

    private static func refusal(of error: GrantRefusal) -> OAuthRefusal {
        switch error {
        case .room(let pattern):
            .invalidScope("rooms: \(OAuthText.quoted(pattern.text)) is not granted to this client")
        case .scope(let scope):
            .invalidScope("scope: \(OAuthText.quoted(scope)) is not granted to this client")
        case .noDefaultScope:
            .invalidScope("scope must be given: this client is granted nothing but session")
        }
    }
}
