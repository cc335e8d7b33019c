import SocketLoop
import Testing
import WebSocket

/// The client of a socket is the hundreds of its name, its subject the tens.
@Suite("Clients share what may wait at sockets")
struct ShareTests {
    /// Connects readers that read nothing.
    private func slow(_ names: [Int], _ harness: Harness, loop: Int = 0) throws -> [TestClient] {
        try names.map { try harness.connect($0, loop: loop, overUnixPair: true) }
    }

    /// Has so many kilobytes sent to a socket, in a turn of its own.
    private func flood(_ name: Int, kilobytes: Int, by sender: TestClient) throws {
        sender.say("flood \(name) \(kilobytes) 1000")
        sender.say("done")
        #expect(try sender.hear() == .text("<done>"))
    }

    /// Lets the other loops do what they were asked for.
    private func settle(_ clients: [TestClient]) throws {
        for client in clients {
            client.say("settle")
            #expect(try client.hear() == .text("<settle>"))
        }
    }

    @Test("Over a client's share the socket goes at which most waits, and no other's")
    func clientShare() throws {
        let harness = try Harness {
            $0.outboundBytesMax = 0
            $0.outboundBytesPerClientMax = 3_000_000
        }
        let held = try slow([100, 101, 200], harness)
        let sender = try harness.connect(300)
        try flood(200, kilobytes: 2500, by: sender)
        try flood(100, kilobytes: 2500, by: sender)
        try flood(101, kilobytes: 1500, by: sender)
        #expect(try harness.end(100) == .closedByUs(.overloaded))
        try settle([sender])
        #expect(harness.log.ends(101).isEmpty && harness.log.ends(200).isEmpty)
        let text = Heard.text(String(repeating: "x", count: 1000))
        for _ in 0..<2500 { #expect(try held[2].hear() == text) }
    }

    @Test("Of a client over its share the subject gives way that has most, not the largest socket")
    func subjects() throws {
        let harness = try Harness {
            $0.outboundBytesMax = 0
            $0.outboundBytesPerClientMax = 4_000_000
        }
        let held = try slow([120, 110, 111, 112, 113], harness)
        let sender = try harness.connect(300)
        try flood(120, kilobytes: 2000, by: sender)
        for name in 110...113 { try flood(name, kilobytes: 1000, by: sender) }
        try harness.log.wait { log in (110...113).contains { !log.ends($0).isEmpty } }
        try settle([sender])
        #expect(harness.log.ends(120).isEmpty)
        #expect(held.count == 5)
    }

    @Test("Where all are short, the client gives way at whose sockets most waits")
    func whole() throws {
        let harness = try Harness {
            $0.outboundBytesMax = 0
            $0.outboundBytesInAllMax = 6_000_000
        }
        let held = try slow([100, 101, 200], harness)
        let sender = try harness.connect(300)
        try flood(100, kilobytes: 2000, by: sender)
        try flood(101, kilobytes: 2500, by: sender)
        try flood(200, kilobytes: 3000, by: sender)
        #expect(try harness.end(101) == .closedByUs(.overloaded))
        try settle([sender])
        #expect(harness.log.ends(100).isEmpty && harness.log.ends(200).isEmpty)
        #expect(held.count == 3)
    }

    @Test("A socket of another loop gives way, and what was read or closed counts no more")
    func otherLoop() throws {
        let harness = try Harness(loops: 2) {
            $0.outboundBytesMax = 0
            $0.outboundBytesPerClientMax = 3_000_000
        }
        let held = try slow([100], harness, loop: 1) + slow([101], harness)
        let senders = [try harness.connect(300), try harness.connect(301, loop: 1)]
        let text = Heard.text(String(repeating: "x", count: 1000))
        for round in 0..<3 {
            try flood(100, kilobytes: 2000, by: senders[1])
            if round < 2 { for _ in 0..<2000 { #expect(try held[0].hear() == text) } }
        }
        #expect(harness.log.ends(100).isEmpty)
        try flood(101, kilobytes: 1800, by: senders[0])
        #expect(try harness.end(100) == .closedByUs(.overloaded))
        try flood(101, kilobytes: 500, by: senders[0])
        try settle(senders)
        #expect(harness.log.ends(101).isEmpty)
    }

    @Test("What waits at sockets that are closing counts as well, and is dropped for others")
    func closing() throws {
        let harness = try Harness {
            $0.outboundBytesMax = 0
            $0.outboundBytesPerClientMax = 3_000_000
        }
        let held = try slow([100, 101], harness)
        let sender = try harness.connect(300)
        try flood(100, kilobytes: 2500, by: sender)
        held[0].send(Frame.close(1000))
        #expect(try harness.end(100) == .peerClosed(code: 1000))
        try flood(101, kilobytes: 1500, by: sender)
        // The clock stands still, so nothing else would end it.
        let heard = try held[0].hearAll()
        #expect(heard.last == .end && heard.count < 2000)
        try settle([sender])
        #expect(harness.log.ends(101).isEmpty)
    }

    @Test("Messages that have come in part count like what waits to be sent")
    func halfMessages() throws {
        let harness = try Harness { $0.outboundBytesPerClientMax = 500_000 }
        let half = Array(Frame.text(String(repeating: "x", count: 120_000)).prefix(100_000))
        let held = try slow(Array(100..<106), harness)
        let other = try harness.connect(200)
        other.send(half)
        for client in held { client.send(half) }
        try harness.log.wait { log in (100..<106).contains { !log.ends($0).isEmpty } }
        other.send(Array(Frame.text(String(repeating: "x", count: 120_000)).dropFirst(100_000)))
        _ = try other.hear()
        #expect(harness.log.ends(200).isEmpty)
    }

    @Test(
        "So do those that came with the handshake, or moved with their socket",
        arguments: [[], Frame.text("go 1")])
    func halfMessagesAtOnce(before: [UInt8]) throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesPerClientMax = 500_000 }
        let half = Array(Frame.text(String(repeating: "x", count: 120_000)).prefix(100_000))
        let held = try (100..<106).map { try harness.connect($0, early: before + half) }
        try harness.log.wait { log in (100..<106).contains { !log.ends($0).isEmpty } }
        #expect(held.count == 6)
    }

    @Test("One client that another loop can't keep up with takes nothing from the others")
    func crowdedLoop() throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesMax = 0 }
        let (far, witness) = (try harness.connect(100, loop: 1), try harness.connect(200, loop: 1))
        let (flooder, honest) = (try harness.connect(101), try harness.connect(201))
        witness.say("hold 201 held")
        #expect(try honest.hear() == .text("held"))
        try flood(100, kilobytes: 100_000, by: flooder)
        honest.say("to 200 still here")
        honest.say("done")
        #expect(try honest.hear() == .text("<done>"))
        harness.log.letGo()
        #expect(try witness.hear() == .text("still here"))
        #expect(harness.log.ends(200).isEmpty)
        #expect(try harness.end(100) == .closedByUs(.overloaded))
        far.hangUp()
    }

    @Test("Several loops that send to one for the same client have its share between them")
    func crowdedByTwo() throws {
        let harness = try Harness(loops: 3) { $0.outboundBytesMax = 0 }
        let (far, witness) = (try harness.connect(100, loop: 1), try harness.connect(200, loop: 1))
        let (flooder, honest) = (try harness.connect(101), try harness.connect(201))
        witness.say("hold 201 held")
        #expect(try honest.hear() == .text("held"))
        flooder.say("flood 100 6000 10000")
        flooder.say("done")
        #expect(try flooder.hear() == .text("<done>"))
        harness.log.letGo()
        #expect(try harness.end(100) == .closedByUs(.overloaded))
        // 16 MiB and one post before it counts, then half of a share of 16 MiB.
        var heard = 0
        while case .text = try far.hear() { heard += 1 }
        #expect(heard > 2500 && heard < 2800)
        witness.hangUp()
    }
}
