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
}
