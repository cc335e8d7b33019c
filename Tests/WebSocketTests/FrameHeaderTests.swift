import Testing
import WebSocket

@Suite struct FrameHeaderTests {
    private func parse(
        _ bytes: [UInt8], payloadMax: Int = .max
    ) throws(WebSocketError) -> FrameHeader? {
        try FrameHeader.parse(bytes.span, payloadMax: payloadMax)
    }

    private func rule(_ bytes: [UInt8], payloadMax: Int = .max) -> WebSocketError.Rule? {
        do {
            _ = try parse(bytes, payloadMax: payloadMax)
            return nil
        } catch {
            return error.rule
        }
    }

    @Test("The masked examples are read as the standard says (RFC 6455 §5.7)")
    func examples() throws {
        let hello = try #require(
            try parse([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]))
        #expect(hello.opcode == .text)
        #expect(hello.isFinal)
        #expect(hello.mask == 0x3d21_fa37)
        #expect(hello.headerLength == 6)
        #expect(hello.payloadLength == 5)
        #expect(hello.totalLength == 11)
        let pong = try #require(
            try parse([0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]))
        #expect(pong.opcode == .pong)
        #expect(pong.isFinal)
    }

    @Test("The unmasked examples are refused from a client (RFC 6455 §5.1, §5.7)")
    func unmaskedExamples() {
        #expect(rule([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]) == .unmasked)
        #expect(rule([0x01, 0x03, 0x48, 0x65, 0x6c]) == .unmasked)
        #expect(rule([0x80, 0x02, 0x6c, 0x6f]) == .unmasked)
        #expect(rule([0x89, 0x05]) == .unmasked)
        #expect(rule([0x82, 0x7e, 0x01, 0x00]) == .unmasked)
        #expect(rule([0x82, 0x7f]) == .unmasked)
    }

    @Test(
        "Lengths take 7, 16 or 64 bits (RFC 6455 §5.2)",
        arguments: [
            0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20, 1 << 40,
        ])
    func lengths(length: Int) throws {
        let header = try #require(try parse(ClientFrame.header(.text, length: length)))
        #expect(header.payloadLength == length)
        #expect(header.headerLength == (length < 126 ? 6 : length < 65_536 ? 8 : 14))
    }

    @Test("A header cut anywhere is incomplete, not wrong", arguments: [0, 126, 65_536])
    func incomplete(length: Int) throws {
        let whole = ClientFrame.header(.text, length: length)
        for count in 0..<whole.count {
            #expect(try parse(Array(whole[..<count])) == nil)
        }
    }

    @Test(
        "Reserved bits are refused at the first byte (RFC 6455 §5.2)",
        arguments: [
            0x10, 0x20, 0x40, 0x70,
        ] as [UInt8])
    func reservedBits(bits: UInt8) {
        for opcode in [0x0, 0x1, 0x8, 0x9] as [UInt8] {
            #expect(rule([0x80 | bits | opcode]) == .reservedBits)
        }
    }

    @Test(
        "Reserved opcodes are refused at the first byte (RFC 6455 §5.2)",
        arguments: [
            3, 4, 5, 6, 7, 11, 12, 13, 14, 15,
        ] as [UInt8])
    func reservedOpcodes(opcode: UInt8) {
        #expect(rule([0x80 | opcode]) == .reservedOpcode)
        #expect(rule([opcode]) == .reservedOpcode)
    }

    @Test(
        "Control frames are whole and carry 125 bytes at most (RFC 6455 §5.5)",
        arguments: [
            FrameHeader.Opcode.close, .ping, .pong,
        ])
    func controlFrames(opcode: FrameHeader.Opcode) throws {
        #expect(rule([opcode.rawValue]) == .controlFragmented)
        #expect(rule([0x80 | opcode.rawValue, 0xfe]) == .controlTooLong)
        #expect(rule([0x80 | opcode.rawValue, 0xff]) == .controlTooLong)
        let longest = ClientFrame.header(opcode, length: 125)
        #expect(try parse(longest, payloadMax: 10)?.payloadLength == 125)
    }

    @Test("A length must take its shortest form (RFC 6455 §5.2)")
    func minimalLengths() {
        #expect(rule([0x81, 0xfe, 0, 125]) == .lengthNotMinimal)
        #expect(rule([0x81, 0xfe, 0, 0]) == .lengthNotMinimal)
        #expect(rule([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) == .lengthNotMinimal)
        #expect(rule([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]) == .lengthTooLarge)
    }

    @Test("A data frame over the limit is refused before its payload comes, with 1009")
    func limit() throws {
        let header = ClientFrame.header(.text, length: 1000)
        #expect(try parse(header, payloadMax: 1000) != nil)
        #expect(rule(header, payloadMax: 999) == .messageTooBig)
        #expect(rule(Array(header[..<4]), payloadMax: 999) == .messageTooBig)
        #expect(WebSocketError(.messageTooBig).closeCode == .tooBig)
    }

    @Test("A length that leaves no room for its own header is refused, without any limit too")
    func lengthThatOverflows() {
        let bytes: [UInt8] = [0x81, 0xff, 0x7f] + Array(repeating: 0xff, count: 11)
        #expect(throws: WebSocketError(.messageTooBig)) { try FrameHeader.parse(bytes.span) }
    }

    @Test("Fragments follow the rules of §5.4 of RFC 6455")
    func fragmentOrder() throws {
        let start = try #require(try parse(ClientFrame.header(.text, length: 0, isFinal: false)))
        let more = try #require(
            try parse(ClientFrame.header(.continuation, length: 0, isFinal: false)))
        let end = try #require(try parse(ClientFrame.header(.continuation, length: 0)))
        let ping = try #require(try parse(ClientFrame.header(.ping, length: 0)))
        let whole = try #require(try parse(ClientFrame.header(.text, length: 0)))
        var order = FragmentOrder()
        #expect(throws: WebSocketError(.continuationWithoutStart)) { try order.accept(end) }
        #expect(throws: WebSocketError(.continuationWithoutStart)) { try order.accept(more) }
        for frame in [whole, start, ping, more, more, ping, end, whole] { try order.accept(frame) }
        try order.accept(start)
        #expect(order.isInMessage)
        #expect(throws: WebSocketError(.messageUnfinished)) { try order.accept(whole) }
        #expect(throws: WebSocketError(.messageUnfinished)) { try order.accept(start) }
    }

    @Test("Every broken rule has the close code of RFC 6455 §7.4.1")
    func closeCodes() {
        let expected: [(WebSocketError.Rule, CloseCode)] = [
            (.reservedBits, .protocolError), (.reservedOpcode, .protocolError),
            (.unmasked, .protocolError), (.lengthNotMinimal, .protocolError),
            (.lengthTooLarge, .protocolError), (.controlFragmented, .protocolError),
            (.controlTooLong, .protocolError), (.continuationWithoutStart, .protocolError),
            (.messageUnfinished, .protocolError), (.closePayload, .protocolError),
            (.binary, .unsupportedData), (.messageTooBig, .tooBig),
            (.invalidUTF8, .invalidPayload),
        ]
        for (rule, code) in expected {
            let error = WebSocketError(rule)
            #expect(error.closeCode == code)
            #expect(error.reason.utf8CodeUnitCount <= ClosePayload.reasonBytesMax)
        }
    }
}

/// Headers as a client writes them, for these tests.
enum ClientFrame {
    static func header(
        _ opcode: FrameHeader.Opcode, length: Int, isFinal: Bool = true
    ) -> [UInt8] {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode.rawValue]
        if length < 126 {
            bytes.append(0x80 | UInt8(length))
        } else if length < 65_536 {
            bytes += [0xfe, UInt8(length >> 8), UInt8(length & 0xff)]
        } else {
            bytes.append(0xff)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(length >> shift & 0xff))
            }
        }
        return bytes + [1, 2, 3, 4]
    }
}
