import Access
import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

/// `POST /oauth2/introspect`: what a token says, and whether it is good (RFC 7662): one of the
/// caller's own, or of a client about whose tokens an operator lets it ask.
final class IntrospectionEndpoint: Endpoint {
    static let path: ByteText = "/oauth2/introspect"
    static let parameters: [FormParameter] =
        FormParameter.authentication + [.token, .tokenTypeHint]
    /// Nothing beside it, whatever the reason (RFC 7662 §2.2).
    private static let inactive: JSONValue = ["active": false]

    private let commons: AuthCommons
    private let rate: ClientRate

    init(_ commons: AuthCommons) {
        self.commons = commons
        rate = ClientRate(commons.configuration)
    }

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        .json(200, try introspect(call).serialized(), headers: NoStore.fields)
    }

    private func introspect(_ call: Call) throws(OAuthRefusal) -> JSONValue {
        let ports = commons.ports
        let form = try OAuthForm(call.request)
        let client = try commons.client(of: call, form, within: rate)
        guard let token = form[.token] else { throw .invalidRequest("token is missing") }
        // Verified before anything in it is believed; token_type_hint is not needed for that.
        let kinds: Set<TokenKind> = [.access, .session]
        guard let claims = try? ports.tokens.claims(of: token, kinds, .strict, now: call.now),
            client.mayIntrospect(tokensOf: claims.clientID),
            try ports.ask(ports.client, claims.clientID)?.isEnabled == true
        else { return Self.inactive }
        return Self.document(claims)
    }

    private static func document(_ claims: TokenClaims) -> JSONValue {
        var document: JSONObject = [
            "active": true, "scope": .string(claims.scopes.joined(separator: " ")),
            "client_id": .string(claims.clientID.text), "sub": .string(claims.subject.text),
            "iss": .string(claims.issuer), "jti": .string(claims.tokenID),
            "iat": .number(JSONNumber(claims.issuedAt)),
            "exp": .number(JSONNumber(claims.expiresAt)),
            "rooms": .array(claims.rooms.map { .string($0.text) }),
        ]
        let audience = claims.audience.map { JSONValue.string($0) }
        document["aud"] = audience.count == 1 ? audience[0] : .array(audience)
        if let notBefore = claims.notBefore {
            document["nbf"] = .number(JSONNumber(notBefore))
        }
        if let name = claims.name { document["name"] = .string(name) }
        // A session token is no bearer token: it is taken out of the cookie alone.
        if claims.kind == .access { document["token_type"] = "Bearer" }
        return .object(document)
    }
}
