import Access
import Bytes
import Clients
import HTTPMessages
import Tokens

/// Whoever bears a good token of ours: what it says, and the client it was issued to.
struct TokenHolder {
    let claims: TokenClaims
    let client: Client
}

/// Looks at tokens for endpoints that are themselves protected resources (RFC 6750 §3).
struct HolderCheck: Sendable {
    private let ports: AuthPorts
    /// In no registry.
    private let demoClient: Client?

    init(_ ports: AuthPorts, demoClient: Client? = nil) {
        self.ports = ports
        self.demoClient = demoClient
    }

    /// - Throws: 401 for a token that is forged, expired, revoked, of another kind or of a client
    ///   that is gone; 503 where the registry cannot be asked.
    func holder(
        of token: ByteText, _ kinds: Set<TokenKind>, _ leeway: TokenCheck.Leeway, _ now: Int64
    ) throws(OAuthRefusal) -> TokenHolder {
        let claims: TokenClaims
        do throws(TokenRefused) {
            claims = try ports.tokens.claims(of: token, kinds, leeway, now: now)
        } catch {
            throw .invalidToken("the token is not good: \(error.code)")
        }
        guard let client = try client(claims.clientID), client.isEnabled else {
            throw .invalidToken("the token is of a client that is disabled or gone")
        }
        return TokenHolder(claims: claims, client: client)
    }

    /// nil where there is none.
    func client(_ id: String) throws(OAuthRefusal) -> Client? {
        if let demoClient, ByteText(demoClient.clientID) == ByteText(id) { return demoClient }
        do {
            return try ports.client(id)
        } catch {
            throw ports.unavailable(error)
        }
    }
}
