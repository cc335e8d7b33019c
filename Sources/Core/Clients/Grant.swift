package import Bytes
package import Tokens

/// What was asked for and is not the client's to give.
package enum GrantRefusal: Error, Equatable, Sendable {
    case room(RoomPattern)
    case scope(ByteText)
    /// Nothing was asked for, and nothing is granted by default.
    case noDefaultScope
}

extension Client {
    /// The scope that makes a token a session token.
    package static let sessionScope: ByteText = "session"
    /// The scope of an initial access token, which lets others register (RFC 7591 §3).
    package static let registrationScope: ByteText = "client:register"
    /// Never granted unless they are asked for by name, and never handed on by an exchange.
    package static let scopesByNameOnly = [sessionScope, registrationScope]

    /// Decides the rooms of a token.
    ///
    /// - Parameter requested: nil when nothing was asked for.
    /// - Returns: What is asked for, or else the whole grant.
    /// - Throws: `GrantRefusal.room` with the first pattern that no granted one covers.
    package func grantedRooms(
        _ requested: [RoomPattern]?
    ) throws(GrantRefusal) -> [RoomPattern] {
        guard let requested else { return rooms }
        for pattern in requested where !rooms.contains(where: { $0.covers(pattern) }) {
            throw .room(pattern)
        }
        return requested
    }

    /// Decides the scopes of a token (RFC 6749 §3.3).
    ///
    /// - Parameter requested: nil when nothing was asked for.
    /// - Returns: What is asked for, or else everything granted but `scopesByNameOnly`.
    /// - Throws: `GrantRefusal.scope` with the first one that is not granted, or `.noDefaultScope`.
    package func grantedScopes(
        _ requested: [ByteText]?
    ) throws(GrantRefusal) -> [ByteText] {
        guard let requested else {
            guard scopes.contains(where: Client.scopesByNameOnly.contains) else { return scopes }
            let byDefault = scopes.filter { !Client.scopesByNameOnly.contains($0) }
            guard !byDefault.isEmpty else { throw .noDefaultScope }
            return byDefault
        }
        for scope in requested where !scopes.contains(scope) { throw .scope(scope) }
        return requested
    }
}
