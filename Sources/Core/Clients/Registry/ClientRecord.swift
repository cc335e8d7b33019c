package import Bytes
package import Identifiers
import Tokens

/// A client as a registry keeps it: texts, numbers and bytes.
package struct ClientRecord: Equatable, Sendable {
    package struct Registration: Equatable, Sendable {
        package let tokenDigest: [UInt8]
        package let registrar: ClientID
        package let authenticationMethod: String
        /// Separated by spaces.
        package let grantTypes: String

        package init(
            tokenDigest: [UInt8], registrar: ClientID, authenticationMethod: String,
            grantTypes: String
        ) {
            self.tokenDigest = tokenDigest
            self.registrar = registrar
            self.authenticationMethod = authenticationMethod
            self.grantTypes = grantTypes
        }
    }

    package let id: ClientID
    package let name: String
    package let createdAt: Int64
    package let isEnabled: Bool
    package let lifetimeSecondsMax: Int64
    /// A JSON Web Key Set; nil for no keys.
    package let assertionKeys: [UInt8]?
    package var legacySecret: [UInt8]?
    /// Separated by spaces.
    package let introspects: String
    package let rooms: [String]
    package var origins: [ByteText]
    package let scopes: [ByteText]
    /// Oldest first.
    package let secrets: [ClientSecret]
    /// nil for a client that an operator added.
    package let registration: Registration?

    package init(
        id: ClientID, name: String, createdAt: Int64, isEnabled: Bool, lifetimeSecondsMax: Int64,
        assertionKeys: [UInt8]?, legacySecret: [UInt8]?, introspects: String, rooms: [String],
        origins: [ByteText], scopes: [ByteText], secrets: [ClientSecret],
        registration: Registration?
    ) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
        self.isEnabled = isEnabled
        self.lifetimeSecondsMax = lifetimeSecondsMax
        self.assertionKeys = assertionKeys
        self.legacySecret = legacySecret
        self.introspects = introspects
        self.rooms = rooms
        self.origins = origins
        self.scopes = scopes
        self.secrets = secrets
        self.registration = registration
    }

    init(_ client: Client) {
        self.init(
            id: client.clientID, name: client.name, createdAt: client.createdAt,
            isEnabled: client.isEnabled, lifetimeSecondsMax: client.lifetimeSecondsMax,
            assertionKeys: client.assertionKeys.isEmpty
                ? nil : JWKSet.serialize(client.assertionKeys),
            legacySecret: client.legacySecret,
            introspects: client.introspects.map(\.text).joined(separator: " "),
            rooms: client.rooms.map(\.text), origins: client.origins, scopes: client.scopes,
            secrets: client.secrets, registration: client.registration.map(Registration.init))
    }

    /// Throws where a member cannot be read: to leave one out would be to change who may come in.
    func client() throws -> Client {
        Client(
            clientID: id, name: name, rooms: try rooms.map { try RoomPattern($0) },
            origins: origins, scopes: scopes, createdAt: createdAt, isEnabled: isEnabled,
            secrets: secrets, lifetimeSecondsMax: lifetimeSecondsMax,
            assertionKeys: try assertionKeys.map(Self.keys) ?? [], legacySecret: legacySecret,
            registration: try registration?.registration(),
            introspects: ByteText(introspects).split(separator: UInt8(ascii: " "))
                .map { ClientID($0) })
    }

    private static func keys(_ set: [UInt8]) throws -> [PublicKey] {
        // Each key was written with its `kid`, so that no thumbprint is ever taken.
        let set = try JWKSet(parsing: set, sha256: { _ in [] })
        guard set.skipped.isEmpty else { throw UnreadableRecord() }
        return set.keys
    }
}

extension ClientRecord.Registration {
    fileprivate init(_ registration: ClientRegistration) {
        self.init(
            tokenDigest: registration.tokenDigest, registrar: registration.registrar,
            authenticationMethod: registration.authenticationMethod.rawValue,
            grantTypes: registration.grantTypes.map(\.rawValue).joined(separator: " "))
    }

    fileprivate func registration() throws -> ClientRegistration {
        let named = ByteText(grantTypes).split(separator: UInt8(ascii: " "))
        let grantTypes = named.compactMap { GrantType(named: $0) }
        guard let method = AuthenticationMethod(named: ByteText(authenticationMethod)),
            grantTypes.count == named.count
        else { throw UnreadableRecord() }
        return ClientRegistration(
            tokenDigest: tokenDigest, registrar: registrar, authenticationMethod: method,
            grantTypes: grantTypes)
    }
}
