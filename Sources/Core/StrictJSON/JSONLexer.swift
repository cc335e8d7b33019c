/// Reads the tokens of RFC 8259 one after the other, strictly.
///
/// It holds a position alone; the bytes are handed to each call, so that they are borrowed and
/// never copied.
struct JSONLexer {
    var position = 0

    /// A string's content, between its quotes.
    struct StringToken {
        let content: Range<Int>
        let isEscaped: Bool
    }

    /// The next byte that is not white space.
    mutating func peek(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position &+= 1
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    mutating func expect(_ wanted: UInt8, _ bytes: Span<UInt8>) throws(JSONError) {
        guard try peek(bytes) == wanted else { throw JSONError(.unexpectedByte, at: position) }
        position &+= 1
    }

    /// Nothing but white space may follow.
    mutating func expectEnd(_ bytes: Span<UInt8>) throws(JSONError) {
        guard (try? peek(bytes)) == nil else { throw JSONError(.trailingBytes, at: position) }
    }

    /// After a member: true when another follows, false when `close` ended the collection.
    mutating func continues(
        until close: UInt8, _ bytes: Span<UInt8>
    ) throws(JSONError) -> Bool {
        let byte = try peek(bytes)
        guard byte == UInt8(ascii: ",") || byte == close else {
            throw JSONError(.unexpectedByte, at: position)
        }
        position &+= 1
        return byte != close
    }

    /// True when the collection that was just opened is empty; then it is consumed.
    mutating func closesAtOnce(_ close: UInt8, _ bytes: Span<UInt8>) throws(JSONError) -> Bool {
        guard try peek(bytes) == close else { return false }
        position &+= 1
        return true
    }

    /// `position` stands at the opening quote (RFC 8259 §7, §8.1).
    mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> StringToken {
        try expect(UInt8(ascii: "\""), bytes)
        let start = position
        var isEscaped = false
        let count = bytes.count
        var at = start
        while at < count {
            at = Self.skipPlain(bytes, at)
            guard at < count else { break }
            let byte = bytes[at]
            if byte >= 0x20, byte < 0x80, byte != 0x22, byte != 0x5C {
                at &+= 1
            } else if byte == 0x22 {
                position = at &+ 1
                return StringToken(content: start..<at, isEscaped: isEscaped)
            } else if byte == 0x5C {
                isEscaped = true
                at = try Self.escape(bytes, at)
            } else if byte < 0x20 {
                throw JSONError(.controlCharacter, at: at)
            } else {
                at = try Self.multibyte(bytes, at)
            }
        }
        throw JSONError(.unexpectedEnd, at: count)
    }

    /// Passes over bytes that stand for themselves, eight at a time: all but quotes, backslashes,
    /// controls and what is not ASCII. The eight reads of `word` compile to one.
    ///
    /// In each byte of `found` the top bit is set for one that must be looked at; above the lowest
    /// such byte, borrows may set others falsely, so only the lowest counts.
    @inline(__always)
    private static func skipPlain(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        var at = start
        while true {
            let word = word(bytes, at)
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let control = (word &- (ones &* 0x20)) & ~word
            let found =
                (word | control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash))
                & tops
            guard found == 0 else { return at &+ found.trailingZeroBitCount &>> 3 }
            at &+= 8
        }
    }

    @inline(__always)
    private static func word(_ bytes: Span<UInt8>, _ at: Int) -> UInt64 {
        guard at >= 0, at <= bytes.count - 8 else { return 0 }
        return UInt64(bytes[at]) | UInt64(bytes[at &+ 1]) << 8 | UInt64(bytes[at &+ 2]) << 16
            | UInt64(bytes[at &+ 3]) << 24 | UInt64(bytes[at &+ 4]) << 32
            | UInt64(bytes[at &+ 5]) << 40 | UInt64(bytes[at &+ 6]) << 48
            | UInt64(bytes[at &+ 7]) << 56
    }

    /// Checks the escape at `at` and returns where it ends; surrogates must come in pairs.
    private static func escape(_ bytes: Span<UInt8>, _ at: Int) throws(JSONError) -> Int {
        guard at &+ 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        switch bytes[at &+ 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return at &+ 2
        case 0x75: break
        default: throw JSONError(.invalidEscape, at: at)
        }
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

    /// Checks the multi-byte sequence at `at` by Unicode 15 table 3-7 and returns where it ends.
    private static func multibyte(_ bytes: Span<UInt8>, _ at: Int) throws(JSONError) -> Int {
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
        return next
    }

    /// `position` stands at the number's first byte (RFC 8259 §6).
    mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> Range<Int> {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position &+= 1 }
        let leadsWithZero = position < bytes.count && bytes[position] == UInt8(ascii: "0")
        let digits = skipDigits(bytes)
        guard digits > 0, !leadsWithZero || digits == 1 else {
            throw JSONError(.invalidNumber, at: start)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position &+= 1
            guard skipDigits(bytes) > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position &+= 1
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                position &+= 1
            }
            guard skipDigits(bytes) > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        return start..<position
    }

    private mutating func skipDigits(_ bytes: Span<UInt8>) -> Int {
        let start = position
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 {
            position &+= 1
        }
        return position &- start
    }

    /// One of `true`, `false`, `null`.
    mutating func literal(_ word: String, _ bytes: Span<UInt8>) throws(JSONError) {
        let letters = word.utf8.span
        guard position &+ letters.count <= bytes.count else {
            throw JSONError(.unexpectedEnd, at: bytes.count)
        }
        for offset in 0..<letters.count where bytes[position &+ offset] != letters[offset] {
            throw JSONError(.unexpectedByte, at: position &+ offset)
        }
        position &+= letters.count
    }
}
