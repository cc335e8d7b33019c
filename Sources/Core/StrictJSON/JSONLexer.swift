/// Reads the tokens of RFC 8259 one after the other, strictly.
///
/// It holds a position alone; the bytes are handed to each call, so that they are borrowed and
/// never copied.
struct JSONLexer {
    var position = 0

    /// The next byte that is not white space.
    @inline(__always)
    mutating func peek(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
        if position < bytes.count, bytes[position] > 0x20 { return bytes[position] }
        return try peekBehindSpace(bytes)
    }

    private mutating func peekBehindSpace(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
        skipSpace(bytes)
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position &+= 1
        }
    }

    @inline(__always)
    mutating func expect(_ wanted: UInt8, _ bytes: Span<UInt8>) throws(JSONError) {
        guard try peek(bytes) == wanted else { throw JSONError(.unexpectedByte, at: position) }
        position &+= 1
    }

    /// Nothing but white space may follow.
    mutating func expectEnd(_ bytes: Span<UInt8>) throws(JSONError) {
        skipSpace(bytes)
        guard position >= bytes.count else { throw JSONError(.trailingBytes, at: position) }
    }

    /// After a member: true when another follows, false when `close` ended the collection.
    @inline(__always)
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
    @inline(__always)
    mutating func closesAtOnce(_ close: UInt8, _ bytes: Span<UInt8>) throws(JSONError) -> Bool {
        guard try peek(bytes) == close else { return false }
        position &+= 1
        return true
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

    /// Passes over a number, `true`, `false` or `null`, whose first byte is at `position`.
    mutating func scalar(_ bytes: Span<UInt8>) throws(JSONError) -> RawScanner.Kind {
        switch bytes[position] {
        case UInt8(ascii: "t"):
            try literal("true", bytes)
            return .bool
        case UInt8(ascii: "f"):
            try literal("false", bytes)
            return .bool
        case UInt8(ascii: "n"):
            try literal("null", bytes)
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            _ = try number(bytes)
            return .number
        default: throw JSONError(.unexpectedByte, at: position)
        }
    }

    private mutating func literal(_ word: String, _ bytes: Span<UInt8>) throws(JSONError) {
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
