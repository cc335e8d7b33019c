import Access
import Bytes
import Clients
import HTTPMessages
import Identifiers
import Tokens

/// What the endpoints share: there is one, so that what is counted at one counts at all.
final class AuthCommons: Sendable {
    let configuration: AuthConfiguration
    let ports: AuthPorts
    let pages: PageRules
    /// Of what clients write to the registry, but for the marks of their assertions.
    let writes = WriteRate()
    private let authenticator: ClientAuthenticator
    private let audience: [String]
    private let addresses: RequestLimit<AddressGroup>

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        self.configuration = configuration
        self.ports = ports
        audience = [configuration.audience]
        pages = PageRules(configuration, ports)
        authenticator = ClientAuthenticator(issuer: configuration.issuer, ports)
        addresses = RequestLimit(
            configuration.addressRequestsPerSecond, inSeconds: 1,
            beyond: "more than \(configuration.addressRequestsPerSecond) requests a second from "
                + "this address")
    }

    func countAddress(of call: Call) throws(OAuthRefusal) {
        try addresses.take(AddressGroup(call.request.clientAddress), call.now)
    }

    /// The client that the request proves to come from, within its rate at this endpoint.
    func client(
        of call: Call, _ form: OAuthForm, within rate: ClientRate
    ) throws(OAuthRefusal) -> Client {
        let client = try authenticator.client(
            for: PresentedCredentials.find(in: call.request, form),
            from: call.request.clientAddress, now: call.now)
        try rate.take(client, call.now)
        return client
    }

    /// Whoever bears this token, at an endpoint that is itself a protected resource (RFC 6750 §3).
    /// `demoClient` counts as registered.
    ///
    /// - Throws: 401 for a token that is forged, expired, revoked, of another kind or of a client
    ///   that is gone; 503 where the registry cannot be asked.
    func holder(
        of token: ByteText, _ kinds: Set<TokenKind>, _ leeway: TokenCheck.Leeway, _ now: Int64,
        demoClient: Client? = nil
    ) throws(OAuthRefusal) -> TokenHolder {
        let claims: TokenClaims
        do throws(TokenRefused) {
            claims = try ports.tokens.claims(of: token, kinds, leeway, now: now)
        } catch {
            throw .invalidToken("the token is not good: \(error.code)")
        }
        let isDemo = demoClient?.clientID == claims.clientID
        let client = isDemo ? demoClient : try ports.ask(ports.client, claims.clientID)
        guard let client, client.isEnabled else {
            throw .invalidToken("the token is of a client that is disabled or gone")
        }
        return TokenHolder(claims: claims, client: client)
    }

    /// Makes a token whose `sub` lies in the client's own name space: no client can name another's
    /// users (RFC 9700 §4.15.1).
    func token(_ wish: TokenWish, for clientID: ClientID, _ now: Int64) throws(OAuthRefusal)
        -> String
    {
        let claims = TokenClaims(
            issuer: configuration.issuer, audience: audience,
            subject: Subject(wish.subject, of: clientID), clientID: clientID,
            issuedAt: now, expiresAt: now + wish.lifetimeSeconds,
            tokenID: Base64URL.encode(ports.random(Self.tokenIDBytes)),
            scopes: wish.scopes.map(\.string),
            rooms: wish.rooms, name: wish.name?.string, kind: wish.kind)
        do {
            return try ports.issue(claims)
        } catch {
            ports.log("token_not_issued", [("client_id", clientID.string), ("code", error.code)])
            throw .serverError
        }
    }

    private static let tokenIDBytes = 16
}

/// Whoever bears a good token of ours: what it says, and the client it was issued to.
struct TokenHolder {
    let claims: TokenClaims
    let client: Client
}

extension Call {
    func check(_ methods: [ByteText]) throws(OAuthRefusal) {
        guard methods.contains(request.method) else {
            throw .methodNotAllowed(allow: OAuthText.list(methods))
        }
    }

    /// The token in `Authorization`. Where there is none, a cookie that cannot be used is what is
    /// wrong.
    func bearer() throws(OAuthRefusal) -> ByteText {
        try BearerToken.find(in: request, beside: cookieRefusal)
    }
}
