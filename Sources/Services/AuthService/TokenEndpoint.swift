import Clients
import HTTPMessages
import Synchronization
import Tokens

/// `POST /oauth2/token`: the client_credentials grant (RFC 6749 §4.4).
final class TokenEndpoint: Sendable {
    static let path = "/oauth2/token"

    private let configuration: AuthConfiguration
    private let ports: AuthPorts
    private let authenticator: ClientAuthenticator
    private let rate: Mutex<TokenRate>

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        self.configuration = configuration
        self.ports = ports
        authenticator = ClientAuthenticator(ports)
        rate = Mutex(TokenRate(perSecondMax: configuration.tokenRequestsPerSecond))
    }

    func respond(to request: HTTPRequest) -> HTTPResponse {
        do throws(OAuthRefusal) {
            return try issue(for: request)
        } catch {
            return error.response
        }
    }

    private func issue(for request: HTTPRequest) throws(OAuthRefusal) -> HTTPResponse {
        guard request.method == "POST" else { throw .methodNotAllowed(allow: "POST") }
        let form = try TokenForm(request)
        try checkGrantType(form.grantType)
        let credentials = try PresentedCredentials(request, form)
        let now = ports.now()
        let client = try authenticator.client(
            for: credentials, from: request.clientAddress, now: now)
        let wish = try TokenWish(
            form, of: client, defaultLifetimeSeconds: configuration.defaultLifetimeSeconds)
        try takeFromRate(client, now)
        let token = try TokenMaker(configuration, ports).make(wish, for: client.clientID, now: now)
        return TokenResponse.make(token, wish)
    }

    private func checkGrantType(_ grantType: String?) throws(OAuthRefusal) {
        guard let grantType else { throw .invalidRequest("grant_type is missing") }
        guard grantType == "client_credentials" else {
            throw .unsupportedGrantType(
                "grant_type must be client_credentials, not \(OAuthText.quoted(grantType))")
        }
    }

    private func takeFromRate(_ client: Client, _ now: Int64) throws(OAuthRefusal) {
        guard configuration.tokenRequestsPerSecond > 0 else { return }
        guard rate.withLock({ $0.take(client.clientID, now: now) }) else {
            throw .tooManyRequests(
                "more than \(configuration.tokenRequestsPerSecond) tokens a second for this client",
                retryAfter: 1)
        }
    }
}
