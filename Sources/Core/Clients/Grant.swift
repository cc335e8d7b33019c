package import Bytes
package import Tokens

/// What was asked for and is not to be given.
package enum GrantRefusal: Error, Equatable, Sendable {
    case room(RoomPattern)
    case scope(ByteText)
    /// Nothing was asked for, and nothing is granted by default.
    case noDefaultScope, noDefaultRoom
}

/// What tokens may carry.
package struct Grant: Sendable {
    fileprivate let allScopes: [ByteText]
    fileprivate let allRooms: [RoomPattern]

    /// Decides the rooms of a token.
    ///
    /// - Parameter requested: nil when nothing was asked for.
    /// - Returns: What is asked for, or else all that is granted.
    /// - Throws: `GrantRefusal.room` with the first pattern that no granted one covers, or
    ///   `.noDefaultRoom`.
    package func rooms(_ requested: [RoomPattern]?) throws(GrantRefusal) -> [RoomPattern] {
        guard let requested else {
            guard !allRooms.isEmpty else { throw .noDefaultRoom }
            return allRooms
        }
        for pattern in requested where !allRooms.contains(where: { $0.covers(pattern) }) {
            throw .room(pattern)
        }
        return requested
    }

    /// Decides the scopes of a token (RFC 6749 §3.3).
    ///
    /// - Parameter requested: nil when nothing was asked for.
    /// - Returns: What is asked for, or else everything granted but `Client.scopesByNameOnly`.
    /// - Throws: `GrantRefusal.scope` with the first one that is not granted, or `.noDefaultScope`.
    package func scopes(_ requested: [ByteText]?) throws(GrantRefusal) -> [ByteText] {
        guard let requested else {
            let isSome = allScopes.contains(where: Client.scopesByNameOnly.contains)
            let byDefault =
                isSome ? allScopes.filter { !Client.scopesByNameOnly.contains($0) } : allScopes
            guard !byDefault.isEmpty else { throw .noDefaultScope }
            return byDefault
        }
        for scope in requested where !allScopes.contains(scope) { throw .scope(scope) }
        return requested
    }

    /// What both this and a token grant, for another token in its place.
    ///
    /// A session opens the relay, which is what `signal` stands for in an access token; beyond that
    /// `session` is never handed on, since it would make another session, nor is `client:register`,
    /// which is for no page. Of two room patterns the narrower counts, where one covers the other.
    package func narrowed(to token: TokenClaims) -> Grant {
        var scopes = token.scopes.map { ByteText($0) }
        if token.kind == .session, !scopes.contains("signal") { scopes.append("signal") }
        var rooms: [RoomPattern] = []
        for room in token.rooms {
            let narrower =
                allRooms.contains { $0.covers(room) } ? [room] : allRooms.filter { room.covers($0) }
            rooms += narrower.filter { !rooms.contains($0) }
        }
        return Grant(
            allScopes: scopes.filter {
                allScopes.contains($0) && !Client.scopesByNameOnly.contains($0)
            }, allRooms: rooms)
    }
}

extension Client {
    /// The scope that makes a token a session token.
    package static let sessionScope: ByteText = "session"
    /// The scope of an initial access token, which lets others register (RFC 7591 §3).
    package static let registrationScope: ByteText = "client:register"
    /// Never granted unless they are asked for by name, and never handed on by an exchange.
    package static let scopesByNameOnly = [sessionScope, registrationScope]

    package var grant: Grant { Grant(allScopes: scopes, allRooms: rooms) }
}
