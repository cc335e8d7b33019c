import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON

/// `GET`, `PUT` and `DELETE` of `/oauth2/register/{client_id}`: a registered client reads,
/// replaces and removes its registration, by its registration access token (RFC 7592 §2).
final class RegisteredClientEndpoint: Endpoint {
    static let prefix: ByteText = "\(RegistrationEndpoint.path)/"
    /// As OpenAPI writes it.
    static let path: ByteText = "\(prefix){client_id}"

    private let commons: AuthCommons
    private let registry: RegistrationPorts
    private let rate: ClientRate
    private let guesses = GuessLimit()
    private let dummy = [UInt8](repeating: 0, count: 32)

    private var ports: AuthPorts { commons.ports }

    init(_ commons: AuthCommons, _ registry: RegistrationPorts) {
        self.commons = commons
        self.registry = registry
        rate = ClientRate(commons.configuration)
    }

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        let token = try BearerToken.find(in: call.request)
        let client = try client(call.request, token, call.now)
        try rate.take(client, call.now)
        if call.request.method != "GET" { try commons.writes.take(client, call.now) }
        return switch call.request.method {
        case "PUT": try replace(client, call.request, token, call.now)
        case "DELETE": try remove(client, call.now)
        default: try information(client, token)
        }
    }

    private func information(
        _ client: Client, _ token: ByteText, secret: String? = nil
    ) throws(OAuthRefusal) -> HTTPResponse {
        guard let registration = client.registration else { throw Self.refused }
        return RegistrationResponse(
            client: client, registration: registration, token: token, secret: secret
        ).make(200, commons.configuration.issuer)
    }

    /// Tokens first: were the client gone and its tokens not, nobody could take them back.
    private func remove(_ client: Client, _ now: Int64) throws(OAuthRefusal) -> HTTPResponse {
        let actor = Actor.client(client.clientID)
        try ports.ask(ports.revoke, .allOf(clientID: client.clientID, now: now), actor)
        do {
            try registry.remove(client.clientID, actor)
        } catch {
            throw refusal(of: error)
        }
        return HTTPResponse(status: 204, headers: HeaderFields(NoStore.fields))
    }

    private func refusal(of failure: RegistryFailure) -> OAuthRefusal {
        guard case .clientUnknown = failure else {
            return ports.refusal(ofRegistration: failure)
        }
        return Self.refused
    }

    private static let refused = OAuthRefusal.invalidToken(
        "there is no such client, or the token is not its registration access token")
}

// MARK: Who may

extension RegisteredClientEndpoint {
    /// The client of the path, once the token has proved to be its own. Unknown client and wrong
    /// token cost the same and look the same (RFC 7592 §2.1).
    private func client(
        _ request: HTTPRequest, _ token: ByteText, _ now: Int64
    ) throws(OAuthRefusal) -> Client {
        let id = ClientID(request.path.dropFirst(Self.prefix.count))
        try guesses.check(id, from: request.clientAddress, now: now)
        guard try isTokenOf(id, token), let client = try ports.ask(registry.client, id)
        else {
            try guesses.record(id, from: request.clientAddress, now: now)
            ports.log("registration_access_refused", [("address", request.clientAddress)])
            throw Self.refused
        }
        guard client.isEnabled else {
            throw .forbidden("access_denied", "the client is disabled: ask the operator")
        }
        return client
    }

    private func isTokenOf(_ id: ClientID, _ token: ByteText) throws(OAuthRefusal) -> Bool {
        let known = id.isPlausible ? try ports.ask(registry.tokenDigest, id) : nil
        let presented = RegistrationTokenText.digest(of: token.string, sha256: ports.sha256)
        let isEqual = ports.constantTimeEqual(presented, known ?? dummy)
        // An unknown id had the directory look for what is new.
        if known != nil, !isEqual { _ = ports.catchUp() }
        return isEqual && known != nil
    }
}

// MARK: Replacing

extension RegisteredClientEndpoint {
    /// Puts what is sent in the place of everything that was registered (RFC 7592 §2.2).
    private func replace(
        _ client: Client, _ request: HTTPRequest, _ token: ByteText, _ now: Int64
    ) throws(OAuthRefusal) -> HTTPResponse {
        let object = try RegistrationBody.object(of: request)
        try checkIdentity(object, client, now)
        let metadata = try RegistrationMetadata(
            object, sha256: ports.sha256, isUsable: registry.isUsable)
        let new = try metadata.client(
            client.clientID, within: try bounds(of: client), issuer: commons.configuration.issuer)
        let (secret, secrets) = secrets(metadata.authenticationMethod, of: client, now)
        let update = ClientUpdate(
            replacingBy: new,
            RegisteredChange(
                authenticationMethod: metadata.authenticationMethod,
                grantTypes: metadata.grantTypes, secrets: secrets))
        let replaced: Client
        do {
            replaced = try registry.update(client.clientID, update, .client(client.clientID))
        } catch {
            throw refusal(of: error)
        }
        return try information(replaced, token, secret: secret)
    }

    private func bounds(of client: Client) throws(OAuthRefusal) -> RegistrationBounds {
        guard let id = client.registration?.registrar else { throw Self.refused }
        return RegistrationBounds(of: client, registrar: try ports.ask(registry.client, id))
    }

    /// The client names itself, and chooses no secret.
    private func checkIdentity(
        _ object: JSONObject, _ client: Client, _ now: Int64
    ) throws(OAuthRefusal) {
        guard object["client_id"]?.string == client.clientID.text else {
            throw .invalidMetadata("client_id: must be the one in the path")
        }
        guard let secret = object["client_secret"], secret != .null else { return }
        let digest = ClientSecretText.digest(
            of: secret.string?.string ?? "", sha256: ports.sha256)
        guard let current = client.secrets.last, current.isLive(atSecondsSinceEpoch: now),
            ports.constantTimeEqual(digest, current.digest)
        else {
            throw .invalidMetadata(
                "client_secret: not the current one, and none can be chosen; leave it out")
        }
    }

    /// A client that proves itself by a secret from now on, and has none, is given one.
    private func secrets(
        _ method: AuthenticationMethod, of client: Client, _ now: Int64
    ) -> (text: String?, RegisteredChange.Secrets) {
        guard method.usesSecret else { return (nil, .dropped) }
        guard !client.secrets.contains(where: { $0.isLive(atSecondsSinceEpoch: now) }) else {
            return (nil, .kept)
        }
        let text = ClientSecretText.make(fromRandom: ports.random(ClientSecretText.randomBytes))
        let digest = ClientSecretText.digest(of: text, sha256: ports.sha256)
        return (text, .issued(ClientSecret(digest: digest, createdAt: now)))
    }
}
