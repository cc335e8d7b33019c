import SocketLoop
import TestSupport
import Testing
import WebSocket

@Suite struct MovingTests {
    @Test("A move redelivers the message on the other loop, and what came behind follows in order")
    func order() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1)
        let last = Frame.text("d")
        client.send(
            Frame.text("a") + Frame.text("go 1") + Frame.text("b") + Frame.masked(.ping, [7])
                + Frame.text("c", isFinal: false) + last[..<3])
        #expect(try client.hear() == .text("<a>"))
        #expect(try client.hear() == .text("at 1"))
        #expect(try client.hear() == .text("<b>"))
        #expect(try client.hear() == .pong([7]))
        client.hangUp()
        #expect(try harness.end(1) == .lost)
        #expect(
            harness.log.events == [
                .opened(1), .received(1, "a"), .received(1, "go 1"), .moved(1), .opened(1),
                .received(1, "go 1"), .received(1, "b"), .closed(1, .lost),
            ])
        #expect(harness.log.socket(1)?.loop == 1)
    }

    @Test("A frame that is cut by the move is whole on the other loop", arguments: 0..<12)
    func cutFrame(cut: Int) throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1, overUnixPair: true)
        let next = Frame.text("naïve")
        client.send(Frame.text("go 1") + next[..<min(cut, next.count)])
        #expect(try client.hear() == .text("at 1"))
        for byte in next[min(cut, next.count)...] {
            client.send([byte])
            client.waitUntilRead()
        }
        #expect(try client.hear() == .text("<naïve>"))
    }

    @Test("A message in fragments may move its socket, and early bytes may too")
    func fragments() throws {
        let harness = try Harness(loops: 3)
        let early = Frame.text("go", isFinal: false) + Frame.more(" 2", isFinal: true)
        let client = try harness.connect(1, early: early + Frame.text("behind"))
        #expect(try client.hear() == .text("at 2"))
        #expect(try client.hear() == .text("<behind>"))
        #expect(harness.log.socket(1)?.loop == 2)
    }

    @Test("A move to the loop where the socket is changes nothing")
    func sameLoop() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1, loop: 1)
        client.send(Frame.text("go 1") + Frame.text("go 3") + Frame.text("go -1"))
        for _ in 0..<3 { #expect(try client.hear() == .text("at 1")) }
        #expect(!harness.log.events.contains(.moved(1)))
    }

    @Test("Sockets that move all the time lose nothing and change no order", arguments: 0..<2)
    func restless(seed: UInt64) throws {
        let harness = try Harness(loops: 3) { $0.outboundBytesMax = 0 }
        let clients = try (0..<6).map { try harness.connect($0, loop: $0) }
        var random = SeededGenerator(seed: seed)
        var expected: [[String]] = clients.map { _ in [] }
        for number in 0..<300 {
            for index in clients.indices {
                let isMove = Int.random(in: 0..<3, using: &random) == 0
                let loop = Int.random(in: 0..<3, using: &random)
                expected[index].append(isMove ? "at \(loop)" : "<\(number)>")
                clients[index].say(isMove ? "go \(loop)" : "\(number)")
            }
        }
        for (client, texts) in zip(clients, expected) {
            for text in texts { #expect(try client.hear() == .text(text)) }
        }
        for name in clients.indices { #expect(harness.log.ends(name).isEmpty) }
    }

    @Test("What the client has not read yet moves with the socket, before what is sent there")
    func unsentOutput() throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesMax = 0 }
        let client = try harness.connect(1)
        client.send(
            Frame.text("flood 1 300 65536") + Frame.text("go 1 twice") + Frame.text("behind"))
        try harness.log.wait { $0.events.contains(.received(1, "behind")) }
        let text = Heard.text(String(repeating: "x", count: 65_536))
        for _ in 0..<300 { #expect(try client.hear() == text) }
        #expect(try client.hear() == .text("leaving 0"))
        #expect(try client.hear() == .text("leaving 1"))
        #expect(try client.hear() == .text("at 1"))
        #expect(try client.hear() == .text("<behind>"))
    }

    @Test("A slow reader's queue still counts after the move")
    func limitAfterMove() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1)
        client.say("go 1")
        while harness.log.ends(1).isEmpty { client.say("flood 1 10 30000") }
        #expect(harness.log.ends(1) == [.closedByUs(.overloaded)])
    }

    @Test("A close frame behind the moving message ends the conversation on the other loop, once")
    func closeBehind() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1)
        client.send(Frame.text("go 1") + Frame.close(1000))
        #expect(try client.hearAll() == [.text("at 1"), .close(1000, ""), .end])
        #expect(try harness.end(1) == .peerClosed(code: 1000))
        #expect(harness.log.events.filter { $0 == .opened(1) }.count == 2)
    }

    @Test("A client that is gone before the move is over is found lost on the other loop, once")
    func goneMeanwhile() throws {
        let harness = try Harness(loops: 2)
        for name in 0..<30 {
            let client = try harness.connect(name)
            client.say("go 1")
            if name % 2 == 0 { client.reset() } else { client.endSending() }
            #expect(try harness.end(name) == .lost)
        }
    }

    @Test("A handler may close a socket as soon as it has moved, and the peer's close is awaited")
    func closeAfterMove() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1)
        client.send(Frame.text("go 1 close") + Frame.text("ignored"))
        #expect(try client.hear() == .text("at 1"))
        #expect(try client.hear() == .close(1008, "after the move"))
        client.send(Frame.close(1008))
        #expect(try client.hear() == .end)
        #expect(harness.log.ends(1) == [.closedByUs(.policy)])
        #expect(!harness.log.events.contains(.received(1, "ignored")))
    }

    @Test("A loop that is full still takes the sockets that move there")
    func fullLoop() throws {
        let harness = try Harness(loops: 2) { $0.socketsPerLoopMax = 2 }
        let clients = try (0..<4).map { try harness.connect($0, loop: $0) }
        for client in clients {
            client.say("go 1")
            #expect(try client.hear() == .text("at 1"))
        }
        let (late, server) = TestClient.tcp()
        harness.loops.adopt(server, earlyBytes: [], admission: 9, affinity: 1)
        #expect(try late.hearAll() == [.close(1013, ""), .end])
        for client in clients {
            client.say("go 0")
            #expect(try client.hear() == .text("at 0"))
        }
    }

    @Test("The message rate moves along")
    func rateMoves() throws {
        let harness = try Harness(loops: 2) {
            $0.messagesPerSecond = 10
            $0.messageBurst = 3
        }
        let client = try harness.connect(1, overUnixPair: true)
        client.send(
            Frame.text("a") + Frame.text("go 1") + Frame.text("b") + Frame.text("c"))
        #expect(try client.hear() == .text("<a>"))
        #expect(try client.hear() == .text("at 1"))
        #expect(try client.hear() == .text("<b>"))
        client.waitUntilRead()
        #expect(client.isSilent)
        harness.advance(milliseconds: 250)
        #expect(try client.hear() == .text("<c>"))
    }

    @Test("A stop while sockets move tells the end of each that was opened, and closes all")
    func stopWhileMoving() throws {
        for round in 0..<20 {
            let harness = try Harness(loops: 3)
            let clients = try (0..<12).map { try harness.connect($0, loop: $0) }
            for client in clients {
                client.send((0..<200).flatMap { Frame.text("go \(($0 + round) % 3)") })
            }
            harness.stop(.restarting, secondsMax: 0)
            for client in clients { _ = try client.hearAll() }
            for name in clients.indices {
                let events = harness.log.events
                let opened = events.filter { $0 == .opened(name) }.count
                let moved = events.filter { $0 == .moved(name) }.count
                #expect(harness.log.ends(name).count == 1)
                #expect(opened == moved + 1)
            }
        }
    }
}

@Suite struct NudgeTests {
    @Test("A nudge calls the handler of the socket's own loop, once for many", arguments: [0, 1])
    func nudge(loop: Int) throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0), try harness.connect(1, loop: loop))
        left.send(Frame.text("nudge 1 5") + Frame.text("to 1 done"))
        var heard: [Heard] = []
        while heard.count < 2 { heard.append(try right.hear()) }
        #expect(Set(heard.map { "\($0)" }).count == 2)
        #expect(heard.contains(.text("nudged")) && heard.contains(.text("done")))
        right.say("nudge 1 1")
        #expect(try right.hear() == .text("nudged"))
        #expect(harness.log.events.filter { $0 == .nudged(1) }.count == 2)
    }

    @Test("A nudge of a socket that is gone calls nobody")
    func nudgeGone() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0), try harness.connect(1, loop: 1))
        right.reset()
        #expect(try harness.end(1) == .lost)
        left.send(Frame.text("nudge 1 1") + Frame.text("here"))
        #expect(try left.hear() == .text("<here>"))
        harness.stop()
        #expect(!harness.log.events.contains(.nudged(-1)))
        #expect(!harness.log.events.contains(.nudged(1)))
    }

    @Test("What is posted at once reaches another loop while this one's turn goes on")
    func postNow() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0), try harness.connect(1, loop: 1))
        left.say("hold 1 while the turn lasts")
        #expect(try right.hear() == .text("while the turn lasts"))
        harness.log.letGo()
        left.say("here")
        #expect(try left.hear() == .text("<here>"))
    }
}
