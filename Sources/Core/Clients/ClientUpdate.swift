package import Tokens

/// What changes about a registered client, once every check has held; nil leaves a member as it is.
package struct ClientUpdate: Equatable, Sendable {
    package let name: String?
    package let rooms: [RoomPattern]?
    package let origins: [String]?
    package let scopes: [String]?
    package let lifetimeSecondsMax: Int64?
    package let assertionKeys: [PublicKey]?

    /// Checks a change by the rules of `NewClient`; each list replaces the one before.
    ///
    /// Neither `rooms` nor `scopes` may be empty: at a registration that means every room, which
    /// nobody should get by clearing a list. Without `origins` no page may connect by cookie, and
    /// without `assertionKeys` a secret alone proves the client.
    ///
    /// - Throws: `RegistrationError` naming the member, the value and what was expected.
    package init(
        name: String? = nil, rooms: [String]? = nil, origins: [String]? = nil,
        scopes: [String]? = nil, lifetimeSecondsMax: Int64? = nil,
        assertionKeys: [PublicKey]? = nil
    ) throws(RegistrationError) {
        try Self.refuseNone(rooms, member: "rooms")
        try Self.refuseNone(scopes, member: "scope")
        self.name = if let name { try RegistrationRules.name(name) } else { nil }
        self.rooms = if let rooms { try RegistrationRules.rooms(rooms) } else { nil }
        self.origins = if let origins { try RegistrationRules.origins(origins) } else { nil }
        self.scopes = if let scopes { try RegistrationRules.scopes(scopes) } else { nil }
        self.lifetimeSecondsMax =
            if let lifetimeSecondsMax {
                try RegistrationRules.lifetime(lifetimeSecondsMax)
            } else { nil }
        self.assertionKeys =
            if let assertionKeys {
                try RegistrationRules.assertionKeys(assertionKeys)
            } else { nil }
    }

    /// Whether nothing changes at all.
    package var isEmpty: Bool {
        name == nil && rooms == nil && origins == nil && scopes == nil
            && lifetimeSecondsMax == nil && assertionKeys == nil
    }

    /// The client as it is from now on.
    package func applied(to client: Client) -> Client {
        Client(
            clientID: client.clientID, name: name ?? client.name, rooms: rooms ?? client.rooms,
            origins: origins ?? client.origins, scopes: scopes ?? client.scopes,
            createdAt: client.createdAt, isEnabled: client.isEnabled, secrets: client.secrets,
            lifetimeSecondsMax: lifetimeSecondsMax ?? client.lifetimeSecondsMax,
            assertionKeys: assertionKeys ?? client.assertionKeys)
    }

    private static func refuseNone(
        _ list: [String]?, member: String
    ) throws(RegistrationError) {
        guard list?.isEmpty != true else {
            throw RegistrationError(member: member, value: "", expected: "at least one")
        }
    }
}
