import AdmissionSupport
import Bytes
import Cluster
import Locking
import Signalling
import Testing
import WebSocket

@testable import Relay

/// Rooms whose members are at several nodes of a cluster: what each of them hears is what it would
/// hear at one (docs/protocol.md §2, §3).
@Suite struct ClusterRoomTests {
    private let fleet = Fleet()

    @Test("Of two who join at two nodes the first is told that it is, and then of the second")
    func twoJoin() throws {
        let ann = try fleet[0].connect(subject: "ann")
        let bob = try fleet[1].connect(subject: "bob")
        #expect(
            ann.join("R", id: "ann", more: #","ack":1"#) == [
                numbered(1, "first_to_join", #""roomId":"R""#), roomState(2, "R", []),
                numbered(3, "ack", #""ack":1"#),
            ])
        #expect(
            bob.join("R", id: "bob", more: #","ack":1"#) == [
                roomState(1, "R", [listed(ann, "ann")]), numbered(2, "ack", #""ack":1"#),
            ])
        #expect(ann.take() == [numbered(4, "someone_joined", joined(bob, "bob", own: "ann"))])
        #expect(fleet[0].service.rooms().map(\.members.count) == [2])
        #expect(fleet[1].service.rooms() == fleet[0].service.rooms())
    }

    @Test("Classic members hear of each other across nodes, with the joiner's sdp and no more")
    func classic() throws {
        let (ann, bob) = (
            try fleet[0].connect(isV1: false), try fleet[1].connect(isV1: false)
        )
        #expect(
            ann.join("R", id: "ann") == [#"{"type":"first_to_join","data":{"roomId":"R"}}"#])
        #expect(bob.join("R", id: "bob", more: #","sdp":{"type" : "x"}"#).isEmpty)
        let data = joined(bob, "bob", own: "ann", sdp: #"{"type" : "x"}"#)
        #expect(ann.take() == [#"{"type":"someone_joined","data":{\#(data)}}"#])
        // Again changes nothing, and says nothing.
        #expect(bob.join("R", id: "bob").isEmpty && ann.take().isEmpty)
        bob.close(.peerClosed(code: 1000))
        fleet.run()
        #expect(ann.take().isEmpty && fleet[0].service.rooms()[0].members.count == 1)
        #expect(fleet[1].service.roomCount == 0)
    }

    @Test("The sdp of a v1 joiner is told at its own node and at others, to both dialects")
    func sdp() throws {
        let members = [
            try fleet[0].connect(subject: "ann"), try fleet[0].connect(isV1: false),
            try fleet[1].connect(subject: "bob"), try fleet[1].connect(isV1: false),
        ]
        for member in members { member.join("R") }
        for member in members { _ = member.take() }
        let cat = try fleet[0].connect(subject: "cat")
        cat.join("R", id: "cat", more: #","sdp":[1, 2]"#)
        for member in members {
            let told = member.take()
            #expect(told.count == 1 && told.allSatisfy { $0.contains(#""sdp":[1, 2]"#) })
        }
    }

    @Test("Who leaves is acked when others hear of it, with the reason, and may come again")
    func leave() throws {
        let (ann, bob) = (try fleet[0].connect(subject: "ann"), try fleet[1].connect())
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        #expect(
            ann.say(#"{"action":"leave-room","roomId":"R","ack":7}"#)
                == [numbered(4, "ack", #""ack":7"#)])
        #expect(bob.take() == [left(2, "R", ann, "ann", "left")])
        #expect(fleet[0].service.roomCount == 0)
        #expect(ann.join("R", id: "ann") == [roomState(5, "R", [listed(bob, "bob")])])
        #expect(bob.take() == [numbered(3, "someone_joined", joined(ann, "ann", own: "bob"))])
        ann.close(.peerClosed(code: 1000))
        #expect(bob.take() == [left(4, "R", ann, "ann", "closed")])
        #expect(fleet[0].service.roomCount == 0 && fleet[0].service.sessionCount == 0)
    }

    @Test("A peer that joins at another node takes its own place, and the older is closed: 4509")
    func replaced() throws {
        let (ann, bob) = (try fleet[0].connect(subject: "ann"), try fleet[1].connect())
        ann.join("R", id: "ann")
        ann.join("S", id: "ann")
        bob.join("S", id: "bob")
        _ = bob.take()
        let again = try fleet[1].connect(subject: "ann")
        #expect(again.join("R", id: "ann", more: #","ack":1"#).count == 3)
        #expect(ann.closeCode == .replaced && fleet[0].service.sessionCount == 0)
        #expect(bob.take() == [left(2, "S", ann, "ann", "replaced")])
        let other = try fleet[0].connect(subject: "eve")
        #expect(
            other.join("R", id: "ann")
                == [refused(1, "peer_id_taken", #""join-room""#)])
        #expect(fleet[0].service.roomCount == 0)
    }

    @Test("A room is full across nodes, and each may be in as many rooms as at one")
    func limits() throws {
        let fleet = Fleet(2, RelayConfiguration(roomsPerConnectionMax: 2, membersPerRoomMax: 2))
        let clients = try (0..<3).map { try fleet[$0 % 2].connect(subject: "s\($0)") }
        clients[0].join("R")
        clients[1].join("R")
        #expect(
            clients[2].join("R", more: #","ack":1"#)
                == [refused(1, "room_full", #""join-room""#, ack: "1")])
        let late = try fleet[1].connect(isV1: false)
        #expect(late.join("R").isEmpty)
        clients[0].join("S")
        _ = clients[0].take()
        #expect(clients[0].join("T").first?.contains("too_many_rooms") == true)
        clients[1].say(#"{"action":"leave-room","roomId":"R"}"#)
        #expect(clients[2].join("R", more: #","ack":2"#).count == 2)
    }

    @Test("Rooms that a new token does not grant are left before the refresh is acked")
    func refresh() throws {
        let (ann, bob) = (try fleet[0].connect(rooms: ["a", "b", "c"]), try fleet[1].connect())
        for room in ["a", "b", "c"] {
            ann.join(room, id: "ann")
            bob.join(room, id: "bob")
        }
        _ = (ann.take(), bob.take())
        let token = try fleet.world.token(rooms: ["c"])
        #expect(
            ann.say(#"{"action":"refresh-token","token":"\#(token)","ack":1}"#).last?
                .contains(#""ack":1"#) == true)
        #expect(
            bob.take() == [left(4, "a", ann, "ann", "left"), left(5, "b", ann, "ann", "left")])
    }

    @Test("An operator's kick finds a connection at whatever node it is, and tells whether it did")
    func kick() throws {
        let (ann, bob) = (try fleet[0].connect(subject: "ann"), try fleet[0].connect(isV1: false))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        for client in [ann, bob] {
            let digits = Array(client.connection.utf8)
            let connection = ConnectionID(digits.span, digits.indices) ?? ConnectionID(raw: 0)
            for outcome in [KickOutcome.closed(at: "n0"), .nowhere] {
                let answer = Answer()
                fleet[1].service.kick(connection) { outcome in
                    answer.value.withLock { $0 = outcome }
                }
                fleet.run()
                #expect(answer.value.withLock { $0 } == outcome)
            }
            #expect(client.closeCode == .revoked)
        }
        #expect(fleet[0].service.roomCount == 0)
    }

    private final class Answer: Sendable { let value = Lock<KickOutcome?>(nil) }
}
