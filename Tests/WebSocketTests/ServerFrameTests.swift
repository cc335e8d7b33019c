import Testing
import WebSocket

@Suite struct ServerFrameTests {
    @Test("The unmasked examples are written as the standard says (RFC 6455 §5.7)")
    func examples() {
        #expect(ServerFrame(.text, payloadLength: 5).header == [0x81, 0x05])
        #expect(ServerFrame(.ping, payloadLength: 5).header == [0x89, 0x05])
        #expect(ServerFrame(.binary, payloadLength: 256).header == [0x82, 0x7e, 0x01, 0x00])
        #expect(
            ServerFrame(.binary, payloadLength: 65_536).header
                == [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test(
        "A written header can be measured again",
        arguments: [
            0, 1, 125, 126, 65_535, 65_536, 70_000, 1 << 33,
        ])
    func lengths(length: Int) {
        let frame = ServerFrame(.text, payloadLength: length)
        #expect(frame.header.count == frame.headerLength)
        let measured = ServerFrame.totalLength(startingWith: frame.header.span)
        #expect(measured == frame.headerLength + length)
    }
}

@Suite struct ClosePayloadTests {
    private func parse(_ bytes: [UInt8]) throws(WebSocketError) -> UInt16? {
        try ClosePayload(parsing: bytes.span).code
    }

    private func bytes(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
        [UInt8(code >> 8), UInt8(code & 0xff)] + reason
    }

    @Test(
        "Codes that may be sent are taken (RFC 6455 §7.4)",
        arguments: [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000,
            4999,
        ] as [UInt16])
    func allowed(code: UInt16) throws {
        #expect(try parse(bytes(code)) == code)
    }

    @Test(
        "Codes that must not be sent are refused with 1002 (RFC 6455 §7.4.1)",
        arguments: [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] as [UInt16])
    func forbidden(code: UInt16) {
        #expect(throws: WebSocketError(.closePayload)) { try parse(bytes(code)) }
    }

    @Test("No payload is no code; one byte is an error (RFC 6455 §5.5.1)")
    func short() throws {
        #expect(try parse([]) == nil)
        #expect(throws: WebSocketError(.closePayload)) { try parse([3]) }
    }

    @Test("A reason must be UTF-8, to its end (RFC 6455 §5.5.1, §8.1)")
    func reasons() throws {
        #expect(try parse(bytes(1000, Array("Grüße".utf8))) == 1000)
        #expect(throws: WebSocketError(.invalidUTF8)) { try parse(bytes(1000, [0xff])) }
        #expect(throws: WebSocketError(.invalidUTF8)) { try parse(bytes(1000, [0xe2, 0x82])) }
    }

    @Test("What this side sends can be read again, and a reason too long is left out")
    func written() throws {
        let payload = ClosePayload.bytes(.revoked, reason: "removed".utf8.span)
        #expect(payload == [0x11, 0x95] + Array("removed".utf8))
        #expect(try parse(payload) == 4501)
        let longest = [UInt8](repeating: 0x61, count: 123)
        let long = ClosePayload.bytes(.normal, reason: longest.span)
        #expect(long.count == 125)
        let tooLong = longest + [0x61]
        let short = ClosePayload.bytes(.normal, reason: tooLong.span)
        #expect(short == [3, 232])
    }
}

@Suite struct SocketIDTests {
    @Test(
        "Loop, slot and generation stand in 8, 24 and 32 bits",
        arguments: [
            (0, 0, UInt32(1)), (255, 0xff_ffff, UInt32.max), (1, 0, UInt32(0)), (0, 77, UInt32(9)),
        ])
    func parts(loop: Int, slot: Int, generation: UInt32) {
        let id = SocketID(loop: loop, slot: slot, generation: generation)
        #expect(id.loop == loop)
        #expect(id.slot == slot)
        #expect(id.generation == generation)
        #expect(SocketID(raw: id.raw) == id)
    }
}
