import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

/// The client information response (RFC 7591 §3.2.1, RFC 7592 §3).
struct RegistrationResponse {
    let client: Client
    let registration: ClientRegistration
    /// As the client presented it, or as it was just made: the registry does not know it.
    let token: ByteText
    /// What was just made; the registry does not know it either.
    var secret: String?

    /// Where the client reads and changes its registration.
    static func uri(of clientID: ClientID, _ issuer: String) -> String {
        "\(ServerMetadata.base(issuer))\(RegisteredClientEndpoint.prefix)\(clientID)"
    }

    func make(_ status: Int, _ issuer: String) -> HTTPResponse {
        var document: JSONObject = [
            "client_id": .string(client.clientID.text),
            "client_id_issued_at": .number(JSONNumber(client.createdAt)),
            "registration_access_token": .string(token),
            "registration_client_uri": .string(Self.uri(of: client.clientID, issuer)),
        ]
        if let secret { document["client_secret"] = .string(secret) }
        // The current secret has no end.
        if registration.authenticationMethod.usesSecret { document["client_secret_expires_at"] = 0 }
        for (member, value) in metadata { document[ByteText(member.rawValue)] = value }
        return .json(status, JSONValue.object(document).serialized(), headers: NoStore.fields)
    }

    /// Everything that is registered, defaults included.
    private var metadata: [(RegistrationMetadata.Member, JSONValue?)] {
        let keys = client.assertionKeys.map(\.jwk)
        return [
            (.name, .string(client.name)),
            (.scope, .string(client.scopes.joined(separator: " "))),
            (.grantTypes, .array(registration.grantTypes.map { .string($0.rawValue) })),
            (.authenticationMethod, .string(registration.authenticationMethod.rawValue)),
            (.keys, keys.isEmpty ? nil : ["keys": .array(keys)]),
            (.rooms, .array(client.rooms.map { .string($0.text) })),
            (.origins, .array(client.origins.map { .string($0) })),
            (.lifetime, .number(JSONNumber(client.lifetimeSecondsMax))),
        ]
    }
}
