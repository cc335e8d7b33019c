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
            tokenID: Base64URL.encode(ports.random(Self.tokenIDBytes)), scopes: wish.scopes,
            rooms: wish.rooms, name: wish.name, kind: wish.kind)
        do {
            return try ports.issue(claims)
        } catch {
            ports.log("token_not_issued", [("client_id", clientID), ("code", error.code)])
            throw .serverError
        }
    }
}

/// The `sub` of a client's tokens: its id, and after a colon its own name for a user.
enum Subject {
    /// `user` is nil where the client acts for itself.
    static func full(_ user: String?, of clientID: String) -> String {
        user.map { "\(clientID):\($0)" } ?? clientID
    }

    /// The client's own name for the user whose `sub` this is; nil where there is none.
    static func user(of subject: String, _ clientID: String) -> String? {
        guard subject.utf8.starts(with: "\(clientID):".utf8) else { return nil }
        let user = subject.utf8.dropFirst(clientID.utf8.count + 1)
        return user.isEmpty ? nil : String(Substring(user))
    }
}
