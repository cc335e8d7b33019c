internal import Bytes

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
        guard range.count == Self.textLength,
            let high = Self.number(bytes.word(range.lowerBound)),
            let low = Self.number(bytes.word(range.lowerBound &+ 8))
        else { return nil }
        raw = high << 32 | low
    }

    /// What eight digits say, the first of which is the lowest byte.
    private static func number(_ digits: UInt64) -> UInt64? {
        let letters = ByteLanes.areASCII(digits, from: UInt8(ascii: "a"), to: UInt8(ascii: "f"))
        let others = ByteLanes.areASCII(digits, from: UInt8(ascii: "0"), to: UInt8(ascii: "9"))
        guard letters | others == ByteLanes.all(0x80) else { return nil }
        let values = (digits & ByteLanes.all(0x0F)) &+ (letters &>> 7) &* 9
        // Now two digits move together into a byte, then four, then all.
        let one = values.byteSwapped
        let two = (one | one &>> 4) & 0x00FF_00FF_00FF_00FF
        let four = (two | two &>> 8) & 0x0000_FFFF_0000_FFFF
        return (four | four &>> 16) & 0xFFFF_FFFF
    }

    /// Appends the 16 digits, without quotes.
    package func append(to out: inout [UInt8]) {
        let start = out.count
        out.append(contentsOf: repeatElement(0, count: Self.textLength))
        write(to: &out, at: start)
    }

    /// Writes the 16 digits over what stands at `start`.
    func write(to out: inout [UInt8], at start: Int) {
        var digits = out.mutableSpan
        for index in 0..<Self.textLength {
            let digit = UInt8(truncatingIfNeeded: raw &>> UInt64(60 &- 4 &* index)) & 15
            digits[start &+ index] = digit &+ (digit < 10 ? 0x30 : 0x57)
        }
    }

    package var text: String {
        var digits: [UInt8] = []
        append(to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    package static func < (one: Self, other: Self) -> Bool { one.raw < other.raw }
}
