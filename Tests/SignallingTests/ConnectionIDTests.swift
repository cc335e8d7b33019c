import Signalling
import Testing

@Suite struct ConnectionIDTests {
    private func parse(_ text: String) -> ConnectionID? {
        let bytes = Array(text.utf8)
        return ConnectionID(bytes.span, bytes.indices)
    }

    @Test(
        "A connection id is 16 lower-case hexadecimal digits",
        arguments: [
            (UInt64(0), "0000000000000000"), (.max, "ffffffffffffffff"),
            (0x0123_4567_89ab_cdef, "0123456789abcdef"),
        ])
    func roundTrip(raw: UInt64, text: String) {
        #expect(ConnectionID(raw: raw).text == text)
        #expect(parse(text) == ConnectionID(raw: raw))
    }

    @Test(
        "Anything else is no connection id",
        arguments: [
            "", "0", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg",
            " 123456789abcdef", "0x23456789abcdef",
        ])
    func refuses(text: String) { #expect(parse(text) == nil) }

    @Test("Every byte in every place is the digit that it is, or none", arguments: 0..<16)
    func everyByte(place: Int) throws {
        let digits = Array("0123456789abcdef".utf8)
        for byte in UInt8.min...UInt8.max {
            var text = Array("f0e1d2c3b4a59687".utf8)
            text[place] = byte
            let values = text.map { digits.firstIndex(of: $0) }
            let raw = values.reduce(UInt64?(0)) { raw, value in
                guard let raw, let value else { return nil }
                return raw << 4 | UInt64(value)
            }
            // As in a message, where it is not alone.
            let message = [0x22] + text + [0x22]
            let id = ConnectionID(message.span, 1..<17)
            #expect(id == raw.map { ConnectionID(raw: $0) })
        }
    }
}
