import Identifiers
import TestSupport
import Testing
import WebSocket

@testable import SocketLoop

@Suite("What a postman lends to loops, docs/architecture.md §7") struct LentTests {
    @Test("What is lent arrives whole and in order among what is copied, also where it waits")
    func order() throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesMax = 0 }
        var postman = harness.loops.makePostman()
        let clients = [try harness.connect(0), try harness.connect(1, loop: 1)]
        let sockets = try (0...1).map { try #require(harness.log.socket($0)) }
        var random = SeededGenerator(seed: 7)
        var said: [[Heard]] = [[], []]
        for _ in 0..<300 {
            let bytes = (0..<20_000).map { _ in UInt8.random(in: 97...122, using: &random) }
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let name = Int.random(in: 0...1, using: &random)
                let start = Int.random(in: 0..<10_000, using: &random)
                let count = [5, 600, 1300, 9000].randomElement(using: &random) ?? 0
                let part = start..<(start + count)
                // Several in a row go in one write.
                for _ in 0..<Int.random(in: 1...9, using: &random) {
                    postman.send(to: sockets[name], part, of: bytes, tail: "}}".utf8.span)
                    said[name].append(.text(String(decoding: bytes[part], as: UTF8.self) + "}}"))
                }
                if Bool.random(using: &random) {
                    postman.send(
                        to: sockets[name], head: "copied".utf8.span, body: "".utf8.span,
                        tail: "".utf8.span)
                    said[name].append(.text("copied"))
                }
            }
            if Bool.random(using: &random) { postman.postNow() }
        }
        postman.postNow()
        for (client, texts) in zip(clients, said) {
            for text in texts { #expect(try client.hear() == text) }
        }
    }

    @Test(
        "A loop that does not come holds no more of it than may wait there, however small the parts"
    )
    func bounded() throws {
        let mailbox = try Mailbox()
        var postman = Postman([mailbox], .system)
        let socket = SocketID(loop: 0, slot: 1, generation: 1)
        for _ in 0..<100 {
            let bytes = [UInt8](repeating: 97, count: 1 << 20)
            postman.send(to: socket, 0..<600, of: bytes, tail: "}}".utf8.span)
            postman.send(to: socket, 600..<1200, of: bytes, tail: "}}".utf8.span)
            postman.postNow()
        }
        var records = ByteQueue()
        var lent = LentBytes()
        _ = mailbox.collect(&records, &lent)
        // Each is held once; from then on what goes to the loop is copied.
        #expect(lent.count <= Outbox.backlogBytesMax / 4 + (1 << 20))
        #expect(lent.arrays.count == lent.count >> 20 && lent.arrays.count > 10)
        #expect(records.count > (100 - lent.arrays.count) * 1200)
    }

    @Test("What is held for a loop keeps nobody from it who sends what it has room for")
    func shares() throws {
        let mailboxes = try (0..<32).map { _ in try Mailbox() }
        var postman = Postman(mailboxes, .system)
        let socket = SocketID(loop: 1, slot: 1, generation: 1)
        // More than its share of a client, where a loop is behind.
        let count = 64 + Outbox.backlogBytesMax / 2 / 32 / 1000
        for _ in 0..<count {
            postman.send(
                to: socket, 0..<1000, of: [UInt8](repeating: 97, count: 256 << 10),
                tail: "}}".utf8.span)
            postman.postNow()
        }
        var records = ByteQueue()
        var lent = LentBytes()
        _ = mailboxes[1].collect(&records, &lent)
        #expect(lent.count >= Outbox.backlogBytesMax / 4)
        #expect(records.count > (count - lent.arrays.count) * 1000)
    }
}
