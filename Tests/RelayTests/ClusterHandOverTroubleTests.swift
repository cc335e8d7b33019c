import Admission
import AdmissionSupport
import Cluster
import Locking
import Signalling
import Testing
import WebSocket

@testable import Relay

/// What may happen while a session goes from node to node (docs/protocol.md §3, "Resume").
@Suite struct ClusterHandOverTroubleTests {
    private let fleet = Fleet(3)
    private static let failed = refused(1, "resume_failed", #""resume""#)

    private func pair() throws -> (ann: Client, bob: Client) {
        let (ann, bob) = (
            try fleet[0].connect(subject: "ann"), try fleet[1].connect(subject: "bob")
        )
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        return (ann, bob)
    }

    @Test("A home that is silent is waited for; whoever gives up leaves nothing behind")
    func frozenHome() throws {
        let (ann, bob) = try pair()
        ann.close(.lost)
        fleet.nodes[0].isFrozen = true
        let (first, second) = (
            try fleet[1].connect(subject: "ann"), try fleet[2].connect(subject: "ann", loop: 1)
        )
        #expect(first.resume(ann.secret, after: ann.seq).isEmpty)
        #expect(second.resume(ann.secret, after: ann.seq).isEmpty)
        #expect(fleet.nodes[1].waiting == 1)
        first.close(.lost)
        #expect(fleet.nodes[1].waiting == 0)
        fleet.wait(milliseconds: 2000)
        #expect(second.take().isEmpty && bob.take().isEmpty)
        fleet.nodes[0].isFrozen = false
        fleet.wait(milliseconds: 2000)
        #expect(second.take().map { type(of: $0) } == ["resumed", "room_state"])
        #expect(bob.take().isEmpty)
        #expect(fleet.nodes.map(\.hub.service.sessionCount) == [0, 1, 1])
    }

    @Test("Who asked before with a secret that is none, and left, fails nobody else's resume")
    func forgedAndGone() throws {
        let (ann, bob) = try pair()
        ann.close(.lost)
        fleet.nodes[0].isFrozen = true
        let (thief, back) = (
            try fleet[2].connect(subject: "eve"), try fleet[2].connect(subject: "ann", loop: 1)
        )
        #expect(thief.resume(String(ann.secret.dropLast(3)) + "AAA", after: 0).isEmpty)
        #expect(back.resume(ann.secret, after: ann.seq).isEmpty)
        thief.close(.lost)
        fleet.nodes[0].isFrozen = false
        fleet.wait(milliseconds: 2000)
        #expect(back.take().map { type(of: $0) } == ["resumed", "room_state"])
        #expect(bob.take().isEmpty && fleet.nodes[2].waiting == 0)
    }

    @Test("Whatever is shown for a session, it is asked for nowhere while it is at home")
    func forgedAtHome() throws {
        let (ann, bob) = try pair()
        fleet.nodes[1].isFrozen = true
        // As if it were at the node that says nothing.
        let forged = bob.secret.prefix(16) + ann.secret.dropFirst(16).dropLast(3) + "AAA"
        let thief = try fleet[0].connect(subject: "eve")
        #expect(thief.resume(String(forged), after: 0) == [Self.failed])
        #expect(!ann.isClosed && ann.say(#"{"action":"ping"}"#).count == 1)
    }

    @Test(
        "Of two connections at one node that want the same the later has it: 4509, as at a process")
    func twice() throws {
        let (ann, _) = try pair()
        fleet.nodes[0].isFrozen = true
        let (first, second) = (
            try fleet[2].connect(subject: "ann"), try fleet[2].connect(subject: "ann", loop: 1)
        )
        #expect(first.resume(ann.secret, after: ann.seq).isEmpty)
        #expect(second.resume(ann.secret, after: ann.seq).isEmpty)
        #expect(first.closeCode == .replaced)
        fleet.nodes[0].isFrozen = false
        fleet.wait(milliseconds: 1000)
        #expect(second.take().map { type(of: $0) } == ["resumed", "room_state"])
        #expect(fleet[2].service.sessionCount == 1)
    }

    @Test("A home that dies takes its sessions along: the resume fails, and the others hear of it")
    func deadHome() throws {
        let (ann, bob) = try pair()
        fleet.kill(0)
        let back = try fleet[2].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: ann.seq).isEmpty)
        fleet.wait(milliseconds: 15_000)
        #expect(back.take() == [Self.failed] && !back.isClosed)
        #expect(bob.take() == [left(2, "R", ann, "ann", "lost")])
        #expect(back.join("R", id: "ann").count == 1 && fleet.nodes[2].waiting == 0)
    }

    @Test("A taker that dies costs a session only what it had begun to take")
    func deadTaker() throws {
        let (ann, bob) = try pair()
        fleet.cutFromNodes(1)
        ann.send("{}", to: bob, ack: "1")
        let back = try fleet[2].connect(subject: "ann")
        back.resume(ann.secret, after: ann.seq)
        #expect(ann.closeCode == .replaced)
        fleet.kill(2)
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 500)
        let again = try fleet[0].connect(subject: "ann")
        again.resume(ann.secret, after: ann.seq)
        fleet.wait(milliseconds: 15_000)
        let told = again.take().compactMap { type(of: $0) }
        // Before it was frozen it stays, and afterwards it is lost: told either way.
        #expect(told.first == "resumed" || told == ["error"])
        let isLost = bob.take().contains { $0.contains(#""reason":"lost""#) }
        #expect(isLost == (told == ["error"]))
        #expect(fleet[0].service.commons.sessions.count == 1)
    }

    @Test("A peer that joins elsewhere meanwhile has taken its place: the resume fails")
    func replaced() throws {
        let (ann, bob) = try pair()
        ann.close(.lost)
        let newer = try fleet[1].connect(subject: "ann")
        newer.join("R", id: "ann")
        let back = try fleet[2].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: ann.seq) == [Self.failed])
        #expect(bob.take().map { type(of: $0) } == ["someone_left", "someone_joined"])
        fleet[0].wait(seconds: 1)
        #expect(fleet.nodes.map(\.hub.service.sessionCount) == [0, 2, 1])
    }

    @Test("Who is thrown out on the way is out, wherever the order comes from", arguments: 0..<3)
    func kicked(node: Int) throws {
        let (ann, bob) = try pair()
        ann.close(.lost)
        fleet.nodes[0].isFrozen = true
        let back = try fleet[2].connect(subject: "ann")
        back.resume(ann.secret, after: ann.seq)
        let digits = Array(ann.connection.utf8)
        let connection = ConnectionID(digits.span, digits.indices) ?? ConnectionID(raw: 0)
        fleet[node].service.kick(connection) { _ in }
        fleet.nodes[0].isFrozen = false
        fleet.wait(milliseconds: 3000)
        #expect(bob.take().last?.contains(#""reason":"kicked""#) == true)
        let isOut = back.closeCode == .revoked || back.take().last == Self.failed
        #expect(isOut)
        #expect(fleet.nodes.flatMap { $0.hub.service.rooms() }.allSatisfy { $0.members.count == 1 })
    }

    @Test(
        "Who was revoked on the way is out at its new home: the others are told, the resume fails")
    func revoked() throws {
        let (ann, bob) = try pair()
        ann.close(.lost)
        fleet.cutFromNodes(0)
        let back = try fleet[2].connect(subject: "ann")
        back.resume(ann.secret, after: ann.seq)
        fleet.world.revoke("ann")
        fleet.cutFromNodes(0, false)
        fleet.wait(milliseconds: 3000)
        #expect(back.take().first?.contains("resume_failed") == true)
        fleet[0].tell(.rightsChanged)
        fleet[2].tell(.rightsChanged)
        fleet.wait(milliseconds: 1000)
        #expect(bob.take() == [left(2, "R", ann, "ann", "kicked")])
        #expect(fleet.nodes.map(\.hub.service.roomCount) == [0, 1, 0])
    }

    @Test("A session that is over does not come, and one that was left for good neither")
    func over() throws {
        let (ann, bob) = try pair()
        ann.close(.peerClosed(code: 1000))
        let back = try fleet[2].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: ann.seq) == [Self.failed])
        bob.close(.lost)
        fleet[1].wait(seconds: 40)
        fleet.wait(milliseconds: 500)
        let late = try fleet[2].connect(subject: "bob")
        #expect(late.resume(bob.secret, after: bob.seq) == [Self.failed])
    }

    @Test("Time that was left to come back in is kept: who does not come is lost")
    func grace() throws {
        let (ann, bob) = try pair()
        ann.close(.lost)
        fleet[0].wait(seconds: 10)
        let back = try fleet[2].connect(subject: "ann")
        back.resume(ann.secret, after: ann.seq)
        back.close(.lost)
        fleet[2].wait(seconds: 25)
        #expect(fleet[2].service.sessionCount == 1)
        fleet[2].wait(seconds: 10)
        fleet.wait(milliseconds: 500)
        #expect(fleet[2].service.sessionCount == 0)
        #expect(bob.take() == [left(2, "R", ann, "ann", "lost")])
    }
}
