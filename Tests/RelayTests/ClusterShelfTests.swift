import AdmissionSupport
import Cluster
import Sessions
import Signalling
import Testing
import WebSocket

@testable import Relay

/// What a node that ends while no other lives leaves for the next of its name (docs/protocol.md §6,
/// docs/architecture.md §14).
@Suite struct ClusterShelfTests {
    private let fleet = Fleet(1)

    private func meet() throws -> (Client, Client, Client) { try fleet[0].meet() }

    @Test("Ids, rooms, order and events are as they were; classic peers have left")
    func resume() throws {
        let (ann, bob, carl) = try meet()
        bob.close(.lost)
        ann.send(#"{"n":1}"#, to: bob, ack: "1")
        let shelf = try #require(fleet.stop(0))
        #expect(shelf.count == 2 && fleet[0].service.sessionCount == 0)
        #expect(fleet.nodes[0].standing == .left)
        #expect(try fleet.start("n0", with: shelf.bytes) == .init(count: 2))
        #expect(fleet[1].service.sessionCount == 2)
        #expect(fleet[1].service.rooms().flatMap(\.members).map(\.peerID) == ["ann", "bob"])
        let back = try fleet[1].connect(subject: "bob")
        #expect(
            back.resume(bob.secret, after: bob.seq) == [
                resumed(back, seq: 4),
                numbered(3, "payload", #""connectionId":"\#(ann.connection)","n":1"#),
                left(4, "R", carl, "carl", "lost"),
                roomState(5, "R", [listed(ann, "ann")]),
            ])
        let other = try fleet[1].connect(subject: "ann", loop: 1)
        let told = other.resume(ann.secret, after: ann.seq)
        #expect(told.last?.contains("room_state") == true)
        #expect(told.contains { $0.contains("someone_left") && $0.contains("carl") })
        #expect(!told.contains { $0.contains("someone_joined") })
        other.send(#"{"n":2}"#, to: back)
        #expect(
            back.take() == [
                numbered(6, "payload", #""connectionId":"\#(ann.connection)","n":2"#)
            ])
    }

    @Test("What has something outstanding ends, and the others hear of it when they are back")
    func outstanding() throws {
        let (ann, bob, _) = try meet()
        fleet.stall(0)
        bob.join("S", id: "bob")
        let shelf = fleet.stop(0)
        #expect(shelf?.count == 1)
        fleet.stall(0, false)
        #expect(try fleet.start("n0", with: shelf?.bytes) == .init(count: 1))
        let back = try fleet[1].connect(subject: "ann")
        let told = back.resume(ann.secret, after: ann.seq)
        #expect(
            told.contains { $0.contains(#""peerId":"bob","reason":"lost""#) }, "\(told)")
        let late = try fleet[1].connect(subject: "bob")
        #expect(
            late.resume(bob.secret, after: 0) == [refused(1, "resume_failed", #""resume""#)])
    }

    @Test("What does not fit is dropped: sent events first, whole sessions last")
    func budget() throws {
        let fleet = Fleet(1, RelayConfiguration(detachedBytesMax: 8000))
        let (cat, dan) = (
            try fleet[0].connect(subject: "cat"), try fleet[0].connect(subject: "dan")
        )
        cat.join("R", id: "cat")
        dan.join("R", id: "dan")
        dan.close(.lost)
        let (secret, seq) = (cat.secret, cat.seq)
        fleet[0].service.prepareStop()
        let text = String(repeating: "x", count: 1000)
        for _ in 0..<4 { cat.send(#"{"t":"\#(text)"}"#, to: dan) }
        let shelf = try #require(fleet.stop(0))
        #expect(shelf.count == 1 && shelf.dropped.sessions.count == 1)
        #expect(try fleet.start("n0", with: shelf.bytes) == .init(count: 1))
        let told = try fleet[1].connect(subject: "cat").resume(secret, after: seq)
        #expect(told.contains { $0.contains(#""peerId":"dan","reason":"lost""#) }, "\(told)")
    }

    @Test("Revoked meanwhile, a session is kicked before it is there")
    func revoked() throws {
        let (ann, _, _) = try meet()
        let shelf = fleet.stop(0)
        fleet.world.revoke("bob")
        #expect(try fleet.start("n0", with: shelf?.bytes) == .init(count: 1, revoked: 1))
        let back = try fleet[1].connect(subject: "ann")
        let told = back.resume(ann.secret, after: ann.seq)
        #expect(told.contains { $0.contains(#""peerId":"bob","reason":"kicked""#) }, "\(told)")
    }

    @Test("Where another node met them first they are lost, and it heard nothing of them")
    func another() throws {
        let (ann, bob, _) = try meet()
        let shelf = fleet.stop(0)
        fleet.start("other")
        let eve = try fleet[1].connect(subject: "eve")
        #expect(eve.join("R", id: "eve").first?.contains("first_to_join") == true)
        #expect(try fleet.start("n0", with: shelf?.bytes) == .init(dropped: 2))
        for (client, subject) in [(ann, "ann"), (bob, "bob")] {
            let back = try fleet[2].connect(subject: subject)
            let told = back.resume(client.secret, after: client.seq)
            #expect(told == [refused(1, "resume_failed", #""resume""#)])
        }
        #expect(eve.take().isEmpty)
    }

    @Test("A client that asks another node has its session, once it is back")
    func elsewhere() throws {
        let (ann, _, _) = try meet()
        let shelf = fleet.stop(0)
        fleet.start("other")
        fleet.start("n0", awaitsShelf: true)
        let back = try fleet[1].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: ann.seq).isEmpty)
        try fleet[2].service.putBack(shelf?.bytes) { _ in }
        fleet.run()
        #expect(back.take().map { type(of: $0) }.first == "resumed")
    }

    @Test("While another lives nothing is left, nor where no session waits")
    func nothing() throws {
        let two = Fleet(2)
        try two[0].connect(subject: "ann").join("R", id: "ann")
        #expect(two.stop(0) == nil)
        two.wait(milliseconds: 1000)
        #expect(two.nodes[0].standing == .left)
        let short = Fleet(1, RelayConfiguration(resumeGraceSeconds: 0))
        try short[0].connect(subject: "ann").join("R", id: "ann")
        #expect(short.stop(0) == nil && short.nodes[0].standing == .left)
        // Nor are they put back where the next process does not wait.
        _ = try meet()
        let shelf = fleet.stop(0)
        let configuration = RelayConfiguration(resumeGraceSeconds: 0)
        #expect(try fleet.start("n0", configuration, with: shelf?.bytes) == .init())
        #expect(fleet[1].service.sessionCount == 0)
    }

    @Test("A shelf of no use is refused, and the node goes on without it")
    func faults() throws {
        _ = try meet()
        let bytes = try #require(fleet.stop(0)?.bytes)
        #expect(throws: ShelfFault.torn) {
            try fleet.start("n0", with: Array(bytes.dropLast()))
        }
        #expect(fleet[1].service.sessionCount == 0)
        let dora = try fleet[1].connect(subject: "dora")
        #expect(dora.join("R", id: "dora").first?.contains("first_to_join") == true)
    }
}
