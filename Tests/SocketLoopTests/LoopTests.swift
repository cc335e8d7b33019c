import Glibc
import SocketLoop
import Testing
import WebSocket

@Suite struct LoopTests {
    @Test("Messages between two loops arrive in order, both ways at once")
    func crossLoopOrder() throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesMax = 0 }
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        #expect(harness.log.socket(0)?.loop == 0)
        #expect(harness.log.socket(1)?.loop == 1)
        let count = 4000
        for start in stride(from: 0, to: count, by: 100) {
            left.send((start..<(start + 100)).flatMap { Frame.text("to 1 from left \($0)") })
            right.send((start..<(start + 100)).flatMap { Frame.text("to 0 from right \($0)") })
        }
        for number in 0..<count {
            let heard = (try left.hear(), try right.hear())
            if heard.0 != .text("from right \(number)") || heard.1 != .text("from left \(number)") {
                Issue.record("\(number): \(heard)")
                break
            }
        }
    }

    @Test("A send and then a close of another loop's socket arrive in that order")
    func crossLoopClose() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        left.send(
            Frame.text("to 1 goodbye") + Frame.text("close 1 4501") + Frame.text("to 1 too late"))
        #expect(try right.hear() == .text("goodbye"))
        #expect(try right.hear() == .close(4501, "on request"))
        #expect(try harness.end(1) == .closedByUs(.revoked))
        right.send(Frame.close(4501))
        #expect(try right.hear() == .end)
    }

    @Test("Another loop's socket can be probed")
    func crossLoopProbe() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        left.say("probe 1 3")
        #expect(try right.hear() == .ping([]))
        harness.advance(milliseconds: 3000)
        #expect(try right.hear() == .close(4408, "no pong in time"))
    }

    @Test("A slow reader of another loop is closed with 1013, and its sender goes on")
    func crossLoopSlowReader() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        var count = 0
        while harness.log.ends(1).isEmpty {
            left.send(Frame.text("flood 1 10 30000") + Frame.text("\(count)"))
            #expect(try left.hear() == .text("<\(count)>"))
            count += 1
        }
        #expect(harness.log.ends(1) == [.closedByUs(.overloaded)])
        right.send(Frame.close(1013))
        #expect(try right.hearAll().suffix(2) == [.close(1013, "the queue is full"), .end])
    }

    @Test("An id names nothing once its socket is gone, though its slot is used again")
    func generations() throws {
        let harness = try Harness()
        let first = try harness.connect(1)
        let old = try #require(harness.log.socket(1))
        first.reset()
        #expect(try harness.end(1) == .lost)
        let second = try harness.connect(2)
        let new = try #require(harness.log.socket(2))
        #expect(new.slot == old.slot)
        #expect(new.generation == old.generation + 1)
        harness.loops.tell(.send(to: old, "for the dead"))
        harness.loops.tell(.close(old, .revoked))
        harness.loops.tell(.probe(old, secondsMax: 1))
        harness.loops.tell(.send(to: new, "for the living"))
        #expect(try second.hear() == .text("for the living"))
    }

    @Test("Ids that no loop gave out are ignored")
    func strangeIDs() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1)
        for raw in [0, 2, .max, 1 << 56, 200 << 56, 0xff_ffff << 32] as [UInt64] {
            harness.loops.tell(.send(to: SocketID(raw: raw), "x"))
            harness.loops.tell(.close(SocketID(raw: raw), .normal))
            harness.loops.tell(.probe(SocketID(raw: raw), secondsMax: 1))
        }
        client.say("here")
        #expect(try client.hear() == .text("<here>"))
    }

    @Test("Notes reach every loop in the order they were told")
    func notes() throws {
        let harness = try Harness(loops: 3)
        for number in 0..<500 { harness.loops.tell(.number(number)) }
        try harness.log.wait { $0.events.count >= 1500 }
        for loop in 0..<3 {
            let numbers = harness.log.events.compactMap { event -> Int? in
                guard case .told(let number, loop) = event else { return nil }
                return number
            }
            #expect(numbers == Array(0..<500))
        }
    }

    @Test("Sockets without affinity take the loops in turn; any affinity has a loop")
    func affinity() throws {
        let harness = try Harness(loops: 3)
        var clients: [TestClient] = []
        for (name, affinity) in [(1, nil), (2, nil), (3, nil), (4, 7), (5, -1), (6, Int.min)] {
            let (client, server) = TestClient.pair()
            clients.append(client)
            harness.loops.adopt(server, earlyBytes: [], admission: name, affinity: affinity)
            try harness.log.wait { $0.socket(name) != nil }
        }
        let loops = (1...3).compactMap { harness.log.socket($0)?.loop }
        #expect(Set(loops) == [0, 1, 2])
        #expect(harness.log.socket(4)?.loop == 1)
        #expect(harness.log.socket(5) != nil)
    }
}
