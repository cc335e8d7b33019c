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
        var isFaulty = false
        for index in range {
            let isLetter = bytes[index] >= 0x61
            let digit = bytes[index] &- (isLetter ? 0x57 : 0x30)
            isFaulty = digit > (isLetter ? 15 : 9) || isFaulty
            value = value << 4 | UInt64(digit & 15)
        }
        guard !isFaulty else { return nil }
        raw = value
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
