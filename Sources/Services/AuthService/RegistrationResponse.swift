import Bytes
import Clients
import HTTPMessages
import StrictJSON
import Tokens

/// The client information response (RFC 7591 §3.2.1, RFC 7592 §3).
struct RegistrationResponse {
    let client: Client
    let registration: ClientRegistration
    /// As the client presented it, or as it was just made: the registry does not know it.
    let token: String
    /// What was just made; the registry does not know it either.
    var secret: String?

    /// Where the client reads and changes its registration.
    static func uri(of clientID: String, _ issuer: String) -> String {
        ServerMetadata.base(issuer) + RegisteredClientEndpoint.prefix + clientID
    }

    func make(_ status: Int, _ issuer: String) -> HTTPResponse {
        var document: JSONObject = [
            "client_id": .string(client.clientID),
            "client_id_issued_at": .number(JSONNumber(client.createdAt)),
            "registration_access_token": .string(token),
            "registration_client_uri": .string(Self.uri(of: client.clientID, issuer)),
        ]
        if let secret { document["client_secret"] = .string(secret) }
        // The current secret has no end.
        if registration.authenticationMethod.usesSecret { document["client_secret_expires_at"] = 0 }
        for member in metadata.members { document[member.name] = member.value }
        return .json(status, JSONValue.object(document).serialized(), headers: NoStore.fields)
    }

    /// Everything that is registered, defaults included.
    private var metadata: JSONObject {
        typealias Member = RegistrationMetadata.Member
        var metadata: JSONObject = [:]
        metadata[ByteText(Member.name.rawValue)] = .string(client.name)
        metadata[ByteText(Member.scope.rawValue)] = .string(client.scopes.joined(separator: " "))
        metadata[ByteText(Member.grantTypes.rawValue)] =
            .array(registration.grantTypes.map { .string($0.rawValue) })
        metadata[ByteText(Member.authenticationMethod.rawValue)] =
            .string(registration.authenticationMethod.rawValue)
        if !client.assertionKeys.isEmpty {
            metadata[ByteText(Member.keys.rawValue)] = [
                "keys": .array(client.assertionKeys.map(\.jwk))
            ]
        }
        metadata[ByteText(Member.rooms.rawValue)] = .array(client.rooms.map { .string($0.text) })
        metadata[ByteText(Member.origins.rawValue)] = .array(client.origins.map { .string($0) })
        metadata[ByteText(Member.lifetime.rawValue)] = .number(
            JSONNumber(client.lifetimeSecondsMax))
        return metadata
    }
}
