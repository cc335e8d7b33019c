import Bytes
import Clients
import Identifiers
import Testing
import Tokens

@Suite struct GrantTests {
    private func client(rooms: [String] = ["team-*", "lobby"], scopes: [ByteText]) throws -> Client
    {
        Client(
            clientID: "c_1", name: "n", rooms: try rooms.map { try RoomPattern($0) }, origins: [],
            scopes: scopes, createdAt: 0, secrets: [])
    }

    @Test(
        "Rooms within the grant are granted, narrower patterns included",
        arguments: [
            ["team-1"], ["team-a*"], ["team-*"], ["team-"], ["lobby", "team-2"],
        ])
    func within(rooms: [String]) throws {
        let patterns = try rooms.map { try RoomPattern($0) }
        #expect(try client(scopes: []).grant.rooms(patterns) == patterns)
    }

    @Test(
        "A room outside the grant is refused by name",
        arguments: [
            (["*"], "*"), (["team*"], "team*"), (["lobby", "lobby2"], "lobby2"),
            (["lobby*"], "lobby*"),
            (["Lobby"], "Lobby"),
        ])
    func outside(rooms: [String], culprit: String) throws {
        let patterns = try rooms.map { try RoomPattern($0) }
        let client = try client(scopes: [])
        #expect(throws: GrantRefusal.room(try RoomPattern(culprit))) {
            try client.grant.rooms(patterns)
        }
    }

    @Test("Who asks for no rooms gets the whole grant")
    func all() throws {
        #expect(try client(scopes: []).grant.rooms(nil).map(\.text) == ["team-*", "lobby"])
    }

    @Test("Who asks for no scope gets all but session (RFC 6749 §3.3)")
    func defaultScopes() throws {
        #expect(try client(scopes: ["signal"]).grant.scopes(nil) == ["signal"])
        #expect(try client(scopes: ["session", "signal"]).grant.scopes(nil) == ["signal"])
        let onlySession = try client(scopes: ["session"])
        #expect(throws: GrantRefusal.noDefaultScope) { try onlySession.grant.scopes(nil) }
        #expect(try onlySession.grant.scopes(["session"]) == ["session"])
    }

    @Test("A scope outside the grant is refused by name; case counts (RFC 6749 §3.3)")
    func scopes() throws {
        let client = try client(scopes: ["signal"])
        #expect(throws: GrantRefusal.scope("session")) { try client.grant.scopes(["session"]) }
        #expect(throws: GrantRefusal.scope("Signal")) {
            try client.grant.scopes(["signal", "Signal"])
        }
    }
}
