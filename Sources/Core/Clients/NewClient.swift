package import Bytes
package import Identifiers
package import Tokens

/// What a client is registered with, once every check has held.
package struct NewClient: Equatable, Sendable {
    /// Rooms, origins and scopes: at most this many of each.
    package static let listMax = 32
    /// All room patterns together, and all scopes together, so that a token stays far below the
    /// 8 KiB that verifiers take.
    package static let listBytesMax = 1024
    /// Keys for `private_key_jwt`: at most this many.
    package static let keysMax = 8

    package let name: String
    package let rooms: [RoomPattern]
    package let origins: [ByteText]
    package let scopes: [ByteText]
    package let lifetimeSecondsMax: Int64
    package let assertionKeys: [PublicKey]
    package let introspects: [ClientID]
    private let legacySecret: SecretBytes?

    /// Checks a registration by `RegistrationRules`.
    ///
    /// Without rooms it is granted `*`, which is every room of the client's own, without scopes
    /// `signal`, and without a longest life of its tokens the ceiling. Whether the point of a key
    /// lies on its curve is for the caller to find out.
    ///
    /// - Throws: `RegistrationError` naming the member, the value and what was expected.
    package init(
        name: String, rooms: [String] = [], origins: [ByteText] = [], scopes: [ByteText] = [],
        lifetimeSecondsMax: Int64? = nil, assertionKeys: [PublicKey] = [],
        legacySecret: [UInt8]? = nil, introspects: [ClientID] = []
    ) throws(RegistrationError) {
        self.name = try RegistrationRules.name(name)
        self.rooms = try RegistrationRules.rooms(rooms.isEmpty ? ["*"] : rooms)
        self.origins = try RegistrationRules.origins(origins)
        self.scopes = try RegistrationRules.scopes(scopes.isEmpty ? ["signal"] : scopes)
        self.lifetimeSecondsMax = try RegistrationRules.lifetime(
            lifetimeSecondsMax ?? Client.lifetimeSecondsCeiling)
        self.assertionKeys = try RegistrationRules.assertionKeys(assertionKeys)
        self.introspects = try RegistrationRules.introspects(introspects)
        let legacy = legacySecret.map(LegacySecret.Change.set) ?? .remove
        self.legacySecret = try LegacySecret.check(legacy).secret
    }

    /// Makes a client of this registration.
    ///
    /// - Parameters:
    ///   - clientID: From `ClientID.make`.
    ///   - secretDigest: From `ClientSecretText.digest`; nil for one that has keys alone.
    ///   - registration: nil when an operator adds the client.
    ///   - now: Seconds since the Unix epoch.
    /// - Returns: An enabled client with that one secret, or none.
    package func client(
        clientID: ClientID, secretDigest: [UInt8]?, registration: ClientRegistration? = nil,
        atSecondsSinceEpoch now: Int64
    ) -> Client {
        Client(
            clientID: clientID, name: name, rooms: rooms, origins: origins, scopes: scopes,
            createdAt: now,
            secrets: secretDigest.map { [ClientSecret(digest: $0, createdAt: now)] } ?? [],
            lifetimeSecondsMax: lifetimeSecondsMax, assertionKeys: assertionKeys,
            legacySecret: legacySecret?.bytes, registration: registration, introspects: introspects)
    }
}
