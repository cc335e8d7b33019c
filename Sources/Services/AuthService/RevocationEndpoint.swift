import Access
import Bytes
import Clients
import HTTPMessages
import Identifiers
import Tokens

/// `POST /oauth2/revoke`: takes back a token (RFC 7009) and, which is ours, all tokens of a user or
/// of the caller.
final class RevocationEndpoint: Endpoint {
    static let path: ByteText = "/oauth2/revoke"
    static let parameters: [FormParameter] =
        FormParameter.authentication + [.token, .tokenTypeHint, .sub, .all]

    private let commons: AuthCommons
    private let rate: ClientRate

    init(_ commons: AuthCommons) {
        self.commons = commons
        rate = ClientRate(commons.configuration)
    }

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        let form = try OAuthForm(call.request)
        let client = try commons.client(of: call, form, within: rate)
        if let revocation = try revocation(form, client.clientID, call.now) {
            // A client has one row of "all", which nothing may keep it from.
            if form[.all] == nil { try commons.writes.take(client, call.now) }
            try commons.ports.takeBack(revocation, by: .client(client.clientID))
        }
        return HTTPResponse(status: 200, headers: HeaderFields(NoStore.fields))
    }

    /// Nil where there is nothing to take back.
    private func revocation(
        _ form: OAuthForm, _ clientID: ClientID, _ now: Int64
    ) throws(OAuthRefusal) -> Revocation? {
        switch (form[.token], form[.sub], form[.all]) {
        case (let token?, nil, nil): return try self.token(token, clientID, now)
        case (nil, .some, nil):
            guard let user = try TokenWish.label(form, .sub) else { return nil }
            return .allOf(user: user, of: clientID, now: now)
        case (nil, nil, "true"): return .allOf(clientID: clientID, now: now)
        case (nil, nil, .some): throw .invalidRequest("all must be true")
        case (nil, nil, nil): throw .invalidRequest("token is missing (or sub, or all=true)")
        default: throw .invalidRequest("token, sub and all exclude each other")
        }
    }

    /// The signature is verified before a claim is believed. What is no good token is as good as
    /// revoked (RFC 7009 §2.2); one of another client is refused (§2.1).
    private func token(
        _ token: ByteText, _ clientID: ClientID, _ now: Int64
    ) throws(OAuthRefusal) -> Revocation? {
        let verified = try? commons.ports.tokens.verified(token, [.access, .session], now: now)
        guard let claims = verified else { return nil }
        guard claims.clientID == clientID else {
            throw .invalidGrant("token was not issued to this client")
        }
        return .of(claims)
    }
}
