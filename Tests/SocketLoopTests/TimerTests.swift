import SocketLoop
import Testing
import WebSocket

@Suite struct TimerTests {
    @Test("A silent socket is pinged twice and closed with 4408 when the third is due")
    func silence() throws {
        let harness = try Harness { $0.pingIntervalSeconds = 25 }
        let client = try harness.connect(1)
        harness.advance(seconds: 24)
        harness.advance(seconds: 1)
        #expect(try client.hear() == .ping([]))
        harness.advance(seconds: 25)
        #expect(try client.hear() == .ping([]))
        #expect(harness.log.ends(1).isEmpty)
        harness.advance(seconds: 25)
        #expect(try client.hear() == .close(4408, "no pong in time"))
        #expect(try harness.end(1) == .closedByUs(.noPong))
    }

    @Test(
        "Any bytes count as life: a pong, a message, or part of one",
        arguments: [
            Frame.masked(.pong, []), Frame.text("a"), [0x81],
        ])
    func life(bytes: [UInt8]) throws {
        let harness = try Harness {
            $0.pingIntervalSeconds = 10
            $0.messageSecondsMax = 0
        }
        let client = try harness.connect(1, overUnixPair: true)
        for byte in bytes + bytes + bytes {
            harness.advance(seconds: 10)
            #expect(try hearPing(client))
            harness.advance(seconds: 10)
            #expect(try hearPing(client))
            client.send([byte])
            client.waitUntilRead()
            if bytes == [0x81] { break }
        }
        #expect(harness.log.ends(1).isEmpty)
    }

    private func hearPing(_ client: TestClient) throws -> Bool {
        while true {
            switch try client.hear() {
            case .ping: return true
            case .text: continue
            case .binary, .close, .pong, .end, .reset: return false
            }
        }
    }

    @Test("The ping clock stands still while reads are paused")
    func pausedPings() throws {
        let harness = try Harness {
            $0.pingIntervalSeconds = 10
            $0.messagesPerSecond = 1
            $0.messageBurst = 1
            $0.overRateSecondsMax = 0
        }
        let client = try harness.connect(1)
        client.send((0..<30).flatMap { Frame.text("\($0)") })
        for number in 0..<30 {
            #expect(try client.hear() == .text("<\(number)>"))
            harness.advance(seconds: 1)
        }
        harness.advance(seconds: 10)
        #expect(try client.hear() == .ping([]))
    }

    @Test("A probed socket is pinged at once and closed with 4408 unless it is heard in time")
    func probe() throws {
        let harness = try Harness()
        let (prober, probed) = (try harness.connect(1), try harness.connect(2))
        prober.say("probe 2 2")
        #expect(try probed.hear() == .ping([]))
        harness.advance(milliseconds: 1900)
        probed.send(Frame.masked(.pong, []) + Frame.text("here"))
        #expect(try probed.hear() == .text("<here>"))
        harness.advance(milliseconds: 5000)
        prober.say("probe 2 2")
        #expect(try probed.hear() == .ping([]))
        harness.advance(milliseconds: 2000)
        #expect(try probed.hear() == .close(4408, "no pong in time"))
        #expect(try harness.end(2) == .closedByUs(.noPong))
        #expect(harness.log.ends(1).isEmpty)
    }

    @Test("A message that trickles in for ever ends its socket with 4408, though bytes are life")
    func slowLoris() throws {
        let harness = try Harness { $0.pingIntervalSeconds = 0 }
        let client = try harness.connect(1, overUnixPair: true)
        let frame = Frame.text(String(repeating: "x", count: 300))
        for byte in frame.prefix(31) {
            client.send([byte])
            client.waitUntilRead()
            #expect(client.isSilent)
            harness.advance(seconds: 1)
        }
        #expect(try client.hear() == .close(4408, "a message took too long"))
        #expect(try harness.end(1) == .closedByUs(.noPong))
    }

    @Test("So does one that trickles in as small fragments with pings between them")
    func slowFragments() throws {
        let harness = try Harness { $0.pingIntervalSeconds = 0 }
        let client = try harness.connect(1, overUnixPair: true)
        client.send(Frame.text("a", isFinal: false))
        for second in 0..<31 {
            client.send(Frame.more("b") + Frame.masked(.ping, [UInt8(second)]))
            #expect(try client.hear() == .pong([UInt8(second)]))
            harness.advance(seconds: 1)
        }
        #expect(try client.hear() == .close(4408, "a message took too long"))
    }

    @Test("A large message over a slow line has a second more for each KiB that has come")
    func slowLine() throws {
        let harness = try Harness()
        let client = try harness.connect(1, overUnixPair: true)
        let text = String(repeating: "x", count: 120_000)
        var rest = Frame.text(text)[...]
        while rest.count > 2000 {  // For a minute and a half in all.
            client.send(Array(rest.prefix(1300)))
            rest = rest.dropFirst(1300)
            client.waitUntilRead()
            harness.advance(seconds: 1)
        }
        client.send(Array(rest))
        while true {
            let heard = try client.hear()
            if heard == .ping([]) { continue }
            #expect(heard == .text("<\(text)>"))
            break
        }
    }

    @Test("Each message has its own time, though there is never a moment without an unfinished one")
    func busyLine() throws {
        let harness = try Harness { $0.pingIntervalSeconds = 0 }
        let client = try harness.connect(1, overUnixPair: true)
        let frame = Frame.text("a")
        client.send(Array(frame[..<3]))
        for _ in 0..<100 {
            client.send(Array(frame[3...]) + frame[..<3])
            #expect(try client.hear() == .text("<a>"))
            harness.advance(seconds: 1)
        }
        #expect(harness.log.ends(1).isEmpty)
    }

    @Test("0 switches a timer off")
    func off() throws {
        let harness = try Harness {
            $0.messageSecondsMax = 0
            $0.pingIntervalSeconds = 0
        }
        let client = try harness.connect(1)
        client.send(Frame.text("never ", isFinal: false))
        for _ in 0..<3 { harness.advance(seconds: 100_000) }
        client.send(Frame.more("mind", isFinal: true))
        #expect(try client.hear() == .text("<never mind>"))
    }

    @Test("The handler is ticked as the seconds pass")
    func ticks() throws {
        let harness = try Harness()
        let client = try harness.connect(1)  // Now the loop runs.
        #expect(client.isSilent)
        for count in 1...3 {
            harness.advance(seconds: 1)
            try harness.log.wait { $0.ticks >= count }
        }
    }
}
