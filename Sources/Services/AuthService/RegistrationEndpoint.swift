import Access
import Bytes
import Clients
import HTTPMessages
import Identifiers
import Tokens

/// `POST /oauth2/register`: a new client, in the name of one that may register others
/// (RFC 7591 §3).
final class RegistrationEndpoint: Endpoint {
    static let path: ByteText = "/oauth2/register"
    static let parameters = RegistrationMetadata.Member.allCases.map { ByteText($0.rawValue) }

    private let commons: AuthCommons
    private let registry: RegistrationPorts
    private let rate: ClientRate

    init(_ commons: AuthCommons, _ registry: RegistrationPorts) {
        self.commons = commons
        self.registry = registry
        rate = ClientRate(commons.configuration)
    }

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        let (ports, issuer) = (commons.ports, commons.configuration.issuer)
        let registrar = try registrar(call)
        try rate.take(registrar, call.now)
        let object = try RegistrationBody.object(of: call.request)
        try RegistrationBody.refuse(["client_id", "client_secret"], in: object)
        let metadata = try RegistrationMetadata(
            object, sha256: ports.sha256, isUsable: registry.isUsable)
        let clientID = ClientID.make(fromRandom: ports.random(ClientID.randomBytes))
        let new = try metadata.client(
            clientID, within: RegistrationBounds(of: registrar), issuer: issuer)
        let token = RegistrationTokenText.make(
            fromRandom: ports.random(RegistrationTokenText.randomBytes))
        let secret =
            metadata.authenticationMethod.usesSecret
            ? ClientSecretText.make(fromRandom: ports.random(ClientSecretText.randomBytes)) : nil
        let registration = ClientRegistration(
            tokenDigest: RegistrationTokenText.digest(of: token, sha256: ports.sha256),
            registrar: registrar.clientID, authenticationMethod: metadata.authenticationMethod,
            grantTypes: metadata.grantTypes)
        let client = new.client(
            clientID: clientID,
            secretDigest: secret.map { ClientSecretText.digest(of: $0, sha256: ports.sha256) },
            registration: registration, atSecondsSinceEpoch: call.now)
        try add(client, by: registrar)
        return RegistrationResponse(
            client: client, registration: registration, token: ByteText(token), secret: secret
        ).make(201, issuer)
    }

    private func add(_ client: Client, by registrar: Client) throws(OAuthRefusal) {
        do {
            try registry.add(client, .client(registrar.clientID))
        } catch .registrationsFull {
            throw .tooManyRequests(
                "as many clients as one may register are registered; remove some",
                retryAfter: 3600)
        } catch {
            throw commons.ports.refusal(ofRegistration: error)
        }
    }

    /// The client whose initial access token this is (RFC 7591 §3): one that may register others,
    /// now as at the time when the token was made.
    private func registrar(_ call: Call) throws(OAuthRefusal) -> Client {
        let token = try BearerToken.find(in: call.request)
        let holder = try commons.holder(of: token, [.access], .strict, call.now)
        let scope = Client.registrationScope
        guard holder.claims.has(scope: scope), holder.client.scopes.contains(scope) else {
            throw .insufficientScope(scope, "the token or its client lacks the scope \(scope)")
        }
        return holder.client
    }
}
