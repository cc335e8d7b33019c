import Access
import Bytes
import Clients
import Identifiers
import Tokens

/// Token exchange (RFC 8693): out of a token that a client holds, a narrower one.
struct TokenExchange: Sendable {
    static let grantType = GrantType.tokenExchange.rawValue
    static let accessTokenType: ByteText = "urn:ietf:params:oauth:token-type:access_token"
    static let jwtType: ByteText = "urn:ietf:params:oauth:token-type:jwt"
    static let parameters: [FormParameter] = [
        .subjectToken, .subjectTokenType, .actorToken, .actorTokenType, .requestedTokenType,
        .audience, .resource,
    ]
    /// Further members of the answer (RFC 8693 §2.2.1).
    static let extra = Array(#","issued_token_type":"\#(accessTokenType)""#.utf8)

    private let configuration: AuthConfiguration
    private let audience: ByteText
    private let ports: AuthPorts

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        self.configuration = configuration
        audience = ByteText(configuration.audience)
        self.ports = ports
    }

    /// What the exchange comes to, for an authenticated client.
    func wish(
        _ form: OAuthForm, of client: Client, _ now: Int64
    ) throws(OAuthRefusal) -> TokenWish {
        try checkActor(form)
        try checkRequestedType(form)
        try checkTarget(form)
        let token = try subjectToken(form, of: client, now)
        return try TokenWish(
            form, outOf: token, of: client, subject: subject(form, token),
            name: TokenWish.label(form, .name) ?? token.name.map { ByteText($0) },
            defaultLifetimeSeconds: configuration.defaultLifetimeSeconds, now)
    }

    /// The type must be there exactly when the token is (RFC 8693 §2.1).
    private func checkActor(_ form: OAuthForm) throws(OAuthRefusal) {
        guard form[.actorToken] == nil else {
            throw .invalidRequest("actor_token is not supported: leave it out")
        }
        guard form[.actorTokenType] == nil else {
            throw .invalidRequest("actor_token_type is there without actor_token")
        }
    }

    private func checkRequestedType(_ form: OAuthForm) throws(OAuthRefusal) {
        guard let type = form[.requestedTokenType], type != Self.accessTokenType else { return }
        throw .invalidRequest(
            "requested_token_type must be \(Self.accessTokenType), not \(OAuthText.quoted(type))")
    }

    /// Every target that is named must be the one there is; a resource is a URI without fragment.
    private func checkTarget(_ form: OAuthForm) throws(OAuthRefusal) {
        for parameter in FormParameter.repeatable {
            for target in form.values(parameter) where target != audience {
                throw .invalidTarget(
                    "\(parameter.rawValue) must be \(audience), "
                        + "not \(OAuthText.quoted(target))")
            }
        }
    }

    /// The claims of the subject token. What is wrong with it is `invalid_request`
    /// (RFC 8693 §2.2.2).
    private func subjectToken(
        _ form: OAuthForm, of client: Client, _ now: Int64
    ) throws(OAuthRefusal) -> TokenClaims {
        guard let token = form[.subjectToken] else {
            throw .invalidRequest("subject_token is missing")
        }
        let kinds = try kinds(form[.subjectTokenType])
        let claims: TokenClaims
        do throws(TokenRefused) {
            claims = try ports.tokens.verified(token, kinds, now: now)
        } catch { throw Self.refusal(error) }
        guard claims.clientID == client.clientID else {
            throw .invalidRequest("subject_token was not issued to this client")
        }
        do throws(TokenRefused) {
            try ports.tokens.check(claims, .strict, now: now)
        } catch { throw Self.refusal(error) }
        return claims
    }

    private static func refusal(_ refused: TokenRefused) -> OAuthRefusal {
        .invalidRequest("subject_token is not good: \(refused.code)")
    }

    private func kinds(_ type: ByteText?) throws(OAuthRefusal) -> Set<TokenKind> {
        switch type {
        case Self.accessTokenType: [.access]
        case Self.jwtType: [.access, .session]
        case nil: throw .invalidRequest("subject_token_type is missing")
        case let type?:
            throw .invalidRequest(
                "subject_token_type must be \(Self.accessTokenType) or \(Self.jwtType), "
                    + "not \(OAuthText.quoted(type))")
        }
    }

    /// A user's token stays that user's; a client may put its own into a user's name, as it may at
    /// any other token request.
    private func subject(
        _ form: OAuthForm, _ token: TokenClaims
    ) throws(OAuthRefusal) -> ByteText? {
        let user = token.subject.user(of: token.clientID)
        guard let wanted = try TokenWish.label(form, .subject) else { return user }
        guard user == nil || user == wanted else {
            throw .invalidRequest("subject must be left out: subject_token is a user's already")
        }
        return wanted
    }
}
