import Access
import Bytes
import Clients
import Edge
import HTTPMessages
import Identifiers
import Tokens

/// Sessions of browsers: a session token in a cookie that no script can read, and access tokens in
/// exchange for it (docs/backend.md §5).
///
/// Each request wants a page that may, by `Sec-Fetch-Site` or `Origin`: the cookie alone proves
/// nothing, and a page elsewhere must not sign its visitors in as somebody else either (login
/// CSRF).
final class SessionEndpoint: Endpoint {
    static let path: ByteText = "/session"
    static let tokenPath: ByteText = "/session/token"
    static let parameters: [FormParameter] = [.clientID, .scope, .rooms, .expiresIn]

    private let commons: AuthCommons
    /// Apart from what the clients themselves write, so that they cannot keep a user from signing
    /// out.
    private let writes = WriteRate()

    private var configuration: AuthConfiguration { commons.configuration }
    private var pages: PageRules { commons.pages }

    init(_ commons: AuthCommons) { self.commons = commons }

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        if call.request.path == Self.tokenPath { return try swap(call) }
        return call.request.method == "DELETE"
            ? try end(call.request, call.now) : try begin(call.request, call.now)
    }

    // MARK: Begin

    private func begin(_ request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> HTTPResponse {
        let token = try BearerToken.find(in: request)
        let holder = try commons.holder(of: token, [.session], .strict, now)
        try pages.check(request, of: holder.client)
        let seconds = holder.claims.expiresAt - now
        guard token.count <= configuration.edgeStep.valueBytesMax else {
            throw .invalidRequest(
                "the session token is longer than \(configuration.edgeStep.valueBytesMax) bytes: "
                    + "ask for one with fewer rooms")
        }
        let cookie = setCookie(token, seconds: seconds)
        let body = Array(#"{"expires_in":\#(seconds)}"#.utf8)
        return .json(200, body, headers: NoStore.fields + [cookie])
    }

    /// RFC 6265bis §4.1: with the name's prefix `__Host-`, for this host and https alone.
    private func setCookie(_ value: ByteText, seconds: Int64) -> (ByteText, ByteText) {
        let name = configuration.edgeStep.cookieName
        return (
            "Set-Cookie",
            "\(name)=\(value); Path=/; Max-Age=\(seconds); HttpOnly; Secure; SameSite=Lax"
        )
    }

    // MARK: Access tokens

    private func swap(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        guard call.cookieRefusal != nil || call.request.headers.contains("Authorization") else {
            throw .bearerNeeded("there is no session: POST /session begins one")
        }
        let holder = try commons.holder(of: call.bearer(), [.session], .strict, call.now)
        try pages.check(call.request, of: holder.client)
        let form = try OAuthForm(optional: call.request)
        if let clientID = form.clientID, clientID != holder.client.clientID {
            throw Self.otherClient
        }
        let claims = holder.claims
        let wish = try TokenWish(
            form, outOf: claims, of: holder.client,
            subject: claims.subject.user(of: claims.clientID),
            name: claims.name.map { ByteText($0) },
            defaultLifetimeSeconds: configuration.defaultLifetimeSeconds, call.now)
        let token = try commons.token(wish, for: holder.client.clientID, call.now)
        return TokenResponse.make(
            token, wish, extra: TokenResponse.clientID(holder.client.clientID))
    }

    /// One browser holds one session of an origin, whichever client's it is.
    private static let otherClient = OAuthRefusal.forbidden(
        "client_mismatch", "the session is of another client than client_id: sign in for this one")
}

// MARK: End

extension SessionEndpoint {
    /// A token of this request that is a session's, and whose.
    private struct Held {
        let claims: TokenClaims
        /// nil where it is gone, or an own page asks and nobody can tell.
        let client: Client?
    }

    /// More tokens of one name than a browser holds for one page; each costs a signature check.
    private static let tokensMax = 8

    /// Signs out whatever the cookie holds, and however many there are of it: each session that the
    /// page may end is revoked, and the cookie is taken off in any case.
    private func end(_ request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> HTTPResponse {
        let held = try held(by: request, now)
        let ended = held.filter { pages.allows(request, of: $0.client) }
        let isOfNobody = held.allSatisfy { $0.client == nil } && pages.isKnown(request)
        guard !ended.isEmpty || isOfNobody else { throw PageRules.refusal }
        var isTakenBack = tokens(in: request).count <= Self.tokensMax
        for session in ended where !commons.ports.tokens.isRevoked(RevocableToken(session.claims)) {
            do throws(OAuthRefusal) {
                if let client = session.client { try writes.take(client, now) }
                try commons.ports.takeBack(
                    .of(session.claims), by: .session(ofClient: session.claims.clientID))
            } catch {
                isTakenBack = false
            }
        }
        let cookie = setCookie("", seconds: 0)
        guard isTakenBack else { throw Self.notTakenBack(cookie) }
        return HTTPResponse(status: 204, headers: HeaderFields(NoStore.fields + [cookie]))
    }

    private func held(by request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> [Held] {
        let ports = commons.ports
        let isOwnPage = pages.allows(request, of: nil)
        var held: [Held] = []
        for token in tokens(in: request).prefix(Self.tokensMax) {
            guard let claims = try? ports.tokens.verified(token, [.session], now: now) else {
                continue
            }
            // The issuer's own pages may end every session, whether or not a look-up succeeds.
            let client =
                isOwnPage
                ? (try? ports.ask(ports.client, claims.clientID)) ?? nil
                : try ports.ask(ports.client, claims.clientID)
            held.append(Held(claims: claims, client: client))
        }
        return held
    }

    /// What the cookies hold, or `Authorization` where an edge before us has made that of them.
    private func tokens(in request: HTTPRequest) -> [ByteText] {
        let name = configuration.edgeStep.cookieName
        let values = Cookies.values(named: name, in: request.headers)
        guard values.isEmpty else { return values.map(Self.unquoted).filter(BearerGrammar.isToken) }
        return (try? BearerToken.find(in: request)).map { [$0] } ?? []
    }

    /// Without the quotation marks that some put around a cookie's value (RFC 6265 §4.1.1).
    private static func unquoted(_ value: ByteText) -> ByteText {
        let bytes = value.utf8
        let mark = UInt8(ascii: "\"")
        guard bytes.count >= 2, bytes.first == mark, bytes.last == mark else { return value }
        return ByteText(Substring(bytes.dropFirst().dropLast()))
    }

    /// The page can do no more: the token went with its cookie.
    private static func notTakenBack(_ cookie: (ByteText, ByteText)) -> OAuthRefusal {
        OAuthRefusal(
            status: 503, code: "temporarily_unavailable",
            description: "the cookie was taken off, but its session token could not be revoked and "
                + "stays good until it ends: the client's backend can revoke all of the user's "
                + "tokens (POST /oauth2/revoke with sub)",
            headers: [OAuthRefusal.Header(name: cookie.0, value: cookie.1)])
    }
}
