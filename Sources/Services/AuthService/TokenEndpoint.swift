import Bytes
import Clients
import HTTPMessages

/// `POST /oauth2/token`: the client_credentials grant (RFC 6749 §4.4) and token exchange
/// (RFC 8693).
final class TokenEndpoint: Sendable {
    static let path: ByteText = "/oauth2/token"
    static let clientCredentials = GrantType.clientCredentials.rawValue
    static let parameters: [FormParameter] =
        FormParameter.authentication + [
            .grantType, .scope, .rooms, .subject, .name, .expiresIn,
        ] + TokenExchange.parameters

    private let defaultLifetimeSeconds: Int64
    private let now: @Sendable () -> Int64
    private let gate: ClientGate
    private let rate: ClientRate
    private let exchange: TokenExchange
    private let maker: TokenMaker

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts, _ gate: ClientGate) {
        defaultLifetimeSeconds = configuration.defaultLifetimeSeconds
        now = ports.now
        self.gate = gate
        rate = ClientRate(configuration)
        exchange = TokenExchange(configuration, ports)
        maker = TokenMaker(configuration, ports)
    }

    func respond(to request: HTTPRequest) -> HTTPResponse {
        do throws(OAuthRefusal) {
            return try issue(for: request)
        } catch {
            return error.response
        }
    }

    private func issue(for request: HTTPRequest) throws(OAuthRefusal) -> HTTPResponse {
        let now = now()
        let form = try gate.form(of: request, now)
        let grantType = try grantType(form)
        let client = try gate.client(of: request, form, within: rate, now)
        try check(grantType, of: client)
        let isExchange = grantType == .tokenExchange
        let wish =
            isExchange
            ? try exchange.wish(form, of: client, now)
            : try TokenWish(form, of: client, defaultLifetimeSeconds: defaultLifetimeSeconds)
        let token = try maker.make(wish, for: client.clientID, now: now)
        return TokenResponse.make(token, wish, extra: isExchange ? TokenExchange.extra : [])
    }

    /// Extension grants go by an absolute URI (RFC 6749 §4.5).
    private func grantType(_ form: OAuthForm) throws(OAuthRefusal) -> GrantType {
        guard let text = form[.grantType] else { throw .invalidRequest("grant_type is missing") }
        guard let grantType = GrantType(named: text) else {
            throw .unsupportedGrantType(
                "grant_type must be \(Self.clientCredentials) or \(TokenExchange.grantType), "
                    + "not \(OAuthText.quoted(text))")
        }
        return grantType
    }

    /// A client that was registered over HTTP said there what it would ask for (RFC 7591 §2).
    private func check(_ grantType: GrantType, of client: Client) throws(OAuthRefusal) {
        guard let granted = client.registration?.grantTypes, !granted.contains(grantType) else {
            return
        }
        throw .unauthorizedClient("grant_type: this client is not registered for it")
    }
}
