import Access
import Admission
import Bytes
import Identifiers
import Locking
import ServerlessRelay
import StrictJSON
import Testing
import Tokens

@Suite("Fresh tokens for the function (docs/protocol.md §3)") struct TokenRefreshTests {
    private let world = StoreWorld()

    /// Says it to a function that makes this of every token.
    private func refresh(
        _ peer: Peer, _ verdict: Result<TokenClaims, TokenRefused>
    ) throws {
        let relay = ServerlessRelay(
            ServerlessConfiguration(), table: world.table.port, gateway: world.gateway.port,
            timers: world.timers, ports: world.ports,
            verify: { _, _, _ throws(TokenRefused) in try verdict.get() })
        let event: JSONValue = [
            "requestContext": ["eventType": "MESSAGE", "connectionId": .string(peer.gateway)],
            "body": .string(#"{"action":"refresh-token","token":"a.SECRET.c","ack":1}"#),
        ]
        let invoked = world.invocation()
        #expect(
            relay.handle(event.serialized(), id: invoked.id, deadline: invoked.deadline) != nil)
    }

    private func claims(of client: String, scopes: [String] = ["signal"]) throws -> TokenClaims {
        TokenClaims(
            issuer: "https://usher.example", audience: ["https://usher.example"],
            subject: Subject(client),
            clientID: ClientID(client), issuedAt: 1_800_000_000, expiresAt: 2_100_000_000,
            tokenID: "fresh",
            scopes: scopes, rooms: [try RoomPattern("*")], name: nil, kind: .access)
    }

    @Test("A good one takes the old one's place")
    func good() throws {
        let peer = try Peer(world, "a")
        try refresh(peer, .success(try claims(of: "c")))
        #expect(peer.acks == [1])
        #expect(try peer.view()?.grant.token.tokenID == "fresh")
    }

    @Test("A bad one is refused, and the old one stays in force")
    func bad() throws {
        let peer = try Peer(world, "a")
        let verdicts: [Result<TokenClaims, TokenRefused>] = [
            .failure(TokenRefused(code: "token_signature")), .success(try claims(of: "d")),
            .success(try claims(of: "c", scopes: [])),
        ]
        for verdict in verdicts { try refresh(peer, verdict) }
        let errors = peer.heard("error")
        #expect(
            errors.map { $0.data["code"]?.string } == Array(repeating: "invalid_token", count: 3))
        #expect(peer.acks.isEmpty)
        #expect(try peer.view()?.grant.token.tokenID == "t-a")
    }

    @Test("Where there are no keys none is called bad: its client comes back, and tries again")
    func noKeys() throws {
        let (one, two) = try pair(in: world)
        try refresh(one, .failure(.keysUnavailable))
        #expect(one.heard("error").isEmpty && one.acks.isEmpty)
        #expect(one.heard("usher.closing").map { $0.data["code"]?.int64 } == [1013])
        #expect(world.gateway.state.withLock { $0.ended } == [one.gateway])
        #expect(world.log.withLock { $0 } == ["message_failed reason=token_keys_unavailable"])
        // It is away, not gone.
        #expect(two.heard("someone_left").isEmpty)
        #expect(try one.resume())
        #expect(try one.view()?.grant.token.tokenID == "t-a")
        try refresh(one, .success(try claims(of: "c")))
        #expect(one.acks == [1])
        #expect(try one.view()?.grant.token.tokenID == "fresh")
    }
}
