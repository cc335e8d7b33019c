import AdmissionSupport
import Bytes
import Cluster
import Signalling
import Testing
import WebSocket

@testable import Relay

/// Nodes that die, are taken for dead, are cut off, or go (docs/architecture.md §14).
@Suite struct ClusterStandingTests {
    private let fleet = Fleet(3)

    /// Ann at node 0 and Bob at node 1, in room R; what came until now is read.
    private func pair(isV1: Bool = true) throws -> (ann: Client, bob: Client) {
        let (ann, bob) = (
            try fleet[0].connect(subject: "ann", isV1: isV1), try fleet[1].connect()
        )
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        return (ann, bob)
    }

    @Test("Nodes stand in their cluster before anybody joins, and say so")
    func standing() {
        #expect(fleet.nodes.allSatisfy { $0.standing == .member })
        #expect(fleet[0].service.standing?.trouble == nil)
        #expect(Hub().service.standing == nil && Hub().service.clusterFigures == nil)
    }

    @Test("Each node tells the others what it has, how the store answers it and how it stands")
    func report() throws {
        let (ann, bob) = try pair()
        fleet[0].wait(seconds: 1)
        fleet.wait(milliseconds: 3000)
        let roster = try #require(fleet[2].service.clusterFigures?.roster)
        let first = try #require(roster.first { $0.name == "n0" })
        #expect(first.report.connections == 1 && first.report.sessions == 1)
        #expect(first.report.rooms == 1 && first.report.messages == 1)
        for node in roster {
            #expect(node.standing == .member && !node.isDraining && node.reads == 1)
            #expect(node.report.natsServer == "bus.example:4222")
            #expect(node.report.storeMilliseconds == 7)
            #expect(node.isSelf ? node.waiting == nil : node.waiting?.mails == 0)
        }
        #expect(roster.count == 3)
        _ = (ann, bob)
    }

    @Test("Members of a node that died are lost to the others within 15 s, in both dialects")
    func death() throws {
        let (ann, bob) = try pair()
        let classic = try fleet[0].connect(isV1: false)
        classic.join("R", id: "old")
        _ = bob.take()
        fleet.kill(0)
        fleet.wait(milliseconds: 4000)
        #expect(bob.take().isEmpty)
        fleet.wait(milliseconds: 11_000)
        let base = bob.seq - 2
        #expect(
            bob.take() == [
                left(base + 1, "R", ann, "ann", "lost"),
                left(base + 2, "R", classic, "old", "lost"),
            ])
        #expect(fleet[1].service.rooms()[0].members.count == 1)
    }

    @Test("A node that was taken for dead ends all sessions with 1012, and begins a new life")
    func condemned() throws {
        let (ann, bob) = try pair()
        let classic = try fleet[0].connect(isV1: false)
        classic.join("R", id: "old")
        let idle = try fleet[0].connect()
        _ = bob.take()
        fleet.nodes[0].isFrozen = true
        fleet.wait(milliseconds: 8000)
        #expect(bob.take().map { $0.contains("someone_left") } == [true, true])
        fleet.nodes[0].isFrozen = false
        fleet.wait(milliseconds: 3000)
        #expect([ann, classic, idle].map(\.closeCode) == [.restarting, .restarting, .restarting])
        #expect(fleet[0].service.sessionCount == 0 && fleet[0].service.roomCount == 0)
        #expect(fleet.nodes[0].standingsSoFar.contains(.condemned))
        #expect(fleet.nodes[0].standing == .member)
        let again = try fleet[0].connect(subject: "ann")
        #expect(again.join("R", id: "ann") == [roomState(1, "R", [listed(bob, "bob")])])
        #expect(bob.take().map { $0.contains("someone_joined") } == [true])
        #expect(again.resume(ann.secret, after: 0).first?.contains("bad_request") == true)
    }

    @Test("Who can't reach the bucket lets nobody in, and closes all with 1013 after 20 s")
    func cutOff() throws {
        let (ann, bob) = try pair()
        let classic = try fleet[0].connect(isV1: false)
        fleet.cutFromStore(0)
        fleet.wait(milliseconds: 3500)
        #expect(fleet.nodes[0].standing == .cutOff)
        #expect(fleet[0].service.standing?.trouble == "cluster_unreachable")
        #expect(
            ann.join("S", more: #","ack":1"#)
                == [refused(4, "temporarily_unavailable", #""join-room""#, ack: "1")])
        #expect(classic.join("S").isEmpty && !classic.isClosed)
        #expect(bob.take().isEmpty)
        fleet.wait(milliseconds: 20_000)
        #expect(fleet.nodes[0].standingsSoFar.contains(.lost))
        #expect([ann, classic].map(\.closeCode) == [.overloaded, .overloaded])
    }

    @Test("Who could not reach the bucket for a moment goes on as before")
    func shortCut() throws {
        let (ann, bob) = try pair()
        fleet.cutFromStore(0)
        fleet.wait(milliseconds: 3500)
        ann.join("S")
        _ = ann.take()
        fleet.cutFromStore(0, false)
        fleet.wait(milliseconds: 1000)
        #expect(fleet.nodes[0].standing == .member)
        #expect(ann.join("S", more: #","ack":2"#).count == 3)
        #expect(bob.take().isEmpty && !ann.isClosed)
    }

    @Test("A node that stops lets the others hear that its members are lost, and leaves")
    func farewell() throws {
        let (ann, bob) = try pair()
        fleet.stop(0)
        fleet.wait(milliseconds: 500)
        #expect(fleet.nodes[0].standing == .left)
        #expect(ann.closeCode == .restarting)
        #expect(bob.take() == [left(2, "R", ann, "ann", "lost")])
        fleet.kill(0)
        fleet.wait(milliseconds: 10_000)
        #expect(bob.take().isEmpty)
    }
}
