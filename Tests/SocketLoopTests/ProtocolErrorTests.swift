import SocketLoop
import Testing
import WebSocket

@Suite struct ProtocolErrorTests {
    /// Sends bytes behind a good message, and returns the close code that follows its answer.
    private func code(
        _ bytes: [UInt8], _ configure: (inout SocketLimits) -> Void = { _ in }
    ) throws -> UInt16? {
        let harness = try Harness(loops: 1, configure)
        let client = try harness.connect(1)
        client.send(Frame.text("good") + bytes)
        #expect(try client.hear() == .text("<good>"))
        guard case .close(let code, let reason) = try client.hear() else { return nil }
        #expect(!reason.isEmpty)
        #expect(try client.hear() == .end)
        #expect(try harness.end(1) == .closedByUs(CloseCode(rawValue: code ?? 0)))
        #expect(harness.log.events.filter { $0 == .received(1, "bad") }.isEmpty)
        return code
    }

    @Test(
        "Broken framing closes with 1002 (RFC 6455 §5)",
        arguments: [
            [0x81, 0x03, 0x62, 0x61, 0x64],  // Unmasked.
            [0xc1, 0x80, 0, 0, 0, 0], [0xa1], [0x91],  // Reserved bits.
            [0x83], [0x87], [0x8b], [0x8f],  // Reserved opcodes.
            [0x09, 0x80], [0x08, 0x80],  // Fragmented control frames.
            [0x89, 0xfe, 0, 126],  // A long ping.
            [0x80, 0x80, 0, 0, 0, 0], [0x00, 0x80, 0, 0, 0, 0],  // Nothing to continue.
            [0x81, 0xfe, 0, 1],  // Not the shortest length.
            [0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func framing(bytes: [UInt8]) throws {
        #expect(try code(bytes) == 1002)
    }

    @Test("A message inside a message closes with 1002 (RFC 6455 §5.4)")
    func nested() throws {
        #expect(try code(Frame.text("a", isFinal: false) + Frame.text("bad")) == 1002)
        #expect(try code(Frame.text("a", isFinal: false) + Frame.text("b", isFinal: false)) == 1002)
    }

    @Test(
        "Without a limit of its own a message may have 1 GiB, and a longer one closes with 1009",
        arguments: [(1 << 30) + 1, 1 << 32, 5 << 32, Int.max])
    func largestSupported(length: Int) throws {
        let header = Frame.header(.text, length: length) + [0, 0, 0, 0]
        #expect(try code(header) { $0.messageBytesMax = 0 } == 1009)
        #expect(try code(header) { $0.messageBytesMax = .max } == 1009)
    }

    @Test("A binary frame closes with 1003, at its header")
    func binary() throws {
        #expect(try code(Frame.masked(.binary, [1, 2, 3])) == 1003)
        #expect(try code(Frame.header(.binary, length: 1000) + [0, 0, 0, 0]) == 1003)
    }

    @Test(
        "Text that is not UTF-8 closes with 1007 (RFC 6455 §8.1)",
        arguments: [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
            Array(repeating: 0x61, count: 100) + [0xc3],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) throws {
        #expect(try code(Frame.masked(.text, bytes)) == 1007)
        #expect(
            try code(
                Frame.text("a", isFinal: false)
                    + Frame.masked(.continuation, bytes, isFinal: true)) == 1007)
    }

    @Test("A bad byte closes at once, before the frame or the message is whole")
    func failsFast() throws {
        let frame = Frame.masked(.text, [0x61, 0xf4, 0x90] + Array(repeating: 0x61, count: 100))
        #expect(try code(Array(frame[..<9])) == 1007)
        #expect(try code(Frame.masked(.text, [0xc0], isFinal: false)) == 1007)
        #expect(
            try code(
                Frame.masked(.text, [0xe2], isFinal: false)
                    + Frame.masked(.continuation, [0x41], isFinal: false)) == 1007)
    }

    @Test("A message over the limit closes with 1009, its fragments taken together")
    func tooBig() throws {
        let limit = { (limits: inout SocketLimits) in limits.messageBytesMax = 1000 }
        #expect(try code(Frame.header(.text, length: 1001), limit) == 1009)
        let part = String(repeating: "x", count: 600)
        #expect(
            try code(
                Frame.text(part, isFinal: false) + Frame.header(.continuation, length: 401),
                limit) == 1009)
        let harness = try Harness(loops: 1, limit)
        let client = try harness.connect(1)
        let whole = String(repeating: "x", count: 1000)
        client.send(
            Frame.text(part, isFinal: false) + Frame.more(String(whole.prefix(400)), isFinal: true))
        #expect(try client.hear() == .text("<\(whole)>"))
        client.say(whole)
        #expect(try client.hear() == .text("<\(whole)>"))
    }

    @Test("A malformed close frame is answered with 1002 or 1007 (RFC 6455 §5.5.1, §7.4.1)")
    func closeFrames() throws {
        #expect(try code(Frame.masked(.close, [3])) == 1002)
        for bad in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] as [UInt16] {
            #expect(try code(Frame.close(bad)) == 1002)
        }
        #expect(try code(Frame.close(1000, [0xff])) == 1007)
    }

    @Test("What follows a broken frame is not read")
    func nothingAfter() throws {
        #expect(try code([0xf1, 0x80, 0, 0, 0, 0] + Frame.text("bad")) == 1002)
    }
}
