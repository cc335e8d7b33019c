package import Access
package import Identifiers
package import Tokens

/// What a token gives to the connection that bears it.
package struct TokenGrant: Equatable, Sendable {
    /// What a later revocation may name.
    package let token: RevocableToken
    /// Seconds since the epoch.
    package let expiresAt: Int64
    /// What may be joined.
    package let rooms: [RoomPattern]
    /// What people see, whatever the connection says; nil leaves it to the connection.
    package let name: String?

    package init(
        token: RevocableToken, expiresAt: Int64, rooms: [RoomPattern], name: String?
    ) {
        self.token = token
        self.expiresAt = expiresAt
        self.rooms = rooms
        self.name = name
    }

    package init(_ claims: TokenClaims) {
        token = RevocableToken(claims)
        expiresAt = claims.expiresAt
        rooms = claims.rooms
        name = claims.name
    }

    /// Whether the token grants this room.
    package func covers(room: RoomName) -> Bool { rooms.contains { $0.covers(room: room) } }

    /// Who the token speaks of; nil for a client that acts for itself.
    package var namedSubject: Subject? {
        token.subject.text == token.clientID.text ? nil : token.subject
    }
}
