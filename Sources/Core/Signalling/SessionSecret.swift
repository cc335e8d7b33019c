/// What a client shows to take over its session: 128 random bits, good for one resume.
///
/// It must come from a source that nobody can foresee, and never reach a log.
package struct SessionSecret: Hashable, Sendable, CustomStringConvertible {
    /// Without the name of a session.
    package static let textLength = 22

    /// Of whose session it is, where it says so: a relay that has no memory finds it by that.
    package let connection: ConnectionID?
    private let bits: UInt128

    package init(bits: UInt128, of connection: ConnectionID? = nil) {
        self.bits = bits
        self.connection = connection
    }

    /// Reads what `text` writes; nil for anything else.
    package init?(_ text: String) {
        let bytes = text.utf8
        let nameLength = bytes.count - Self.textLength
        guard nameLength == 0 || nameLength == ConnectionID.textLength else { return nil }
        let connection = ConnectionID(bytes.span, 0..<nameLength)
        guard nameLength == 0 || connection != nil else { return nil }
        var bits: UInt128 = 0
        for byte in bytes.dropFirst(nameLength).dropLast() {
            guard let digit = Self.digit(byte) else { return nil }
            bits = bits << 6 | UInt128(digit)
        }
        // The last letter stands for the last two bits; the four behind them must be zero.
        guard let last = bytes.last.flatMap(Self.digit), last & 15 == 0 else { return nil }
        self.init(bits: bits << 2 | UInt128(last >> 4), of: connection)
    }

    /// The 16 digits of the connection, if any, and 22 letters of base64url without padding
    /// (RFC 4648 §5).
    package var text: String {
        var letters: [UInt8] = []
        connection?.append(to: &letters)
        for index in 0..<(Self.textLength - 1) {
            letters.append(Self.letter(UInt8(truncatingIfNeeded: bits >> (122 - 6 * index)) & 63))
        }
        letters.append(Self.letter(UInt8(truncatingIfNeeded: bits & 3) << 4))
        return String(decoding: letters, as: UTF8.self)
    }

    package var description: String { "a session's secret" }

    private static func letter(_ digit: UInt8) -> UInt8 {
        switch digit {
        case 0..<26: 0x41 &+ digit
        case 26..<52: 0x61 &+ (digit &- 26)
        case 52..<62: 0x30 &+ (digit &- 52)
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    private static func digit(_ letter: UInt8) -> UInt8? {
        switch letter {
        case 0x41...0x5A: letter &- 0x41
        case 0x61...0x7A: letter &- 0x61 &+ 26
        case 0x30...0x39: letter &- 0x30 &+ 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
