/// A connection's name towards its peers: 64 random bits, on the wire 16 lower-case hexadecimal
/// digits.
///
/// It is made of nothing else, so that it tells nobody how the server keeps its connections, and
/// its bits are random enough to be their own hash.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package static let textLength = 16

    package let raw: UInt64

    package init(raw: UInt64) { self.raw = raw }

    /// Reads exactly 16 lower-case digits; nil for anything else.
    package init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard range.count == Self.textLength else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = bytes[index]
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt64(digit &- 0x30)
            case 0x61...0x66: value = value << 4 | UInt64(digit &- 0x57)
            default: return nil
            }
        }
        raw = value
    }

    /// Appends the 16 digits, without quotes.
    package func append(to out: inout [UInt8]) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift &-= 4
            let digit = UInt8(truncatingIfNeeded: raw &>> shift) & 15
            out.append(digit &+ (digit < 10 ? 0x30 : 0x57))
        }
    }

    package var text: String {
        var digits: [UInt8] = []
        append(to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    package static func < (one: Self, other: Self) -> Bool { one.raw < other.raw }
}
