import Clients
import Edge
import HTTPMessages
import Tokens

/// Sessions of browsers: a session token in a cookie that no script can read, and access tokens in
/// exchange for it (docs/backend.md §5).
///
/// Each request wants a page that may, by `Sec-Fetch-Site` or `Origin`: the cookie alone proves
/// nothing, and a page elsewhere must not sign its visitors in as somebody else either (login
/// CSRF).
final class SessionEndpoint: Sendable {
    static let path = "/session"
    static let methods = ["POST", "DELETE", "OPTIONS"]
    static let tokenPath = "/session/token"
    static let tokenMethods = ["POST", "OPTIONS"]
    static let parameters: [FormParameter] = [.scope, .rooms, .expiresIn]

    private let configuration: AuthConfiguration
    private let ports: AuthPorts
    private let gate: ClientGate
    private let pages: PageRules
    private let check: HolderCheck
    private let maker: TokenMaker

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts, _ gate: ClientGate) {
        self.configuration = configuration
        self.ports = ports
        self.gate = gate
        pages = PageRules(configuration, ports)
        check = HolderCheck(ports)
        maker = TokenMaker(configuration, ports)
    }

    /// nil where the path is none of these. `request` has been through the edge step, but for
    /// `POST /session`.
    func respond(to request: HTTPRequest) -> HTTPResponse? {
        let isToken = request.path == Self.tokenPath
        guard isToken || request.path == Self.path else { return nil }
        let methods = isToken ? Self.tokenMethods : Self.methods
        guard request.method != "OPTIONS" else { return pages.preflight(request, methods: methods) }
        var response: HTTPResponse
        do throws(OAuthRefusal) {
            let now = ports.now()
            try gate.admit(request, methods: methods, now)
            response = try isToken ? swap(request, now) : answer(request, now)
        } catch {
            response = error.response
        }
        for (name, value) in pages.sharing(with: request) { response.headers.add(name, value) }
        return response
    }

    private func answer(_ request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> HTTPResponse {
        request.method == "DELETE" ? try end(request, now) : try begin(request, now)
    }

    // MARK: Begin and end

    private func begin(_ request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> HTTPResponse {
        let token = try BearerToken.find(in: request)
        let holder = try check.holder(of: token, [.session], now)
        try pages.check(request, of: holder.client)
        let seconds = holder.claims.expiresAt - now
        guard seconds > 0 else { throw .invalidToken("the token is not good: token_expired") }
        guard token.utf8.count <= configuration.edgeStep.valueBytesMax else {
            throw .invalidRequest(
                "the session token is longer than \(configuration.edgeStep.valueBytesMax) bytes: "
                    + "ask for one with fewer rooms")
        }
        let cookie = setCookie(token, seconds: seconds)
        let body = Array(#"{"expires_in":\#(seconds)}"#.utf8)
        return .json(200, body, headers: NoStore.fields + [cookie])
    }

    /// Ends what there is: a cookie that is no good is taken off all the same.
    private func end(_ request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> HTTPResponse {
        let claims = verified(request, now)
        var client: Client?
        if let claims { client = try check.client(claims.clientID) }
        try pages.check(request, of: client)
        if let claims, !ports.isRevoked(claims) {
            try ports.takeBack(.of(claims), by: .client(claims.clientID))
        }
        let headers = NoStore.fields + [setCookie("", seconds: 0)]
        return HTTPResponse(status: 204, headers: HeaderFields(headers))
    }

    private func verified(_ request: HTTPRequest, _ now: Int64) -> TokenClaims? {
        guard let token = try? BearerToken.find(in: request),
            case .success(let claims) = ports.verify(token, [.session], now)
        else { return nil }
        return claims
    }

    /// RFC 6265bis §4.1: with the name's prefix `__Host-`, for this host and https alone.
    private func setCookie(_ value: String, seconds: Int64) -> (String, String) {
        let name = configuration.edgeStep.cookieName
        return (
            "Set-Cookie",
            "\(name)=\(value); Path=/; Max-Age=\(seconds); HttpOnly; Secure; SameSite=Lax"
        )
    }

    // MARK: Access tokens

    private func swap(_ request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> HTTPResponse {
        guard request.headers.contains("Authorization") else { throw Self.noSession }
        let holder = try check.holder(of: BearerToken.find(in: request), [.session], now)
        try pages.check(request, of: holder.client)
        let wish = try wish(OAuthForm(optional: request), holder, now)
        let token = try maker.make(wish, for: holder.client.clientID, now: now)
        return TokenResponse.make(
            token, wish, extra: TokenResponse.clientID(holder.client.clientID))
    }

    private func wish(
        _ form: OAuthForm, _ holder: TokenHolder, _ now: Int64
    ) throws(OAuthRefusal) -> TokenWish {
        let claims = holder.claims
        // Without the leeway that verifiers grant: it must not grow with each exchange.
        guard now < claims.expiresAt else {
            throw .invalidToken("the token is not good: token_expired")
        }
        let seconds = try TokenWish.lifetime(
            form, of: holder.client, default: configuration.defaultLifetimeSeconds)
        let narrower = NarrowerGrant(of: claims, holder.client)
        return TokenWish(
            scopes: try narrower.scopes(form), rooms: try narrower.rooms(form),
            subject: Subject.user(of: claims.subject, claims.clientID), name: claims.name,
            lifetimeSeconds: min(seconds, claims.expiresAt - now), kind: .access)
    }

    private static let noSession: OAuthRefusal = {
        let plain = OAuthRefusal.bearerNeeded
        return OAuthRefusal(
            status: plain.status, code: plain.code,
            description: "there is no session: POST /session begins one", headers: plain.headers)
    }()
}
