import AdmissionSupport
import Cluster
import Signalling
import Testing
import WebSocket

@testable import Relay

/// Nodes that end in order, and give their sessions to others (docs/cluster.md).
@Suite struct ClusterDrainTests {
    private let fleet = Fleet(3)

    @Test(
        "All go, whoever is there or away; clients are told, come back anywhere and missed nothing")
    func drain() throws {
        let bob = try fleet[1].connect(subject: "bob")
        bob.join("R", id: "bob")
        let peers = try (0..<5).map { try fleet[0].connect(subject: "s\($0)", loop: $0 % 2) }
        for (number, peer) in peers.enumerated() { peer.join("R", id: "p\(number)") }
        let other = try fleet[0].connect(subject: "other")
        other.join("S", id: "other")
        let idle = try fleet[0].connect(subject: "idle")
        peers[0].close(.lost)
        bob.send(#"{"n":1}"#, to: peers[0], ack: "1")
        for peer in peers { _ = peer.take() }
        _ = (bob.take(), other.take())
        #expect(fleet.drain(0))
        #expect(fleet[0].service.sessionCount == 1 && !idle.isClosed)
        #expect(bob.take().isEmpty)
        for peer in peers.dropFirst() + [other] {
            #expect(peer.closeCode == .restarting)
            #expect(
                peer.take() == [
                    numbered(peer.seq, "draining", #""reconnectWithinSeconds":2"#)
                ])
        }
        bob.send(#"{"n":2}"#, to: peers[0], ack: "2")
        bob.send(#"{"n":3}"#, to: peers[1], ack: "3")
        for (number, peer) in peers.enumerated() {
            let back = try fleet[1 + number % 2].connect(subject: "s\(number)")
            let told = back.resume(peer.secret, after: peer.seq)
            #expect(told.map { type(of: $0) }.first == "resumed")
            #expect(told.filter { $0.contains("payload") }.count == [2, 1, 0, 0, 0][number])
            #expect(told.last?.contains("room_state") == true)
        }
        let back = try fleet[2].connect(subject: "other")
        #expect(back.resume(other.secret, after: other.seq).count == 2)
        #expect(bob.take().filter { $0.contains("someone") } == [])
        fleet.stop(0)
        fleet.wait(milliseconds: 1000)
        #expect(fleet.nodes[0].standing == .left && idle.closeCode == .restarting)
        #expect(bob.take().isEmpty)
        #expect(fleet[1].service.rooms().first { "\($0.room)" == "R" }?.members.count == 6)
    }

    @Test("Those of one room go to one node")
    func together() throws {
        let rooms = ["A", "B", "C", "D", "E", "F"]
        var peers: [(room: String, client: Client)] = []
        for number in 0..<24 {
            let room = rooms[number % 6]
            let client = try fleet[0].connect(subject: "s\(number)")
            client.join(room, id: "p\(number)")
            peers.append((room, client))
        }
        #expect(fleet.drain(0))
        let found = [1, 2].map { node in fleet[node].service.rooms().map { "\($0.room)" } }
        #expect(Set(found[0]).isDisjoint(with: found[1]))
        #expect(found[0].count + found[1].count == 6)
        #expect([1, 2].map { fleet[$0].service.sessionCount }.reduce(0, +) == 24)
    }

    @Test("More than go at once go one after the other")
    func many() throws {
        let count = 3 * Draining.underWayMax
        for number in 0..<count {
            try fleet[0].connect(subject: "s\(number)").join("R\(number % 20)", id: "p\(number)")
        }
        #expect(fleet.drain(0, milliseconds: 6000))
        #expect(fleet[0].service.sessionCount == 0)
        #expect([1, 2].map { fleet[$0].service.sessionCount }.reduce(0, +) == count)
    }

    @Test("Where nobody else lives, or all are about to end, sessions stay as they are")
    func alone() throws {
        let fleet = Fleet(1)
        let ann = try fleet[0].connect(subject: "ann")
        ann.join("R", id: "ann")
        _ = ann.take()
        #expect(fleet[0].service.livingOthers == 0 && fleet.drain(0))
        #expect(!ann.isClosed && ann.take().isEmpty && fleet[0].service.sessionCount == 1)
    }

    @Test("Whom nobody would have goes once somebody lives who will")
    func staying() throws {
        let fleet = Fleet(2)
        let ann = try fleet[0].connect(subject: "ann")
        ann.join("R", id: "ann")
        fleet.cutFromNodes(1)
        fleet.cutFromStore(1)
        fleet.wait(milliseconds: 8000)
        #expect(fleet[0].service.livingOthers == 0 && fleet.drain(0))
        #expect(!ann.isClosed && fleet[0].service.sessionCount == 1)
        // It was declared dead, and begins anew.
        fleet.cutFromNodes(1, false)
        fleet.cutFromStore(1, false)
        fleet.wait(milliseconds: 15_000)
        #expect(fleet.nodes.map(\.hub.service.sessionCount) == [0, 1])
        #expect(ann.closeCode == .restarting)
    }

    @Test("Two that end at once give their sessions to the third")
    func both() throws {
        let (ann, bob) = (try fleet[0].connect(subject: "a"), try fleet[1].connect(subject: "b"))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = fleet.drain(0, milliseconds: 0)
        #expect(fleet.drain(1, milliseconds: 5000))
        #expect(fleet.nodes.map(\.hub.service.sessionCount) == [0, 0, 2])
        let back = try fleet[2].connect(subject: "a")
        #expect(back.resume(ann.secret, after: ann.seq).count == 2)
    }

    @Test("Who comes to a node that ends is sent on, and nobody joins there any more")
    func late() throws {
        let (ann, bob) = (try fleet[0].connect(subject: "a"), try fleet[0].connect(subject: "b"))
        ann.join("R", id: "ann")
        let back = try fleet[0].connect(subject: "a")
        #expect(fleet.drain(0))
        #expect(back.resume(ann.secret, after: ann.seq).isEmpty)
        #expect(back.closeCode == .restarting)
        #expect(bob.join("R").first?.contains("temporarily_unavailable") == true)
        let again = try fleet[2].connect(subject: "a")
        #expect(again.resume(ann.secret, after: ann.seq).count == 2)
    }
}
