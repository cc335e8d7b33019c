import Admission
import AdmissionSupport
import Cluster
import Identifiers
import Rooms
import Signalling
import Testing
import WebSocket

@testable import Relay

/// What happens while a connection waits for the other nodes (docs/architecture.md §14).
@Suite struct ClusterWaitingTests {
    private let fleet = Fleet()
    private static let ping = #"{"action":"ping"}"#

    @Test("What a v1 client says behind a join is heard when it is in, in order")
    func heldBehindJoin() throws {
        let ann = try fleet[0].connect(subject: "ann")
        fleet.stall(0)
        #expect(ann.join("R", more: #","ack":1"#).isEmpty)
        #expect(ann.say(Self.ping).isEmpty)
        #expect(ann.join("S", more: #","ack":2"#).isEmpty)
        fleet.stall(0, false)
        #expect(
            ann.take().map { type(of: $0) } == [
                "first_to_join", "room_state", "ack", "pong", "first_to_join", "room_state", "ack",
            ])
    }

    @Test("What a classic client says behind a join is heard when it is in")
    func heldBehindClassicJoin() throws {
        let (ann, bob) = (try fleet[0].connect(isV1: false), try fleet[0].connect(isV1: false))
        bob.join("R", id: "bob")
        _ = bob.take()
        fleet.stall(0)
        ann.join("R", id: "ann")
        ann.send(#"{"n":1}"#, to: bob)
        #expect(bob.take().isEmpty)
        fleet.stall(0, false)
        let told = bob.take()
        #expect(told.count == 2 && told[0].contains("someone_joined"))
        #expect(told.last?.contains(#""n":1"#) == true)
    }

    @Test("A session whose socket is lost while it joins is let in, and told when it is resumed")
    func lostWhileJoining() throws {
        let ann = try fleet[0].connect(subject: "ann")
        fleet.stall(0)
        ann.join("R", id: "ann", more: #","ack":1"#)
        ann.close(.lost)
        fleet.stall(0, false)
        let back = try fleet[0].connect(subject: "ann", loop: 1)
        #expect(
            back.resume(ann.secret, after: 0) == [
                resumed(back, seq: 3), numbered(1, "first_to_join", #""roomId":"R""#),
                roomState(2, "R", []), numbered(3, "ack", #""ack":1"#), roomState(4, "R", []),
            ])
        #expect(fleet[0].service.rooms()[0].members.count == 1)
    }

    @Test(
        "Who says goodbye while it joins is in no room, in either dialect",
        arguments: [true, false])
    func closedWhileJoining(isV1: Bool) throws {
        let (ann, bob) = (
            try fleet[0].connect(subject: "ann", isV1: isV1), try fleet[1].connect()
        )
        fleet.stall(0)
        ann.join("R", id: "ann")
        ann.close(.peerClosed(code: 1000))
        fleet.stall(0, false)
        fleet.wait(milliseconds: 1000)
        #expect(fleet[0].service.roomCount == 0 && fleet[0].service.sessionCount == 0)
        bob.join("R", id: "bob")
        fleet.wait(milliseconds: 1000)
        #expect(fleet[1].service.rooms()[0].members.count == 1)
    }

    @Test("A client that says more than the bus takes waits, and others don't")
    func shares() {
        func payload(of client: ClientID) -> ClusterNote {
            .send(
                OutgoingPayload(
                    room: RoomPlace(
                        digest: RoomDigest(bytes: Array(repeating: 7, count: 32)),
                        clientID: client, name: "R"),
                    sender: ConnectionID(raw: 1), target: .members([]),
                    event: Array(repeating: 7, count: 1 << 20), ticket: nil),
                from: SocketID(raw: 1))
        }
        let (loud, quiet) = (RoomPlace.share(of: "loud"), RoomPlace.share(of: "quiet"))
        let line = BusLine()
        for count in 0..<8 {
            #expect(!line.isBehind(loud), "after \(count)")
            line.tell(payload(of: "loud"))
        }
        #expect(line.isTight && line.isBehind(loud))
        for _ in 0..<3 {
            #expect(!line.isBehind(quiet))
            line.tell(payload(of: "quiet"))
        }
        #expect(!line.isBehind(RoomPlace.share(of: "third")))
        var notes: [ClusterNote] = []
        line.collect(&notes)
        #expect(notes.count == 11 && !line.isTight && !line.isBehind(loud))
    }

    @Test("A session that is refused while its client is away, and is in no room, is over")
    func refusedWhileAway() throws {
        let fleet = Fleet(2, RelayConfiguration(membersPerRoomMax: 1))
        let (ann, bob) = (try fleet[0].connect(subject: "ann"), try fleet[1].connect())
        bob.join("R")
        fleet.stall(0)
        ann.join("R")
        ann.close(.lost)
        #expect(fleet[0].service.sessionCount == 1)
        fleet.stall(0, false)
        #expect(fleet[0].service.sessionCount == 0)
    }

    @Test("A resume waits until a join is answered; the older connection is closed at once: 4509")
    func resumeWhileJoining() throws {
        let ann = try fleet[0].connect(subject: "ann")
        fleet.stall(0)
        ann.join("R", id: "ann", more: #","ack":1"#)
        let back = try fleet[0].connect(subject: "ann", loop: 1)
        #expect(back.resume(ann.secret, after: 0, more: #","ack":2"#).isEmpty)
        back.say(Self.ping)
        #expect(ann.closeCode == .replaced && !back.isClosed)
        fleet.stall(0, false)
        let told = back.take()
        #expect(
            told == [
                resumed(back, seq: 3), numbered(1, "first_to_join", #""roomId":"R""#),
                roomState(2, "R", []), numbered(3, "ack", #""ack":1"#), roomState(4, "R", []),
                numbered(5, "ack", #""ack":2"#), numbered(6, "pong", ""),
            ])
    }

    @Test("Of two resumes that wait the later is taken up; a wait that is given up harms nobody")
    func twoResumes() throws {
        let ann = try fleet[0].connect(subject: "ann")
        ann.join("R", id: "ann")
        let seq = ann.seq
        fleet.stall(0)
        ann.say(#"{"action":"leave-room","roomId":"R","ack":1}"#)
        ann.join("S", id: "ann")
        let first = try fleet[0].connect(subject: "ann", loop: 1)
        let second = try fleet[0].connect(subject: "ann")
        first.resume(ann.secret, after: seq)
        second.resume(ann.secret, after: seq)
        #expect(first.closeCode == .replaced && !second.isClosed)
        second.close(.lost)
        fleet.stall(0, false)
        // It has left its only room, and is there still for who comes soon.
        let third = try fleet[0].connect(subject: "ann")
        #expect(
            third.resume(ann.secret, after: seq) == [
                resumed(third, seq: 3), numbered(3, "ack", #""ack":1"#),
            ])
        #expect(fleet[0].service.roomCount == 0 && third.join("T").count == 2)
    }

    @Test(
        "A resume that waits and is lost leaves the session to the next, however late the old ends")
    func lostWhileResumeWaits() throws {
        let (ann, bob) = (try fleet[0].connect(subject: "ann"), try fleet[1].connect())
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        fleet.cutFromNodes(1)
        ann.send("{}", to: bob, ack: "1")
        fleet[0].loops[0].keepsClosing = true
        let back = try fleet[0].connect(subject: "ann", loop: 1)
        back.resume(ann.secret, after: ann.seq)
        #expect(fleet[0].admission.ledger.awaySessions.count == 1)
        back.close(.lost)
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 1000)
        fleet[0].loops[0].keepsClosing = false
        fleet.run()
        #expect(ann.isClosed && bob.take().map { type(of: $0) } == ["payload"])
        let again = try fleet[0].connect(subject: "ann", loop: 1)
        let told = again.resume(ann.secret, after: ann.seq)
        #expect(told.map { type(of: $0) } == ["resumed", "ack", "room_state"])
        #expect(fleet[0].admission.ledger.awaySessions.isEmpty)
    }

    @Test("All news of a version are told with it, whatever else of it stands between")
    func newsOfVersion() {
        let digest = RoomDigest(of: "a", "R", sha256: fakeDigest)
        let (here, other) = (
            RoomPlace(digest: digest, clientID: "a", name: "R"),
            RoomPlace(
                digest: RoomDigest(of: "a", "S", sha256: fakeDigest), clientID: "a", name: "S")
        )
        let (ann, bob) = (ConnectionID(raw: 1), ConnectionID(raw: 2))
        let effects: [ClusterNode.Effect] = [
            .left(bob, here), .tell(ann, here, .firstToJoin, sdp: nil),
            .tell(ann, other, .firstToJoin, sdp: nil),
            .admitted(ann, here), .tell(bob, here, .firstToJoin, sdp: [1]),
            .room(here, Room(), elsewhere: [:]), .tell(ann, here, .firstToJoin, sdp: nil),
        ]
        let news = ClusterHandler<PostOutput>.news(of: here, effects[...])
        #expect(news.map(\.connection) == [ann, bob])
    }

    @Test("A session that ends while a resume waits fails it at once")
    func endedWhileResumeWaits() throws {
        let ann = try fleet[0].connect(subject: "ann")
        fleet.stall(0)
        ann.join("R", id: "ann")
        let back = try fleet[0].connect(subject: "ann", loop: 1)
        #expect(back.resume(ann.secret, after: 0, more: #","ack":1"#).isEmpty)
        fleet[0].kick(ann)
        #expect(back.take() == [refused(1, "resume_failed", #""resume""#, ack: "1")])
        #expect(fleet[0].service.sessionCount == 1 && !back.isClosed)
        fleet.stall(0, false)
        fleet.wait(milliseconds: 500)
        #expect(fleet[0].service.roomCount == 0)
        #expect(back.join("R", id: "ann").first?.contains("first_to_join") == true)
    }

    @Test("While a leave is on its way, nothing of the room reaches who leaves")
    func deafWhileLeaving() throws {
        let (ann, bob) = (try fleet[0].connect(subject: "ann"), try fleet[0].connect())
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        fleet.stall(0)
        ann.say(#"{"action":"leave-room","roomId":"R"}"#)
        #expect(
            bob.send("{}", to: ann, ack: "1")
                == [refused(2, "unknown_target", #""send-payload""#, ack: "1")])
        bob.say(#"{"action":"broadcast","roomId":"R","payload":{}}"#)
        #expect(ann.take().isEmpty)
        fleet.stall(0, false)
        #expect(bob.take() == [left(3, "R", ann, "ann", "left")])
        #expect(ann.take().isEmpty)
    }
}
