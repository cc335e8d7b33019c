import Glibc
import SocketLoop
import Synchronization
import Testing
import WebSocket

@Suite struct ClosingTests {
    @Test(
        "The peer's close is echoed and told, whatever legal code it bears",
        arguments: [
            1000, 1001, 1011, 3000, 4999,
        ] as [UInt16])
    func peerCloses(code: UInt16) throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        client.send(Frame.text("last") + Frame.close(code, Array("bye".utf8)) + Frame.text("after"))
        #expect(try client.hearAll() == [.text("<last>"), .close(code, ""), .end])
        #expect(try harness.end(1) == .peerClosed(code: code))
        #expect(!harness.log.events.contains(.received(1, "after")))
    }

    @Test("A close frame without a code is answered with one without (RFC 6455 §7.1.5)")
    func peerClosesWithoutCode() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        client.send(Frame.masked(.close, []))
        #expect(try client.hearAll() == [.close(nil, ""), .end])
        #expect(try harness.end(1) == .peerClosed(code: nil))
    }

    @Test("A close from this side waits for the peer's, then ends the stream")
    func weClose() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        client.send(Frame.text("close 1 4501") + Frame.text("ignored"))
        #expect(try client.hear() == .close(4501, "on request"))
        #expect(try harness.end(1) == .closedByUs(.revoked))
        #expect(client.isSilent)
        client.send(Frame.text("still talking") + Frame.masked(.ping, [1]) + Frame.close(4501))
        #expect(try client.hear() == .end)
        #expect(harness.log.events.filter { $0 == .received(1, "ignored") }.isEmpty)
    }

    @Test("A peer that never answers a close is dropped when the time is over")
    func silentPeer() throws {
        let harness = try Harness { $0.closeTimeoutSeconds = 5 }
        let client = try harness.connect(1)
        client.say("close 1 1008")
        #expect(try client.hear() == .close(1008, "on request"))
        harness.advance(milliseconds: 4700)
        #expect(client.isSilent)
        harness.advance(milliseconds: 400)
        #expect(try client.hear() == .end)
        // The client keeps its side open: drained for a second, then dropped for good.
        client.say("anyone there?")
        harness.advance(milliseconds: 1100)
        try waitForReset(client)
        #expect(try harness.end(1) == .closedByUs(.policy))
    }

    private func waitForReset(_ client: TestClient) throws {
        for _ in 0..<100_000 {
            if !client.send(Frame.text("x")) { return }
            usleep(200)
        }
        throw TimedOut()
    }

    @Test("A peer that reads nothing can't hold a closing socket for longer than the time allowed")
    func closingWithFullSocket() throws {
        let harness = try Harness { $0.outboundBytesMax = 0 }
        let client = try harness.connect(1)
        client.send(Frame.text("flood 1 400 65536") + Frame.text("close 1 1001"))
        #expect(try harness.end(1) == .closedByUs(.goingAway))
        harness.advance(seconds: 6)
        let heard = try client.hearAll()
        #expect(heard.last == .end || heard.last == .reset)
        #expect(heard.count < 402)
    }

    @Test("The end of the stream without a close frame is a loss, in the middle of a frame too")
    func endOfStream() throws {
        let harness = try Harness()
        let first = try harness.connect(1)
        first.endSending()
        #expect(try first.hear() == .end)
        #expect(try harness.end(1) == .lost)
        let second = try harness.connect(2)
        second.send(Array(Frame.text("never whole")[..<8]))
        second.endSending()
        #expect(try second.hear() == .end)
        #expect(try harness.end(2) == .lost)
    }

    @Test("A reset is a loss")
    func reset() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        client.reset()
        #expect(try harness.end(1) == .lost)
    }

    @Test("A close frame reaches a peer that is still sending, for unread bytes are drained")
    func drains() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        let much = Frame.text(String(repeating: "x", count: 100_000))
        client.send([0xf1] + (0..<20).flatMap { _ in much })
        #expect(
            try client.hear()
                == .close(1002, "reserved bits are set and no extension was agreed on"))
        #expect(try client.hear() == .end)
    }

    @Test("A peer that closed and keeps its side open holds nothing of ours")
    func closesAtOnce() throws {
        let harness = try Harness()
        for (name, isOurs) in [(1, false), (2, true)] {
            let client = try harness.connect(name)
            if isOurs {
                client.say("close \(name) 1001")
                #expect(try client.hear() == .close(1001, "on request"))
            }
            client.send(Frame.close(1001))
            if !isOurs { #expect(try client.hear() == .close(1001, "")) }
            #expect(try client.hear() == .end)
            try waitForReset(client)  // With no time gone by.
        }
    }

    @Test("A close frame is read by a peer that sent more behind its own")
    func talksOn() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        let much = (0..<20).flatMap { _ in Frame.text(String(repeating: "x", count: 60_000)) }
        client.send(Frame.close(1000) + much)
        #expect(try client.hearAll() == [.close(1000, ""), .end])
    }

    @Test("Who wants to know that a socket was closed is told when the peer has ended too")
    func awaited() throws {
        let harness = try Harness()
        let (client, server) = TestClient.tcp()
        let told = Atomic(false)
        harness.loops.adopt(server, earlyBytes: [], admission: 1, affinity: 0) {
            told.store(true, ordering: .releasing)
        }
        client.send(Frame.close(1000))
        #expect(try client.hearAll() == [.close(1000, ""), .end])
        let isEarly = told.load(ordering: .acquiring)
        #expect(!isEarly)
        client.hangUp()
        while !told.load(ordering: .acquiring) { sched_yield() }
    }

    @Test("Closed is told once, though both sides close at the same time")
    func bothClose() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        let socket = try #require(harness.log.socket(1))
        for _ in 0..<3 { harness.loops.tell(.close(socket, .normal)) }
        client.send(Frame.close(1000))
        _ = try client.hearAll()
        let end = try harness.end(1)
        #expect(end == .closedByUs(.normal) || end == .peerClosed(code: 1000))
        harness.stop()
        #expect(harness.log.ends(1).count == 1)
    }

    @Test("A handler may close any socket from any callback")
    func reentrancy() throws {
        let harness = try Harness()
        let witness = try harness.connect(1000)
        let (first, second) = (try harness.connect(1), try harness.connect(2))
        first.say("close 2 4509")
        #expect(try second.hear() == .close(4509, "on request"))
        #expect(try witness.hear() == .text("gone 2"))
        first.say("close 1 1000")
        #expect(try witness.hear() == .text("gone 1"))
        first.send(Frame.close(1000))
        #expect(try first.hearAll() == [.close(1000, "on request"), .end])
        #expect(harness.log.ends(1) == [.closedByUs(.normal)])
        #expect(harness.log.ends(2) == [.closedByUs(.replaced)])
    }
}
