/// Checks UTF-8 as it comes, in pieces cut anywhere, and fails at the first byte that can't stand
/// (RFC 3629 §4, RFC 6455 §8.1).
package struct UTF8Validator: Equatable, Sendable {
    /// Continuation bytes still to come.
    private var missing: UInt8 = 0
    /// Between which values the next of them must lie: this shuts out overlong forms, surrogates
    /// and what is beyond U+10FFFF.
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xbf

    package init() {}

    /// Whether the text may end here.
    package var isComplete: Bool { missing == 0 }

    /// Takes the next bytes; false at the first that makes the text invalid, for good.
    package mutating func accept(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            if missing == 0 {
                index = Self.endOfASCII(bytes, from: index)
                guard index < bytes.count else { return true }
                guard start(bytes[index]) else { return false }
            } else {
                guard bytes[index] >= lowest, bytes[index] <= highest else { return false }
                missing &-= 1
                (lowest, highest) = (0x80, 0xbf)
            }
            index &+= 1
        }
        return true
    }

    /// Sixteen bytes at a time, which the compiler turns into a vector.
    private static func endOfASCII(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index &+ 16 <= bytes.count {
            var seen: UInt8 = 0
            for offset in 0..<16 { seen |= bytes[index &+ offset] }
            guard seen < 0x80 else { break }
            index &+= 16
        }
        while index < bytes.count, bytes[index] < 0x80 { index &+= 1 }
        return index
    }

    private mutating func start(_ lead: UInt8) -> Bool {
        switch lead {
        case 0xc2...0xdf: missing = 1
        case 0xe0: (missing, lowest) = (2, 0xa0)
        case 0xe1...0xec, 0xee, 0xef: missing = 2
        case 0xed: (missing, highest) = (2, 0x9f)
        case 0xf0: (missing, lowest) = (3, 0x90)
        case 0xf1...0xf3: missing = 3
        case 0xf4: (missing, highest) = (3, 0x8f)
        default: return false
        }
        return true
    }
}
