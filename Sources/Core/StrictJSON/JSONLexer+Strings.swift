import Bytes

// Strings are most of what peers send: a session description is one of a kilobyte and more, with an
// escaped line end after every few words. So they are read in blocks that may hold such escapes.
extension JSONLexer {
    /// A string's content, between its quotes.
    struct StringToken {
        let content: Range<Int>
        let isEscaped: Bool
    }

    /// Short strings are through before this; blocks are worth their while after it.
    private static let shortBytes = 16

    /// The string that comes next, behind white space (RFC 8259 §7, §8.1).
    mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> StringToken {
        guard try peek(bytes) == UInt8(ascii: "\"") else {
            throw JSONError(.unexpectedByte, at: position)
        }
        return try quotedString(bytes)
    }

    /// The same where `position` stands at the opening quote.
    mutating func quotedString(_ bytes: Span<UInt8>) throws(JSONError) -> StringToken {
        let start = position &+ 1
        let count = bytes.count
        var isEscaped = false
        var at = start
        var nextBlock = start &+ Self.shortBytes
        while true {
            if at >= nextBlock {
                at = StringBlocks.skip(bytes, at, &isEscaped)
                nextBlock = at &+ StringBlocks.length
            }
            at = Self.skipPlain(bytes, at, until: nextBlock)
            guard at < count else { throw JSONError(.unexpectedEnd, at: count) }
            let byte = bytes[at]
            if byte == 0x22 {
                position = at &+ 1
                return StringToken(content: start..<at, isEscaped: isEscaped)
            } else if byte == 0x5C {
                isEscaped = true
                at = try Self.escape(bytes, at)
            } else if byte >= 0x80 {
                at = try Self.multibyte(bytes, at)
            } else if byte >= 0x20 {
                at &+= 1
            } else {
                throw JSONError(.controlCharacter, at: at)
            }
        }
    }

    /// Passes over bytes that stand for themselves, eight at a time: all but quotes, backslashes,
    /// controls and what is not ASCII. It may stop early: at `limit`, and near the text's end.
    ///
    /// In each byte of `found` the top bit is set for one that must be looked at; above the lowest
    /// such byte, borrows may set others falsely, so only the lowest counts.
    @inline(__always)
    private static func skipPlain(_ bytes: Span<UInt8>, _ start: Int, until limit: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        var at = start
        while at < limit {
            let word = bytes.word(at)
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let control = (word &- (ones &* 0x20)) & ~word
            let found =
                (word | control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash))
                & tops
            guard found == 0 else { return at &+ found.trailingZeroBitCount &>> 3 }
            at &+= 8
        }
        return at
    }

    /// Checks the escape at `at` and returns where it ends; surrogates must come in pairs.
    @inline(__always)
    private static func escape(_ bytes: Span<UInt8>, _ at: Int) throws(JSONError) -> Int {
        guard at &+ 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        switch bytes[at &+ 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return at &+ 2
        case 0x75: return try unicodeEscape(bytes, at)
        default: throw JSONError(.invalidEscape, at: at)
        }
    }

    private static func unicodeEscape(_ bytes: Span<UInt8>, _ at: Int) throws(JSONError) -> Int {
        guard let unit = hexUnit(bytes, at &+ 2) else { throw JSONError(.invalidEscape, at: at) }
        if unit & 0xFC00 == 0xDC00 { throw JSONError(.loneSurrogate, at: at) }
        guard unit & 0xFC00 == 0xD800 else { return at &+ 6 }
        guard at &+ 12 <= bytes.count, bytes[at &+ 6] == 0x5C, bytes[at &+ 7] == 0x75,
            let low = hexUnit(bytes, at &+ 8), low & 0xFC00 == 0xDC00
        else { throw JSONError(.loneSurrogate, at: at) }
        return at &+ 12
    }

    /// Four hexadecimal digits.
    static func hexUnit(_ bytes: Span<UInt8>, _ at: Int) -> UInt32? {
        guard at &+ 4 <= bytes.count else { return nil }
        var unit: UInt32 = 0
        for offset in at..<(at &+ 4) {
            let digit = bytes[offset]
            switch digit {
            case 0x30...0x39: unit = unit << 4 | UInt32(digit - 0x30)
            case 0x61...0x66: unit = unit << 4 | UInt32(digit - 0x57)
            case 0x41...0x46: unit = unit << 4 | UInt32(digit - 0x37)
            default: return nil
            }
        }
        return unit
    }

    /// Checks the multi-byte sequences from `at` on by Unicode 15 table 3-7, as many as stand
    /// there, and returns where they end.
    private static func multibyte(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        var at = start
        repeat {
            let lead = bytes[at]
            let length: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch lead {
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: length = 4
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: throw JSONError(.invalidUTF8, at: at)
            }
            guard at &+ length <= bytes.count, second.contains(bytes[at &+ 1]) else {
                throw JSONError(.invalidUTF8, at: at)
            }
            var next = at &+ 2
            while next < at &+ length {
                guard bytes[next] & 0xC0 == 0x80 else { throw JSONError(.invalidUTF8, at: at) }
                next &+= 1
            }
            at = next
        } while at < bytes.count && bytes[at] >= 0x80
        return at
    }
}
