import Bytes
import Clients
import Tokens

/// Turns a granted wish into a signed token.
struct TokenMaker {
    private static let tokenIDBytes = 16

    private let configuration: AuthConfiguration
    private let ports: AuthPorts

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        self.configuration = configuration
        self.ports = ports
    }

    /// Makes a token whose `sub` lies in the client's own name space: no client can name another's
    /// users (RFC 9700 §4.15.1).
    func make(
        _ wish: TokenWish, for clientID: String, now: Int64
    ) throws(OAuthRefusal) -> String {
        let claims = TokenClaims(
            issuer: configuration.issuer, audience: [configuration.audience],
            subject: Subject.full(wish.subject, of: clientID), clientID: clientID,
            issuedAt: now, expiresAt: now + wish.lifetimeSeconds,
            tokenID: Base64URL.encode(ports.random(Self.tokenIDBytes)),
            scopes: wish.scopes.map(\.string),
            rooms: wish.rooms, name: wish.name?.string, kind: wish.kind)
        do {
            return try ports.issue(claims)
        } catch {
            ports.log("token_not_issued", [("client_id", clientID), ("code", error.code)])
            throw .serverError
        }
    }
}
