import Clients
import HTTPMessages

/// `POST /oauth2/token`: the client_credentials grant (RFC 6749 §4.4) and token exchange
/// (RFC 8693).
final class TokenEndpoint: Sendable {
    static let path = "/oauth2/token"
    static let clientCredentials = "client_credentials"
    static let parameters: [FormParameter] =
        FormParameter.authentication + [
            .grantType, .scope, .rooms, .subject, .name, .expiresIn,
        ] + TokenExchange.parameters

    private let configuration: AuthConfiguration
    private let ports: AuthPorts
    private let gate: ClientGate
    private let rate: ClientRate
    private let exchange: TokenExchange

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts, _ gate: ClientGate) {
        self.configuration = configuration
        self.ports = ports
        self.gate = gate
        rate = ClientRate(configuration)
        exchange = TokenExchange(configuration, ports)
    }

    func respond(to request: HTTPRequest) -> HTTPResponse {
        do throws(OAuthRefusal) {
            return try issue(for: request)
        } catch {
            return error.response
        }
    }

    private func issue(for request: HTTPRequest) throws(OAuthRefusal) -> HTTPResponse {
        let now = ports.now()
        let form = try gate.form(of: request, now)
        try checkGrantType(form[.grantType])
        let client = try gate.client(of: request, form, now)
        try rate.take(client, now)
        let isExchange = form[.grantType] == TokenExchange.grantType
        let wish =
            isExchange
            ? try exchange.wish(form, of: client, now)
            : try TokenWish(
                form, of: client, defaultLifetimeSeconds: configuration.defaultLifetimeSeconds)
        let token = try TokenMaker(configuration, ports).make(wish, for: client.clientID, now: now)
        return TokenResponse.make(token, wish, extra: isExchange ? TokenExchange.extra : [])
    }

    /// Extension grants go by an absolute URI (RFC 6749 §4.5).
    private func checkGrantType(_ grantType: String?) throws(OAuthRefusal) {
        guard let grantType else { throw .invalidRequest("grant_type is missing") }
        guard grantType == Self.clientCredentials || grantType == TokenExchange.grantType else {
            throw .unsupportedGrantType(
                "grant_type must be \(Self.clientCredentials) or \(TokenExchange.grantType), "
                    + "not \(OAuthText.quoted(grantType))")
        }
    }
}
