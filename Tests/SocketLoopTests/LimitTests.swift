import SocketLoop
import Testing
import WebSocket

@Suite struct LimitTests {
    @Test("A reader that pauses gets 600 kB whole once it reads")
    func pausedReader() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        client.say("flood 1 600 1000")
        client.say("quiet")
        try harness.log.wait { $0.events.contains(.received(1, "quiet")) }
        let text = String(repeating: "x", count: 1000)
        for _ in 0..<600 { #expect(try client.hear() == .text(text)) }
        client.say("still here")
        #expect(try client.hear() == .text("<still here>"))
    }

    @Test("A reader that is too slow is closed with 1013, between frames, and others go on")
    func slowReader() throws {
        let harness = try Harness()
        let (slow, other) = (try harness.connect(1), try harness.connect(2))
        var count = 0
        while harness.log.ends(1).isEmpty {
            other.say("flood 1 10 30000")
            other.say("alive \(count)")
            #expect(try other.hear() == .text("<alive \(count)>"))
            count += 1
        }
        #expect(harness.log.ends(1) == [.closedByUs(.overloaded)])
        slow.send(Frame.close(1013))
        let heard = try slow.hearAll()
        let text = Heard.text(String(repeating: "x", count: 30_000))
        #expect(heard.count > 3)
        #expect(heard.dropLast(2).allSatisfy { $0 == text })
        #expect(Array(heard.suffix(2)) == [.close(1013, "the queue is full"), .end])
    }

    @Test("A burst over the queue's limit in one turn passes while the peer reads")
    func burstInOneTurn() throws {
        let harness = try Harness { $0.outboundBytesMax = 100_000 }
        let client = try harness.connect(1)
        client.say("flood 1 100 2000")
        let text = String(repeating: "x", count: 2000)
        for _ in 0..<100 { #expect(try client.hear() == .text(text)) }
    }

    @Test("Over its burst a socket is paused, and nothing it sent is lost")
    func ratePause() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 100
            $0.messageBurst = 10
        }
        let client = try harness.connect(1)
        client.send((0..<60).flatMap { Frame.text("m\($0)") })
        client.endSending()
        for number in 0..<10 { #expect(try client.hear() == .text("<m\(number)>")) }
        // A quarter of a second pays for 25 more.
        harness.advance(milliseconds: 250)
        for number in 10..<35 { #expect(try client.hear() == .text("<m\(number)>")) }
        #expect(client.isSilent)
        harness.advance(milliseconds: 250)
        for number in 35..<60 { #expect(try client.hear() == .text("<m\(number)>")) }
        #expect(try client.hear() == .end)
        #expect(try harness.end(1) == .lost)
    }

    @Test("Control frames count as messages, so that pings can't flood")
    func pingFlood() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 10
            $0.messageBurst = 5
        }
        let client = try harness.connect(1, overUnixPair: true)
        client.send((0..<8).flatMap { Frame.masked(.ping, [UInt8($0)]) })
        for number in 0..<5 { #expect(try client.hear() == .pong([UInt8(number)])) }
        client.waitUntilRead()
        #expect(client.isSilent)
        harness.advance(seconds: 1)
        for number in 5..<8 { #expect(try client.hear() == .pong([UInt8(number)])) }
    }

    @Test("A socket that stays over the rate for the time allowed is closed with 4429")
    func tooFast() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 4
            $0.messageBurst = 4
            $0.overRateSecondsMax = 3
        }
        let client = try harness.connect(1)
        client.send((0..<100).flatMap { Frame.text("m\($0)") })
        for number in 0..<4 { #expect(try client.hear() == .text("<m\(number)>")) }
        for number in 4..<15 {
            harness.advance(milliseconds: 250)
            #expect(try client.hear() == .text("<m\(number)>"))
        }
        harness.advance(milliseconds: 250)
        #expect(try client.hear() == .close(4429, "over the message rate"))
        #expect(try harness.end(1) == .closedByUs(.tooFast))
        client.send(Frame.close(4429))
        #expect(try client.hear() == .end)
    }

    @Test("By default that time is a minute, at 200 messages a second and 2000 at once")
    func tooFastByDefault() throws {
        let harness = try Harness { $0.messagesPerSecond = SocketLimits().messagesPerSecond }
        let client = try harness.connect(1)
        client.send((0..<15_000).flatMap { _ in Frame.text("m") })
        for _ in 0..<2000 { #expect(try client.hear() == .text("<m>")) }
        client.say("m")
        for _ in 0..<59 {
            harness.advance(seconds: 1)
            for _ in 0..<200 { #expect(try client.hear() == .text("<m>")) }
        }
        #expect(harness.log.ends(1).isEmpty)
        harness.advance(seconds: 1)
        #expect(try client.hear() == .close(4429, "over the message rate"))
        #expect(try harness.end(1) == .closedByUs(.tooFast))
    }

    @Test("The minute of 4429 starts anew once a socket was within the rate")
    func rateRecovers() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 4
            $0.messageBurst = 4
            $0.overRateSecondsMax = 3
        }
        let client = try harness.connect(1)
        for _ in 0..<4 {
            client.send((0..<8).flatMap { Frame.text("m\($0)") })
            for number in 0..<4 { #expect(try client.hear() == .text("<m\(number)>")) }
            harness.advance(seconds: 1)
            for number in 4..<8 { #expect(try client.hear() == .text("<m\(number)>")) }
            harness.advance(seconds: 1)  // Within the rate by now.
            client.say("probe 1 9")
            #expect(try client.hear() == .ping([]))
            harness.advance(seconds: 1)
        }
        #expect(harness.log.ends(1).isEmpty)
    }

    @Test("A close frame behind paused messages is still found")
    func closeWhilePaused() throws {
        let harness = try Harness {
            $0.messagesPerSecond = 1
            $0.messageBurst = 1
            $0.closeTimeoutSeconds = 60
        }
        let client = try harness.connect(1)
        client.send(Frame.text("a") + Frame.text("b") + Frame.close(1000))
        #expect(try client.hear() == .text("<a>"))
        let socket = try #require(harness.log.socket(1))
        harness.loops.tell(.close(socket, .revoked))
        #expect(try client.hear() == .close(4501, "as told"))
        harness.advance(milliseconds: 250)
        #expect(try client.hear() == .end)
        #expect(!harness.log.events.contains(.received(1, "b")))
    }

    @Test("One socket more than there are places for is turned away with 1013")
    func fullTable() throws {
        let harness = try Harness { $0.socketsPerLoopMax = 2 }
        let first = try harness.connect(1)
        let second = try harness.connect(2)
        let (third, server) = TestClient.tcp()
        harness.loops.adopt(server, earlyBytes: [], admission: 3, affinity: 0)
        #expect(try third.hearAll() == [.close(1013, ""), .end])
        first.send(Frame.close(1000))
        #expect(try first.hearAll() == [.close(1000, ""), .end])
        first.hangUp()
        try harness.log.wait { _ in harness.log.ends(1).count == 1 }
        second.say("a")
        #expect(try second.hear() == .text("<a>"))
        #expect(harness.log.socket(3) == nil)
        let fourth = try connectWhenFree(harness, 4)
        fourth.say("b")
        #expect(try fourth.hear() == .text("<b>"))
    }

    /// The place is free as soon as the loop has seen the last of the socket that held it.
    private func connectWhenFree(_ harness: Harness, _ name: Int) throws -> TestClient {
        while true {
            let (client, server) = TestClient.tcp()
            harness.loops.adopt(server, earlyBytes: [], admission: name, affinity: 0)
            client.send(Frame.masked(.ping, []))
            if try client.hear() == .pong([]) { return client }
        }
    }
}
