import Bytes
import Clients
import HTTPMessages

/// `POST /oauth2/token`: the client_credentials grant (RFC 6749 §4.4) and token exchange
/// (RFC 8693).
final class TokenEndpoint: Endpoint {
    static let path: ByteText = "/oauth2/token"
    static let clientCredentials = GrantType.clientCredentials.rawValue
    static let parameters: [FormParameter] =
        FormParameter.authentication + [
            .grantType, .scope, .rooms, .subject, .name, .expiresIn,
        ] + TokenExchange.parameters

    private let commons: AuthCommons
    private let rate: ClientRate
    private let exchange: TokenExchange

    init(_ commons: AuthCommons) {
        self.commons = commons
        rate = ClientRate(commons.configuration)
        exchange = TokenExchange(commons.configuration, commons.ports)
    }

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        let form = try OAuthForm(call.request)
        let grantType = try grantType(form)
        let client = try commons.client(of: call, form, within: rate)
        try check(grantType, of: client)
        let isExchange = grantType == .tokenExchange
        let wish =
            isExchange
            ? try exchange.wish(form, of: client, call.now)
            : try TokenWish(
                form, of: client,
                defaultLifetimeSeconds: commons.configuration.defaultLifetimeSeconds)
        let token = try commons.token(wish, for: client.clientID, call.now)
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
