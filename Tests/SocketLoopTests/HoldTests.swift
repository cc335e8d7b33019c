import SocketLoop
import TestSupport
import Testing
import WebSocket

@Suite("A socket that is held") struct HoldTests {
    private static func ping(_ number: UInt8) -> [UInt8] { Frame.masked(.ping, [number]) }

    private func release(_ name: Int, _ harness: Harness) throws {
        harness.loops.tell(.release(try #require(harness.log.socket(name))))
    }

    /// Connects a client and has it held.
    private func held(
        _ name: Int, _ harness: Harness, overUnixPair isPair: Bool = false
    ) throws -> TestClient {
        let client = try harness.connect(name, overUnixPair: isPair)
        client.send(Frame.text("keep \(name) it") + Self.ping(0))
        #expect(try client.hear() == .pong([0]))
        return client
    }

    /// Waits until the loop has done what it was told and looked at the clock.
    private func settle(_ witness: TestClient) throws {
        witness.say("so far")
        #expect(try witness.hear() == .text("<so far>"))
    }

    private func messages(_ name: Int, _ log: Log) -> [String] {
        log.events.compactMap { event in
            guard case .received(name, let text) = event else { return nil }
            return text
        }
    }

    @Test("What was read behind the message in which it is held waits, in order, and pings do not")
    func whileHandling() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        client.send(
            Frame.text("a") + Frame.text("keep 1 it") + Self.ping(1) + Frame.text("b")
                + Self.ping(2) + Frame.text("c") + Self.ping(3))
        #expect(try client.hear() == .text("<a>"))
        for number in 1...3 { #expect(try client.hear() == .pong([UInt8(number)])) }
        client.send(Frame.text("d") + Self.ping(4))
        #expect(try client.hear() == .pong([4]))
        #expect(messages(1, harness.log) == ["a", "keep 1 it"])
        try release(1, harness)
        for text in ["b", "c", "d"] { #expect(try client.hear() == .text("<\(text)>")) }
        client.send(Frame.text("e") + Self.ping(5))
        #expect(try client.hear() == .text("<e>"))
        #expect(try client.hear() == .pong([5]))
    }

    @Test("Control frames are met wherever they are cut", arguments: [1, 2, 3, 7, 50, 1000])
    func cut(pieceLength: Int) throws {
        let harness = try Harness()
        let client = try held(1, harness, overUnixPair: true)
        let long = String(repeating: "naïve ", count: 40)
        let bytes =
            Frame.text("a") + Self.ping(1) + Frame.text("b", isFinal: false) + Self.ping(2)
            + Self.ping(3) + Frame.more("c") + Frame.masked(.pong, [9])
            + Frame.more("", isFinal: true) + Frame.text(long) + Self.ping(4) + Frame.text("")
            + Frame.text("d") + Self.ping(5)
        var rest = bytes[...]
        while !rest.isEmpty {
            client.send(Array(rest.prefix(pieceLength)))
            rest = rest.dropFirst(pieceLength)
            client.waitUntilRead()
        }
        for number in 1...5 { #expect(try client.hear() == .pong([UInt8(number)])) }
        #expect(messages(1, harness.log) == ["keep 1 it"])
        try release(1, harness)
        for text in ["a", "bc", long, "", "d"] { #expect(try client.hear() == .text("<\(text)>")) }
        #expect(client.isSilent)
    }

    @Test("A message that has come in part is whole once it is released", arguments: 1..<12)
    func halfMessage(cut: Int) throws {
        let harness = try Harness()
        let client = try harness.connect(1, overUnixPair: true)
        let frame = Frame.text("naïve")
        client.send(Array(frame[..<cut]))
        client.waitUntilRead()
        let other = try harness.connect(2)
        other.send(Frame.text("keep 1 it") + Self.ping(1))
        #expect(try other.hear() == .pong([1]))
        client.send(frame[cut...] + Self.ping(2))
        #expect(try client.hear() == .pong([2]))
        try release(1, harness)
        #expect(try client.hear() == .text("<naïve>"))
    }

    @Test("Held from the first, what came with the handshake waits")
    func fromTheFirst() throws {
        let harness = try Harness()
        let client = try harness.connect(9000, early: Frame.text("a") + Self.ping(1))
        client.say("b")
        #expect(try client.hear() == .pong([1]))
        #expect(messages(9000, harness.log).isEmpty)
        try release(9000, harness)
        #expect(try client.hear() == .text("<a>"))
        #expect(try client.hear() == .text("<b>"))
    }

    @Test("Holding twice holds once, and a release within the same message changes nothing")
    func twice() throws {
        let harness = try Harness()
        let client = try held(1, harness)
        let other = try harness.connect(2)
        client.send(Frame.text("blink 1 it") + Frame.text("b") + Frame.text("keep 1 it"))
        client.send(Frame.text("c") + Self.ping(1))
        #expect(try client.hear() == .pong([1]))
        other.send(Frame.text("keep 1 it") + Frame.text("free 1 it") + Frame.text("free 1 it"))
        #expect(try client.hear() == .text("<b>"))
        other.send(Frame.text("blink 1 it"))
        #expect(try client.hear() == .text("<c>"))
        #expect(messages(1, harness.log) == ["keep 1 it", "blink 1 it", "b", "keep 1 it", "c"])
    }

    @Test("A socket of another loop is held and released when that collects its mail")
    func otherLoop() throws {
        let harness = try Harness(loops: 2)
        let (client, other) = (try harness.connect(1, loop: 1), try harness.connect(2))
        other.send(Frame.text("keep 1 it") + Frame.text("to 1 held"))
        #expect(try client.hear() == .text("held"))
        client.send(Frame.text("a") + Self.ping(1))
        #expect(try client.hear() == .pong([1]))
        other.send(Frame.text("to 1 released") + Frame.text("free 1 it"))
        #expect(try client.hear() == .text("released"))
        #expect(try client.hear() == .text("<a>"))
    }

    @Test("It stays so where it moves to; the message that moves with it is handed on")
    func moves() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1)
        let last = Frame.text("c")
        client.send(
            Frame.text("go 1 keep") + Frame.text("b") + Self.ping(1) + last[..<3])
        #expect(try client.hear() == .text("at 1"))
        #expect(try client.hear() == .pong([1]))
        client.send(last[3...] + Self.ping(2))
        #expect(try client.hear() == .pong([2]))
        #expect(messages(1, harness.log) == ["go 1 keep", "go 1 keep"])
        try release(1, harness)
        #expect(try client.hear() == .text("<b>"))
        #expect(try client.hear() == .text("<c>"))
    }

    // MARK: Ends

    @Test("A close frame behind what waits ends the conversation, and what waits is dropped")
    func peerCloses() throws {
        let harness = try Harness()
        let client = try held(1, harness)
        client.send(Frame.text("a") + Frame.close(1000) + Frame.text("b"))
        #expect(try client.hearAll() == [.close(1000, ""), .end])
        #expect(try harness.end(1) == .peerClosed(code: 1000))
        #expect(messages(1, harness.log) == ["keep 1 it"])
    }

    @Test("A connection that is lost meanwhile is noticed", arguments: [false, true])
    func lost(isReset: Bool) throws {
        let harness = try Harness()
        let client = try held(1, harness)
        client.send(Frame.text("a") + Self.ping(1))
        #expect(try client.hear() == .pong([1]))
        if isReset { client.reset() } else { client.endSending() }
        #expect(try harness.end(1) == .lost)
        #expect(messages(1, harness.log) == ["keep 1 it"])
    }

    @Test("A broken rule behind what waits closes it")
    func brokenRule() throws {
        let harness = try Harness { $0.messageBytesMax = 1000 }
        let (left, right) = (try held(1, harness), try held(2, harness))
        left.send(Frame.text("a") + Self.ping(1) + [0x81, 0x01, 0x61])
        #expect(try left.hear() == .pong([1]))
        #expect(try left.hear() == .close(1002, "frames from a client must be masked"))
        right.send(Frame.text("a") + Frame.header(.text, length: 1001))
        guard case .close(1009, _) = try right.hear() else {
            Issue.record("not closed as too big")
            return
        }
        #expect(messages(1, harness.log) == ["keep 1 it"])
    }

    @Test("It can be closed, and the peer's answer is found behind what is dropped")
    func closedByUs() throws {
        let harness = try Harness { $0.closeTimeoutSeconds = 60 }
        let client = try held(1, harness)
        let half = Frame.text("half of a message")
        client.send(Frame.text("a") + Self.ping(1) + half[..<9])
        #expect(try client.hear() == .pong([1]))
        let socket = try #require(harness.log.socket(1))
        harness.loops.tell(.close(socket, .revoked))
        harness.loops.tell(.release(socket))
        #expect(try client.hear() == .close(4501, "as told"))
        client.send(half[9...] + Frame.text("b") + Frame.close(4501))
        #expect(try client.hear() == .end)
        #expect(harness.log.ends(1) == [.closedByUs(.revoked)])
        #expect(messages(1, harness.log) == ["keep 1 it"])
    }

    @Test("A stop closes it with the stop's code, and hands nothing on")
    func stop() throws {
        let harness = try Harness(loops: 2)
        let client = try held(1, harness)
        client.send(Frame.text("a") + Self.ping(1))
        #expect(try client.hear() == .pong([1]))
        let stopper = harness.stopper(.restarting, secondsMax: 20)
        #expect(try client.hear() == .close(1012, ""))
        try release(1, harness)
        client.send(Frame.close(1012))
        #expect(try client.hear() == .end)
        client.hangUp()
        stopper.wait()
        #expect(harness.log.ends(1) == [.closedByUs(.restarting)])
        #expect(messages(1, harness.log) == ["keep 1 it"])
    }

    // MARK: Time

    @Test("Pongs behind what waits keep it alive, and silence ends it")
    func liveness() throws {
        let harness = try Harness { $0.pingIntervalSeconds = 10 }
        let client = try held(1, harness, overUnixPair: true)
        for _ in 0..<6 {
            harness.advance(seconds: 10)
            #expect(try client.hear() == .ping([]))
            client.send(Frame.text("a") + Frame.masked(.pong, []))
            client.waitUntilRead()
        }
        for _ in 0..<2 {
            harness.advance(seconds: 10)
            #expect(try client.hear() == .ping([]))
        }
        harness.advance(seconds: 10)
        #expect(try client.hear() == .close(4408, "no pong in time"))
        #expect(try harness.end(1) == .closedByUs(.noPong))
    }

    @Test("The time that a message may take stands still")
    func messageTime() throws {
        let harness = try Harness { $0.pingIntervalSeconds = 0 }
        let client = try harness.connect(1, overUnixPair: true)
        client.send(Array(Frame.text("half").prefix(8)))
        client.waitUntilRead()
        let witness = try harness.connect(2)
        let socket = try #require(harness.log.socket(1))
        harness.advance(seconds: 20)
        try settle(witness)
        harness.loops.tell(.hold(socket))
        try settle(witness)
        harness.advance(seconds: 100)
        try settle(witness)
        try release(1, harness)
        try settle(witness)
        harness.advance(seconds: 10)
        try settle(witness)
        #expect(harness.log.ends(1).isEmpty)
        harness.advance(seconds: 1)
        #expect(try client.hear() == .close(4408, "a message took too long"))
    }

    @Test("Messages count against the rate when they are handed on")
    func rate() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 10
            $0.messageBurst = 5
        }
        let client = try held(1, harness)  // Two of the burst.
        client.send((0..<6).flatMap { Frame.text("m\($0)") } + Self.ping(1))
        #expect(try client.hear() == .pong([1]))
        try release(1, harness)
        for number in 0..<2 { #expect(try client.hear() == .text("<m\(number)>")) }
        try settle(try harness.connect(2))
        #expect(client.isSilent)
        harness.advance(milliseconds: 250)
        for number in 2..<4 { #expect(try client.hear() == .text("<m\(number)>")) }
    }

    @Test("Pings behind what waits count at once, so that they can't flood")
    func pingFlood() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 10
            $0.messageBurst = 5
        }
        let client = try held(1, harness, overUnixPair: true)  // Two of the burst.
        client.send(Frame.text("a") + (1...8).flatMap { Self.ping($0) })
        for number in 1...3 { #expect(try client.hear() == .pong([UInt8(number)])) }
        client.waitUntilRead()
        #expect(client.isSilent)
        harness.advance(seconds: 1)
        for number in 4...8 { #expect(try client.hear() == .pong([UInt8(number)])) }
        #expect(messages(1, harness.log) == ["keep 1 it"])
    }

    @Test("The time over the rate stands still")
    func overRate() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 4
            $0.messageBurst = 4
            $0.overRateSecondsMax = 3
        }
        let client = try harness.connect(1)
        client.send((0..<100).flatMap { Frame.text("m\($0)") })
        for number in 0..<4 { #expect(try client.hear() == .text("<m\(number)>")) }
        var next = 4
        func step(_ ticks: Int) throws {
            for _ in 0..<ticks {
                harness.advance(milliseconds: 250)
                #expect(try client.hear() == .text("<m\(next)>"))
                next += 1
            }
        }
        try step(8)
        let socket = try #require(harness.log.socket(1))
        let witness = try harness.connect(2)
        harness.loops.tell(.hold(socket))
        try settle(witness)
        harness.advance(seconds: 10)
        try settle(witness)
        try release(1, harness)
        for _ in 0..<5 {  // What the time that it was held was worth.
            #expect(try client.hear() == .text("<m\(next)>"))
            next += 1
        }
        try step(3)
        #expect(harness.log.ends(1).isEmpty)
        harness.advance(milliseconds: 250)
        #expect(try client.hear() == .close(4429, "over the message rate"))
    }
}
