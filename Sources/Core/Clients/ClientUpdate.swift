package import Bytes
package import Identifiers
package import Tokens

/// What changes about a registered client, once every check has held; nil leaves a member as it is.
package struct ClientUpdate: Equatable, Sendable {
    package let name: String?
    package let rooms: [RoomPattern]?
    package let origins: [ByteText]?
    package let scopes: [ByteText]?
    package let lifetimeSecondsMax: Int64?
    package let assertionKeys: [PublicKey]?
    package let legacySecret: LegacySecret.Change?
    package let introspects: [ClientID]?
    /// What a client that was registered over HTTP replaces beside; nothing of other clients.
    package let registered: RegisteredChange?

    /// Checks a change by the rules of `NewClient`; each list replaces the one before.
    ///
    /// Neither `rooms` nor `scopes` may be empty: at a registration that means every room, which
    /// nobody should get by clearing a list. Without `origins` no page may connect by cookie, and
    /// without `assertionKeys` a secret alone proves the client. `legacySecret` has 32 to 1024
    /// bytes.
    ///
    /// - Throws: `RegistrationError` naming the member, the value and what was expected.
    package init(
        name: String? = nil, rooms: [String]? = nil, origins: [ByteText]? = nil,
        scopes: [ByteText]? = nil, lifetimeSecondsMax: Int64? = nil,
        assertionKeys: [PublicKey]? = nil, legacySecret: LegacySecret.Change? = nil,
        introspects: [ClientID]? = nil, registered: RegisteredChange? = nil
    ) throws(RegistrationError) {
        try Self.refuseNone(rooms, member: "rooms")
        try Self.refuseNone(scopes, member: "scope")
        self.name = try name.map(RegistrationRules.name)
        self.rooms = try rooms.map(RegistrationRules.rooms)
        self.origins = try origins.map(RegistrationRules.origins)
        self.scopes = try scopes.map(RegistrationRules.scopes)
        self.lifetimeSecondsMax = try lifetimeSecondsMax.map(RegistrationRules.lifetime)
        self.assertionKeys = try assertionKeys.map(RegistrationRules.assertionKeys)
        self.legacySecret = try legacySecret.map(LegacySecret.check)
        self.introspects = try introspects.map(RegistrationRules.introspects)
        self.registered = registered
    }

    /// Puts a registration over HTTP in the place of the one before (RFC 7592 §2.2). `new` was
    /// checked already; a legacy secret and what it may introspect stay, since those over HTTP know
    /// of neither.
    package init(replacingBy new: NewClient, _ registered: RegisteredChange) {
        name = new.name
        rooms = new.rooms
        origins = new.origins
        scopes = new.scopes
        lifetimeSecondsMax = new.lifetimeSecondsMax
        assertionKeys = new.assertionKeys
        legacySecret = nil
        introspects = nil
        self.registered = registered
    }

    /// The client as it is from now on.
    package func applied(to client: Client) -> Client {
        Client(
            clientID: client.clientID, name: name ?? client.name, rooms: rooms ?? client.rooms,
            origins: origins ?? client.origins, scopes: scopes ?? client.scopes,
            createdAt: client.createdAt, isEnabled: client.isEnabled,
            secrets: registered?.secrets(of: client) ?? client.secrets,
            lifetimeSecondsMax: lifetimeSecondsMax ?? client.lifetimeSecondsMax,
            assertionKeys: assertionKeys ?? client.assertionKeys,
            legacySecret: legacySecret.map { $0.secret?.bytes } ?? client.legacySecret,
            registration: client.registration.map { registered?.applied(to: $0) ?? $0 },
            introspects: introspects ?? client.introspects)
    }

    private static func refuseNone(
        _ list: [some Any]?, member: ByteText
    ) throws(RegistrationError) {
        try RegistrationError.unless(
            list?.isEmpty != true, member, "", expected: "at least one")
    }
}
