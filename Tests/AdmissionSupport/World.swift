package import Access
package import Admission
internal import Bytes
package import HTTPMessages
internal import Identifiers
package import Locking
package import Tokens

/// All that admission and the relay ask of the world, as a test wants it.
package final class World: Sendable {
    package struct State {
        package var tokens: [String: TokenClaims] = [:]
        package var clients: [String: ClientStanding] = [:]
        package var used: Set<String> = []
        package var revoked: Set<String> = []
        package var canMark = true
        package var verified: [String] = []
        package var now: Int64 = 1_000_000
        package var milliseconds: Int64 = 0
        package var randomCount: UInt64 = 0
        package var lastRandom: UInt64 = 0
        package var log: [String] = []
        package var hasTURN = false
        var followers: [@Sendable () -> Void] = []
    }

    package let state = Lock(State())

    /// Knows the clients `a` and `b`, both with the origin `https://app.example`.
    package init() {
        state.withLock {
            for id in ["a", "b"] {
                $0.clients[id] = ClientStanding(isEnabled: true, origins: ["https://app.example"])
            }
        }
    }

    package func ports() -> AdmissionPorts {
        AdmissionPorts(
            now: { self.state.withLock { $0.now } },
            monotonicMilliseconds: { self.state.withLock { $0.milliseconds } },
            tokens: TokenCheck(
                verify: { text, kinds, _ throws(TokenRefused) in try self.verify(text, kinds) },
                isRevoked: { token in
                    let names: Set = [token.tokenID, token.subject.string]
                    return self.state.withLock { !$0.revoked.isDisjoint(with: names) }
                }),
            client: { id in self.state.withLock { $0.clients[id.string] } },
            markUsed: { id, _ in
                self.state.withLock {
                    guard $0.canMark else { return .unavailable }
                    return $0.used.insert(id).inserted ? .fresh : .used
                }
            },
            sha1: { _ in Array(repeating: 0, count: 20) },
            log: { event, fields in
                let text = fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
                self.state.withLock { $0.log.append("\(event) \(text)") }
            })
    }

    private func verify(
        _ text: String, _ kinds: Set<TokenKind>
    ) throws(TokenRefused) -> TokenClaims {
        let claims = state.withLock {
            $0.verified.append(text)
            return $0.tokens[text]
        }
        guard let claims else { throw TokenRefused(code: "token_signature") }
        guard kinds.contains(claims.kind) else { throw TokenRefused(code: "token_type") }
        return claims
    }

    package func random() -> UInt64 {
        state.withLock {
            $0.randomCount += 1
            $0.lastRandom = $0.randomCount &* 0x9E37_79B9_7F4A_7C15
            return $0.lastRandom
        }
    }

    /// Makes a token that verifies, of three parts.
    package func token(
        client: String = "a", subject: String? = nil, scopes: [String] = ["signal"],
        rooms: [String] = ["*"], name: String? = nil, kind: TokenKind = .access,
        seconds: Int64 = 600
    ) throws -> String {
        let patterns = try rooms.map { try RoomPattern($0) }
        return state.withLock {
            let text = "header\($0.tokens.count).SECRET.signature"
            $0.tokens[text] = TokenClaims(
                issuer: "https://usher.example", audience: ["https://usher.example"],
                subject: Subject(subject ?? client), clientID: ClientID(client),
                issuedAt: $0.now,
                expiresAt: $0.now + seconds, tokenID: "jti\($0.tokens.count)", scopes: scopes,
                rooms: patterns, name: name, kind: kind)
            return text
        }
    }

    /// Revokes by `jti` or by `sub`.
    package func revoke(_ id: String) { change { _ = $0.revoked.insert(id) } }

    package func disable(_ client: String) {
        change { $0.clients[client] = ClientStanding(isEnabled: false, origins: []) }
    }

    package func enable(_ client: String) {
        change {
            $0.clients[client] = ClientStanding(isEnabled: true, origins: ["https://app.example"])
        }
    }

    package func remove(_ client: String) { change { $0.clients[client] = nil } }

    /// Whoever follows hears of it, as of changes of the registry.
    package func change(_ change: (inout State) -> Void) {
        let followers = state.withLock { state in
            change(&state)
            return state.followers
        }
        for follower in followers { follower() }
    }

    package func follow(_ follower: @escaping @Sendable () -> Void) {
        state.withLock { $0.followers.append(follower) }
    }

    package var log: [String] { state.withLock { $0.log } }

    /// The id that the connection got which was opened last, as 16 digits.
    package var lastConnection: String {
        let digits = String(state.withLock { $0.lastRandom }, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// A good handshake with this query and these fields beside the necessary ones.
package func handshake(
    _ query: String? = nil, _ headers: [(String, String)] = [], address: String = "192.0.2.1"
) -> HTTPRequest {
    let necessary = [
        ("Host", "usher.example"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    return HTTPRequest(
        method: "GET", path: "/dev", query: query.map { ByteText($0) },
        headers: HeaderFields((necessary + headers).map { (ByteText($0), ByteText($1)) }),
        peerAddress: address)
}

extension AdmissionDecision {
    package var refusal: HTTPResponse? {
        if case .refuse(let response) = self { response } else { nil }
    }
    package var admission: SocketAdmission? {
        if case .accept(_, let admission) = self { admission } else { nil }
    }
    package var status: Int? {
        switch self {
        case .notAnUpgrade: nil
        case .refuse(let response): response.status
        case .accept: 101
        }
    }
}
