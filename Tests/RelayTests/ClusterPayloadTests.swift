import AdmissionSupport
import Cluster
import Signalling
import Testing
import WebSocket

@testable import Relay

/// What members at different nodes say to each other (docs/protocol.md §2, §3).
@Suite struct ClusterPayloadTests {
    private let fleet = Fleet(3)

    private func members(_ isV1: [Bool]) throws -> [Client] {
        let clients = try isV1.enumerated().map { index, isV1 in
            try fleet[index].connect(subject: "s\(index)", isV1: isV1)
        }
        for (index, client) in clients.enumerated() { client.join("R", id: "p\(index)") }
        for client in clients { _ = client.take() }
        return clients
    }

    @Test(
        "A payload reaches its target at another node with the true sender's id, in both dialects",
        arguments: [true, false], [true, false])
    func payload(fromV1: Bool, toV1: Bool) throws {
        let clients = try members([fromV1, toV1])
        let (ann, bob) = (clients[0], clients[1])
        let members = #""connectionId":"\#(ann.connection)","type":"offer","sdp":"v=0\r\n""#
        ann.send(#"{"type":"offer","sdp":"v=0\r\n"}"#, to: bob)
        let told = bob.take()
        #expect(
            told == [
                toV1
                    ? numbered(bob.seq, "offer", members)
                    : #"{"type":"offer","data":{\#(members)}}"#
            ])
        #expect(ann.take().isEmpty)
    }

    @Test("An ack comes when the target's node has the message, and others go ahead meanwhile")
    func ackWaits() throws {
        let clients = try members([true, true, true])
        fleet.cutFromNodes(1)
        #expect(clients[0].send(#"{"n":1}"#, to: clients[1], ack: "1").isEmpty)
        #expect(
            clients[0].send(#"{"n":2}"#, to: clients[2], ack: "2")
                == [numbered(clients[0].seq, "ack", #""ack":2"#)])
        #expect(clients[1].take().isEmpty && clients[2].take().count == 1)
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 500)
        #expect(clients[0].take() == [numbered(clients[0].seq, "ack", #""ack":1"#)])
        #expect(clients[1].take().count == 1)
    }

    @Test("A payload for somebody who is gone at its node is for an unknown target")
    func unknownTarget() throws {
        let clients = try members([true, true])
        let (ann, bob) = (clients[0], clients[1])
        fleet.cutFromNodes(0)
        bob.close(.peerClosed(code: 1000))
        ann.send("{}", to: bob, ack: #""x""#)
        ann.send("{}", to: bob)
        #expect(ann.take().isEmpty)
        fleet.cutFromNodes(0, false)
        fleet.wait(milliseconds: 1000)
        let told = ann.take()
        let error = refused(
            ann.seq, "unknown_target", #""send-payload""#, ack: #""x""#)
        #expect(Set(told.map { type(of: $0) }) == ["error", "someone_left"] && told.count == 2)
        #expect(told.contains { $0.dropLast(3) == error.dropLast(3) })
    }

    @Test("A broadcast reaches all others at all nodes once, and is acked when all have it")
    func broadcast() throws {
        let clients = try members([true, true, false])
        let neighbour = try fleet[0].connect(isV1: false)
        neighbour.join("R")
        for client in clients { _ = client.take() }
        fleet.cutFromNodes(1)
        let text = #"{"action":"broadcast","roomId":"R","payload":{"n":1},"ack":5}"#
        #expect(clients[0].say(text).isEmpty)
        #expect(neighbour.take().count == 1 && clients[2].take().count == 1)
        #expect(clients[1].take().isEmpty)
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 500)
        #expect(clients[0].take() == [numbered(clients[0].seq, "ack", #""ack":5"#)])
        let stamp = #""connectionId":"\#(clients[0].connection)","n":1"#
        #expect(clients[1].take() == [numbered(clients[1].seq, "payload", stamp)])
        #expect(clients[2].take().isEmpty)
    }

    @Test("Of what waits for a node that dies the sender is told: first who left, then the error")
    func death() throws {
        let clients = try members([true, true])
        let (ann, bob) = (clients[0], clients[1])
        fleet.kill(1)
        #expect(ann.send("{}", to: bob, ack: "1").isEmpty)
        fleet.wait(milliseconds: 12_000)
        let seq = ann.seq
        #expect(
            ann.take() == [
                left(seq - 1, "R", bob, "p1", "lost"),
                refused(seq, "unknown_target", #""send-payload""#, ack: "1"),
            ])
    }

    @Test("A resume waits until what the session sent is answered, and then has the ack")
    func resumeWaits() throws {
        let clients = try members([true, true])
        let (ann, bob) = (clients[0], clients[1])
        let (secret, seq) = (ann.secret, ann.seq)
        fleet.cutFromNodes(1)
        ann.send(#"{"n":1}"#, to: bob, ack: "1")
        ann.close(.lost)
        let back = try fleet[0].connect(subject: "s0", loop: 1)
        #expect(back.resume(secret, after: seq).isEmpty)
        back.send(#"{"n":2}"#, to: bob, ack: "2")
        fleet.wait(milliseconds: 500)
        #expect(back.take().isEmpty)
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 500)
        let told = back.take()
        #expect(told.map { type(of: $0) } == ["resumed", "ack", "room_state", "ack"])
        let heard = bob.take()
        #expect(heard.count == 2 && heard[0].contains(#""n":1"#) && heard[1].contains(#""n":2"#))
    }

    @Test("Who leaves or ends has said all before: others hear it first", arguments: [true, false])
    func lastWords(isLeaving: Bool) throws {
        let clients = try members([true, true, true])
        fleet.cutFromNodes(1)
        clients[0].send(#"{"n":1}"#, to: clients[1])
        if isLeaving {
            clients[0].say(#"{"action":"leave-room","roomId":"R"}"#)
        } else {
            clients[0].close(.peerClosed(code: 1000))
        }
        fleet.wait(milliseconds: 500)
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 1500)
        #expect(clients[1].take().map { type(of: $0) } == ["payload", "someone_left"])
        #expect(clients[2].take().map { type(of: $0) } == ["someone_left"])
    }

    @Test("Who says more than a line takes is held until there is room, and nothing is overtaken")
    func fullLine() throws {
        let clients = try members([true, true, true])
        let (ann, bob, cat) = (clients[0], clients[1], clients[2])
        fleet.cutFromNodes(1)
        let count = 6000
        for number in 0..<count { ann.send(#"{"n":\#(number)}"#, to: bob) }
        ann.send(#"{"n":0}"#, to: cat, ack: "1")
        #expect(ann.isHeld && cat.take().isEmpty)
        fleet.wait(milliseconds: 1000)
        #expect(fleet[0].service.clusterFigures?.full == 1)
        #expect(fleet[0].service.clusterFigures?.waiting == 1)
        // What waits is not said yet: who has come from elsewhere is told nothing before it.
        #expect(fleet[0].service.commons.line?.isBusy == true)
        // Others are not: the line to another node has room.
        let dan = try fleet[0].connect()
        dan.join("R", id: "dan")
        fleet.cutFromNodes(1, false)
        fleet.wait(milliseconds: 3000)
        let told = bob.take().filter { $0.contains(#""n":"#) }
        #expect(told.count == count)
        for (number, text) in told.enumerated() where !text.contains(#""n":\#(number)}"#) {
            Issue.record("\(text) is no. \(number)")
            break
        }
        #expect(!ann.isHeld && cat.take().contains { $0.contains(#""n":0"#) })
        #expect(fleet[0].service.commons.line?.isBusy == false)
        #expect(ann.take().contains { type(of: $0) == "ack" })
    }

    @Test("Who waits for room in the line to a node that dies goes on, and is told of all")
    func fullLineOfTheDead() throws {
        let clients = try members([true, true, true])
        let (ann, bob, cat) = (clients[0], clients[1], clients[2])
        fleet.kill(1)
        let count = 6000
        for number in 0..<count { ann.send("{}", to: bob, ack: "\(number)") }
        ann.send("{}", to: cat, ack: #""last""#)
        #expect(ann.isHeld && ann.take().isEmpty)
        fleet.wait(milliseconds: 12_000)
        let told = ann.take()
        #expect(!ann.isHeld && told.count { $0.contains("unknown_target") } == count)
        #expect(told.first.map { type(of: $0) } == "someone_left")
        #expect(told.last.map { type(of: $0) } == "ack" && cat.take().count == 2)
        #expect(fleet[0].service.commons.line?.isBusy == false)
    }
}
