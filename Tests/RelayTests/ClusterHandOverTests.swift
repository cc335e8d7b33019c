import Admission
import AdmissionSupport
import Cluster
import Locking
import Sessions
import Signalling
import Testing
import WebSocket

@testable import Relay

/// Sessions that are resumed at another node than the one where they were (docs/protocol.md §3,
/// "Resume", and §6).
@Suite struct ClusterHandOverTests {
    private let fleet = Fleet(3)
    private static let broadcast = #"{"action":"broadcast","roomId":"R","payload":{"n":"all"}}"#

    /// Ann at node 0 and Bob at node 1, in room R; what came until now is read.
    private func pair(_ node: Int = 1) throws -> (ann: Client, bob: Client) {
        let (ann, bob) = (
            try fleet[0].connect(subject: "ann"), try fleet[node].connect(subject: "bob")
        )
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        return (ann, bob)
    }

    private func payload(_ seq: Int, _ sender: Client, _ number: Int) -> String {
        numbered(
            seq, "payload", #""connectionId":"\#(sender.connection)","n":\#(number)"#)
    }

    /// Nothing of any session is left at this node: places, bytes, waits.
    private func expectNothing(at node: Int, connections: Int = 0) {
        let service = fleet[node].service
        #expect(service.sessionCount == 0 && service.commons.sessions.secretCount == 0)
        #expect(service.heldBytes == 0 && service.roomCount == 0)
        #expect(fleet[node].admission.ledger.awaySessions.isEmpty)
        #expect(fleet[node].admission.ledger.total == connections)
        #expect(fleet.nodes[node].waiting == 0)
    }

    @Test("What was missed comes once, in order, and then the room as it is; nobody notices")
    func missed() throws {
        let (ann, bob) = try pair()
        let first = ann.secret
        ann.close(.lost)
        bob.send(#"{"n":1}"#, to: ann, ack: "1")
        bob.say(Self.broadcast)
        bob.send(#"{"n":2}"#, to: ann)
        let back = try fleet[2].connect(subject: "ann")
        #expect(
            back.resume(first, after: ann.seq) == [
                resumed(back, seq: 6), payload(4, bob, 1),
                numbered(
                    5, "payload", #""connectionId":"\#(bob.connection)","n":"all""#),
                payload(6, bob, 2),
                roomState(7, "R", [listed(bob, "bob", polite: false)], polite: false),
            ])
        #expect(back.connection == ann.connection && back.secret != first)
        bob.send(#"{"n":3}"#, to: back)
        #expect(back.take() == [payload(8, bob, 3)])
        back.send(#"{"n":4}"#, to: bob, ack: "4")
        #expect(bob.take().map { type(of: $0) } == ["payload"])
        expectNothing(at: 0)
        #expect(fleet[2].service.sessionCount == 1)
        #expect(fleet[2].admission.ledger.awaySessions.isEmpty)
        #expect(fleet[0].service.rooms().isEmpty && fleet[1].service.rooms()[0].members.count == 2)
    }

    @Test("A connection that its client has left behind is closed with 4509 by its old node")
    func halfOpen() throws {
        let (ann, bob) = try pair()
        let back = try fleet[2].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: ann.seq).count == 2)
        #expect(ann.closeCode == .replaced && !back.isClosed)
        bob.say(Self.broadcast)
        #expect(back.take().count == 1 && ann.take().isEmpty)
        expectNothing(at: 0)
    }

    @Test("A session in no room comes too, while its connection is open")
    func noRoom() throws {
        let ann = try fleet[0].connect(subject: "ann")
        ann.say(#"{"action":"ping"}"#)
        let back = try fleet[1].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: 1) == [resumed(back, seq: 1)])
        #expect(back.join("R").count == 2)
        expectNothing(at: 0)
    }

    @Test("The way leads on: to a third node, and back, as often as its client likes")
    func again() throws {
        let (ann, bob) = try pair()
        var (client, heard) = (ann, [Int]())
        for number in 0..<8 {
            let back = try fleet[(number + 1) % 3].connect(subject: "ann", loop: number % 2)
            bob.send(#"{"n":\#(number)}"#, to: client, ack: "\(number)")
            let told = back.resume(client.secret, after: client.seq)
            heard += told.compactMap { text in
                type(of: text) == "payload"
                    ? Int(text.split(separator: #""n":"#)[1].prefix(1)) : nil
            }
            _ = client.take()
            #expect(told.last?.contains("room_state") == true)
            client = back
        }
        let came = Set(heard).sorted()
        #expect(heard == came)
        #expect(bob.take().filter { $0.contains("someone") } == [])
        #expect(fleet.nodes.map(\.hub.service.sessionCount).reduce(0, +) == 2)
    }

    @Test("A secret is good once, and at one node; a forged one does no harm and is refused")
    func secrets() throws {
        let (ann, _) = try pair()
        let (first, seq) = (ann.secret, ann.seq)
        var forged = first
        forged.removeLast(3)
        forged += "AAA"
        let thief = try fleet[2].connect(subject: "ann")
        let refusal = refused(1, "resume_failed", #""resume""#)
        #expect(thief.resume(forged, after: seq) == [refusal])
        #expect(!ann.isClosed && ann.say(#"{"action":"ping"}"#).count == 1)
        let back = try fleet[2].connect(subject: "ann")
        #expect(back.resume(first, after: seq).first == resumed(back, seq: seq + 1))
        for node in 0..<3 {
            let late = try fleet[node].connect(subject: "ann")
            #expect(late.resume(first, after: seq) == [refusal])
            #expect(!late.isClosed && late.join("T\(node)").count == 2)
        }
    }

    @Test("Another's token takes nothing")
    func otherSubject() throws {
        let (ann, _) = try pair()
        ann.close(.lost)
        let thief = try fleet[2].connect(subject: "eve")
        #expect(
            thief.resume(ann.secret, after: ann.seq)
                == [refused(1, "resume_failed", #""resume""#)])
        let back = try fleet[1].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: ann.seq).count == 2)
    }

    @Test("Another's token with a stolen secret does not even close the owner's connection")
    func stolenSecret() throws {
        let (ann, _) = try pair()
        let seq = ann.seq
        for subject in ["eve", "eva"] {
            let thief = try fleet[2].connect(subject: subject)
            let refusal = refused(1, "resume_failed", #""resume""#)
            #expect(thief.resume(ann.secret, after: seq) == [refusal])
        }
        #expect(!ann.isClosed && ann.say(#"{"action":"ping"}"#).count == 1)
        #expect(fleet[0].service.sessionCount == 1)
    }

    @Test("Who makes up secrets for another's connection holds up only himself")
    func madeUpSecrets() throws {
        let (ann, _) = try pair()
        let (seq, secret) = (ann.seq, ann.secret)
        ann.close(.lost)
        let bits = String(secret.suffix(SessionSecret.textLength))
        var thieves: [Client] = []
        for number in 0..<20 {
            // Homes that nobody ever heard of.
            let home = String(repeating: "\(number % 10)", count: 14) + "\(number + 10)"
            let thief = try fleet[2].connect(subject: "eve", loop: number % 2)
            #expect(home.utf8.count == 16)
            _ = thief.resume(home + ann.connection + bits, after: seq)
            thieves.append(thief)
        }
        let back = try fleet[2].connect(subject: "ann")
        #expect(back.resume(secret, after: seq).first == resumed(back, seq: seq))
        fleet.wait(milliseconds: 3000)
        for thief in thieves { #expect(!thief.isClosed && thief.seq == 1) }
        #expect(fleet.nodes[2].waiting == 0)
    }

    @Test("What it said to others is answered before it goes: nothing is said again")
    func unanswered() throws {
        let (ann, bob) = try pair()
        let seq = ann.seq
        fleet.cutFromNodes(1)
        ann.send(#"{"n":1}"#, to: bob, ack: "1")
        let back = try fleet[2].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: seq).isEmpty)
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 1000)
        let told = back.take()
        #expect(
            told.prefix(2) == [resumed(back, seq: seq + 1), numbered(seq + 1, "ack", #""ack":1"#)])
        #expect(bob.take() == [payload(2, ann, 1)])
    }

    @Test("A join that is on its way comes about first")
    func joining() throws {
        let ann = try fleet[0].connect(subject: "ann")
        fleet.stall(0)
        ann.join("R", id: "ann", more: #","ack":1"#)
        let back = try fleet[1].connect(subject: "ann")
        #expect(back.resume(ann.secret, after: 0).isEmpty)
        fleet.stall(0, false)
        fleet.wait(milliseconds: 500)
        #expect(
            back.take().map { type(of: $0) } == [
                "resumed", "first_to_join", "room_state", "ack", "room_state",
            ])
    }

    @Test("Others who speak all the while are heard once each, in order, wherever they are")
    func stream() throws {
        let (ann, bob) = try pair()
        let cid = try fleet[2].connect(subject: "cid")
        cid.join("R", id: "cid")
        let dan = try fleet[0].connect(subject: "dan")
        dan.join("R", id: "dan")
        var heard: [String] = []
        var client = ann
        _ = ann.take()
        var number = 0
        for turn in 0..<6 {
            let back = try fleet[(turn + 1) % 3].connect(subject: "ann")
            heard += client.take()
            back.ask(
                #"{"action":"resume","session":"\#(client.secret)","seq":\#(client.seq)}"#,
                resumingAfter: client.seq)
            for _ in 0..<12 {
                for sender in [bob, cid, dan] {
                    number += 1
                    sender.ask(
                        #"{"action":"send-payload","target":"\#(ann.connection)","#
                            + #""payload":{"n":\#(number)},"ack":\#(number)}"#)
                }
                fleet.turn()
            }
            fleet.run()
            fleet.wait(milliseconds: 300)
            client = back
        }
        heard += client.take()
        for sender in [bob, cid, dan] {
            let numbers = heard.filter { $0.contains(sender.connection) && $0.contains(#""n":"#) }
                .compactMap { Int($0.split(separator: #""n":"#)[1].prefix { $0.isNumber }) }
            #expect(numbers == Set(numbers).sorted() && numbers.count == 72)
            let answers = sender.take()
            #expect(answers.allSatisfy { !$0.contains("unknown_target") && !$0.contains("left") })
        }
    }
}
