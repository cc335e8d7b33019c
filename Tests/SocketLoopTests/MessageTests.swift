import SocketLoop
import TestSupport
import Testing
import WebSocket

@Suite struct MessageTests {
    @Test("A text message is handed over whole and the answer arrives as one frame")
    func echo() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        for text in ["", "a", "Grüße, 𝄞", String(repeating: "€", count: 40_000)] {
            client.say(text)
            #expect(try client.hear() == .text("<\(text)>"))
        }
    }

    @Test("Binary messages come back as they are where a test asks for it, and need be no UTF-8")
    func binary() throws {
        let harness = try Harness { $0.echoesBinary = true }
        let client = try harness.connect(1)
        client.send(
            Frame.masked(.binary, [0xff, 0xc0]) + Frame.masked(.binary, [0xe2], isFinal: false)
                + Frame.masked(.ping, [1]) + Frame.masked(.continuation, [0xff])
                + Frame.text("text") + Frame.masked(.text, [0xff]))
        #expect(try client.hear() == .binary([0xff, 0xc0]))
        #expect(try client.hear() == .pong([1]))
        #expect(try client.hear() == .binary([0xe2, 0xff]))
        #expect(try client.hear() == .text("<text>"))
        #expect(try client.hear() == .close(1007, "text must be UTF-8"))
        #expect(harness.log.events.filter { $0 == .received(1, "text") }.count == 1)
    }

    @Test("Frames cut at every byte give what whole ones give")
    func cuts() throws {
        let harness = try Harness()
        let client = try harness.connect(1, overUnixPair: true)
        let stream =
            Frame.text("héllo") + Frame.masked(.ping, [1, 2, 3]) + Frame.text("a€", isFinal: false)
            + Frame.masked(.pong, []) + Frame.more("𝄞") + Frame.masked(.ping, [])
            + Frame.more("", isFinal: true) + Frame.text(String(repeating: "é", count: 70))
        let expected: [Heard] = [
            .text("<héllo>"), .pong([1, 2, 3]), .pong([]), .text("<a€𝄞>"),
            .text("<" + String(repeating: "é", count: 70) + ">"),
        ]
        for cut in 1..<stream.count {
            client.send(Array(stream[..<cut]))
            client.waitUntilRead()
            client.send(Array(stream[cut...]))
            for heard in expected {
                let got = try client.hear()
                if got != heard { Issue.record("cut at \(cut): \(got) instead of \(heard)") }
            }
        }
    }

    @Test("Frames that come byte by byte give what whole ones give")
    func byteByByte() throws {
        let harness = try Harness()
        let client = try harness.connect(1, overUnixPair: true)
        let stream =
            Frame.text("€", isFinal: false) + Frame.masked(.ping, [7])
            + Frame.more("𝄞x", isFinal: true)
        for byte in stream {
            client.send([byte])
            client.waitUntilRead()
        }
        #expect(try client.hear() == .pong([7]))
        #expect(try client.hear() == .text("<€𝄞x>"))
    }

    @Test("A character may be split over fragments at every byte (RFC 6455 §5.4, §8.1)")
    func splitCharacters() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        let text = Array("aé€𝄞".utf8)
        for cut in 0...text.count {
            client.send(
                Frame.masked(.text, Array(text[..<cut]), isFinal: false)
                    + Frame.masked(.continuation, Array(text[cut...])))
            #expect(try client.hear() == .text("<aé€𝄞>"))
        }
    }

    @Test("Many frames in one read are answered in order")
    func manyFrames() throws {
        let harness = try Harness()
        let client = try harness.connect(1)
        client.send((0..<3000).flatMap { Frame.text("message \($0)") })
        for number in 0..<3000 { #expect(try client.hear() == .text("<message \(number)>")) }
    }

    @Test("Every mask is undone at every offset (RFC 6455 §5.3)")
    func masks() throws {
        let harness = try Harness()
        let client = try harness.connect(1, overUnixPair: true)
        let mask: [UInt8] = [0, 0x80, 0xff, 0x5a]
        for length in 0..<80 {
            let text = String(repeating: "0123456789", count: 8).prefix(length)
            let frame = Frame.masked(.text, Array(text.utf8), mask: mask)
            let cut = frame.count - length / 2
            client.send(Array(frame[..<cut]))
            client.waitUntilRead()
            client.send(Array(frame[cut...]))
            #expect(try client.hear() == .text("<\(text)>"))
        }
    }

    @Test("Bytes that came with the handshake are read first")
    func earlyBytes() throws {
        let harness = try Harness()
        let frame = Frame.text("second")
        let client = try harness.connect(1, early: Frame.text("first") + frame[..<5])
        client.send(Array(frame[5...]))
        #expect(try client.hear() == .text("<first>"))
        #expect(try client.hear() == .text("<second>"))
    }

    @Test("A message of megabytes passes where the limit allows it")
    func large() throws {
        let harness = try Harness {
            $0.messageBytesMax = 4 << 20
            $0.outboundBytesMax = 0
        }
        let client = try harness.connect(1)
        let text = String(repeating: "0123456789abcdef", count: 1 << 17)
        client.say(text)
        #expect(try client.hear() == .text("<\(text)>"))
        client.send(Frame.text(text, isFinal: false))
        client.send(Frame.more("€", isFinal: true))
        #expect(try client.hear() == .text("<\(text)€>"))
    }

    @Test(
        "Random frames in random pieces give what they hold", arguments: [1, 2, 3, 4] as [UInt64])
    func randomStreams(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let harness = try Harness()
        let client = try harness.connect(1)
        var (stream, expected): ([UInt8], [Heard]) = ([], [])
        for _ in 0..<200 {
            RandomFrames.add(&stream, &expected, using: &random)
        }
        var at = 0
        while at < stream.count {
            let count = min(Int.random(in: 1...3000, using: &random), stream.count - at)
            client.send(Array(stream[at..<(at + count)]))
            at += count
        }
        for heard in expected { #expect(try client.hear() == heard) }
    }

    @Test(
        "Random bytes end in a close frame or the end, never in a crash",
        arguments: [5, 6, 7] as [UInt64])
    func randomBytes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let harness = try Harness()
        for name in 0..<200 {
            let client = try harness.connect(name)
            client.send(Frame.text("a"))
            client.send((0..<200).map { _ in UInt8.random(in: 0...255, using: &random) })
            client.endSending()
            #expect(try client.hear() == .text("<a>"))
            _ = try client.hearAll()
            #expect(try harness.end(name) != nil)
        }
    }
}

enum RandomFrames {
    /// Adds one message, in one to five fragments with pings in between, and what it gives.
    static func add(
        _ stream: inout [UInt8], _ expected: inout [Heard],
        using random: inout SeededGenerator
    ) {
        let count = Int.random(in: 1...5, using: &random)
        var whole = ""
        for index in 0..<count {
            let letter = ["a", "é", "€", "𝄞"].randomElement(using: &random) ?? "a"
            let longest = Bool.random(using: &random) ? 10 : 9000
            let text = String(repeating: letter, count: Int.random(in: 0...longest, using: &random))
            whole += text
            stream += Frame.masked(
                index == 0 ? .text : .continuation, Array(text.utf8), isFinal: index == count - 1)
            if index < count - 1, Bool.random(using: &random) {
                stream += Frame.masked(.ping, [UInt8(index)])
                expected.append(.pong([UInt8(index)]))
            }
        }
        expected.append(.text("<\(whole)>"))
    }
}
