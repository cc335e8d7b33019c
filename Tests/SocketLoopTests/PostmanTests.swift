import Identifiers
import SocketLoop
import Testing
import WebSocket

@Suite("A thread that is no loop reaches sockets") struct PostmanTests {
    private func say(
        _ text: String, _ name: Int, _ harness: Harness, _ postman: inout Postman
    ) throws {
        let socket = try #require(harness.log.socket(name))
        postman.send(to: socket, head: "<".utf8.span, body: text.utf8.span, tail: ">".utf8.span)
    }

    @Test("What it says to a socket arrives in order, whatever its loop, and not before it posts")
    func order() throws {
        let harness = try Harness(loops: 2)
        var postman = harness.loops.makePostman()
        let clients = [try harness.connect(0), try harness.connect(1, loop: 1)]
        for number in 0..<1000 {
            for name in clients.indices {
                try say("\(number)", name, harness, &postman)
                if number.isMultiple(of: 7) { postman.postNow() }
            }
        }
        for (name, client) in clients.enumerated() {
            // What is not posted yet stands behind what a loop says.
            client.say("to \(name) now")
            var heard = try (0..<996).map { _ in try client.hear() }
            heard.removeAll { $0 == .text("now") }
            #expect(heard == (0..<995).map { .text("<\($0)>") })
        }
        postman.postNow()
        for client in clients {
            for number in 995..<1000 { #expect(try client.hear() == .text("<\(number)>")) }
        }
    }

    @Test("Nudges, closes, holds and releases stand in the same order")
    func kinds() throws {
        let harness = try Harness(loops: 2)
        var postman = harness.loops.makePostman()
        let client = try harness.connect(1, loop: 1)
        let socket = try #require(harness.log.socket(1))
        postman.hold(socket)
        postman.send(to: socket, head: "held".utf8.span, body: "".utf8.span, tail: "".utf8.span)
        postman.postNow()
        #expect(try client.hear() == .text("held"))
        client.say("waits")
        client.send(Frame.masked(.ping, [1]))
        #expect(try client.hear() == .pong([1]))
        postman.release(socket)
        postman.postNow()
        #expect(try client.hear() == .text("<waits>"))
        postman.nudge(socket)
        postman.postNow()
        #expect(try client.hear() == .text("nudged"))
        postman.send(to: socket, head: "last".utf8.span, body: "".utf8.span, tail: "".utf8.span)
        postman.close(socket, .revoked, reason: "over")
        postman.send(to: socket, head: "late".utf8.span, body: "".utf8.span, tail: "".utf8.span)
        postman.postNow()
        #expect(try client.hear() == .text("last"))
        #expect(try client.hear() == .close(4501, "over"))
        #expect(try harness.end(1) == .closedByUs(.revoked))
    }

    @Test("A probe of it pings at once, and closes who is silent")
    func probe() throws {
        let harness = try Harness()
        var postman = harness.loops.makePostman()
        let client = try harness.connect(1)
        postman.probe(try #require(harness.log.socket(1)), secondsMax: 2)
        postman.postNow()
        guard case .ping = try client.hear() else { return #expect(Bool(false)) }
        harness.advance(seconds: 3)
        #expect(try harness.end(1) == .closedByUs(.noPong))
    }

    @Test("What it posts before it tells a loop something is done before the handler hears of that")
    func beforeNotes() throws {
        let harness = try Harness(loops: 2)
        var postman = harness.loops.makePostman()
        let client = try harness.connect(1)
        let socket = try #require(harness.log.socket(1))
        for number in 0..<3000 {
            try say("\(number)", 1, harness, &postman)
            postman.postNow()
            harness.loops.tell(.send(to: socket, "told \(number)"), loop: 0)
        }
        var places: [Heard: Int] = [:]
        for place in 0..<6000 { places[try client.hear()] = place }
        for number in 0..<3000 {
            let posted = try #require(places[.text("<\(number)>")])
            let told = try #require(places[.text("told \(number)")])
            #expect(posted < told)
        }
    }

    @Test("One loop alone is told, and one that there isn't harms nobody")
    func oneLoop() throws {
        let harness = try Harness(loops: 2)
        harness.loops.tell(.number(1), loop: 1)
        harness.loops.tell(.number(2), loop: 2)
        harness.loops.tell(.number(3), loop: 0)
        try harness.log.wait { $0.events.count == 2 }
        #expect(harness.log.events.contains(.told(1, loop: 1)))
        #expect(harness.log.events.contains(.told(3, loop: 0)))
    }

    @Test("A loop that can't keep up costs those their sockets to whom one client says too much")
    func crowded() throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesMax = 0 }
        let (far, other) = (try harness.connect(100, loop: 1), try harness.connect(200, loop: 1))
        let near = try harness.connect(300)
        other.say("hold 300 held")
        #expect(try near.hear() == .text("held"))
        var postman = harness.loops.makePostman()
        postman.speaker = "a"
        let text = String(repeating: "x", count: 1 << 20)
        for _ in 0..<60 { try say(text, 100, harness, &postman) }
        postman.speaker = "b"
        try say("from another", 200, harness, &postman)
        postman.postNow()
        harness.log.letGo()
        var count = 0
        while try far.hear() == .text("<\(text)>") { count += 1 }
        #expect(count > 0 && count < 60)
        #expect(try harness.end(100) == .closedByUs(.overloaded))
        #expect(try other.hear() == .text("<from another>"))
    }
}
