import Admission
import AdmissionSupport
import Relay
import Testing
import WebSocket

/// docs/protocol.md §4 for the classic dialect: nothing is sent, and only what is no JSON object
/// closes.
@Suite struct RefusedMessageTests {
    private let relay = Hub(
        RelayConfiguration(roomsPerConnectionMax: 2, membersPerRoomMax: 2), isV1: false)

    @Test(
        "A refused message sends nothing and leaves the connection open",
        arguments: [
            "{}", #"{"action":"dance"}"#, #"{"action":"join-room"}"#,
            #"{"action":"join-room","roomId":1}"#,
            #"{"action":"send-payload","target":"x","payload":{}}"#,
            #"{"action":"leave-room","roomId":"R"}"#, #"{"action":"ping"}"#,
        ])
    func staysOpen(text: String) throws {
        let ann = try relay.connect()
        #expect(relay.asked { ann.say(text) }.isEmpty)
        #expect(relay.asked { ann.join("R") } == [ann.firstToJoin("R")])
        ann.close()
        #expect(relay.world.log.last?.contains("refused_messages=1") == true)
    }

    @Test(
        "Text that is not a JSON object is closed with 1007, out of all rooms at once",
        arguments: [
            "", "x", "[]", "null", #""join-room""#, "{", "{}{}",
        ])
    func closes(text: String) throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R")
        relay.net.isHeld = true
        #expect(relay.asked { ann.say(text) } == [.close(ann.socket, .invalidPayload)])
        #expect(relay.asked { ann.say(text) }.isEmpty)
        #expect(relay.asked { ann.join("R") }.isEmpty)
        #expect(relay.asked { bob.join("R") } == [bob.firstToJoin("R")])
        ann.close(.closedByUs(.invalidPayload))
        #expect(relay.world.log.last?.contains("end=server 1007") == true)
        #expect(relay.admission.ledger.total == 1)
    }

    @Test(
        "room_forbidden: a room that the token does not grant is not entered (docs/protocol.md §4)",
        arguments: [
            ("lobby", true), ("team-1", true), ("team-", true), ("team", false),
            ("lobby2", false), ("Lobby", false), ("*", false), ("other", false),
        ])
    func forbidden(room: String, granted: Bool) throws {
        let ann = try relay.connect(rooms: ["lobby", "team-*"])
        #expect(relay.asked { ann.join(room) } == (granted ? [ann.firstToJoin(room)] : []))
        #expect(relay.service.roomCount == (granted ? 1 : 0))
    }

    @Test("A token without rooms opens none")
    func noRooms() throws {
        let ann = try relay.connect(rooms: [])
        #expect(relay.asked { ann.join("R") }.isEmpty)
    }

    @Test("too_many_rooms: beyond the rooms of a connection none is entered")
    func tooManyRooms() throws {
        let ann = try relay.connect()
        ann.join("1")
        ann.join("2")
        #expect(relay.asked { ann.join("3") }.isEmpty)
        #expect(relay.asked { ann.join("1") }.isEmpty)
        #expect(relay.service.roomCount == 2)
        ann.close()
        #expect(relay.world.log.last?.contains("refused_messages=1") == true)
    }

    @Test("room_full: beyond the members of a room nobody enters, until one leaves")
    func roomFull() throws {
        let peers = try (0..<3).map { _ in try relay.connect() }
        for peer in peers { peer.join("R") }
        #expect(relay.asked { peers[2].join("R") }.isEmpty)
        #expect(relay.asked { peers[2].send("{}", to: peers[0]) }.isEmpty)
        peers[0].close()
        #expect(relay.asked { peers[2].join("R") } == [peers[1].someoneJoined(peers[2])])
    }
}
