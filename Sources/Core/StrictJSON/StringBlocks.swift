/// Passes over the inside of a string in blocks of 32 bytes.
///
/// A block is passed when every byte of it stands for itself or belongs to one of the escapes that
/// peers' messages are full of: `\n`, `\r` and `\"`. Whatever else is there (the closing quote,
/// other escapes, controls, what is not ASCII) leaves the block to be read byte after byte.
///
/// All comparisons are made in the top bit of each byte: for an ASCII byte `b` and an ASCII `c`,
/// `(b ^ c) + 0x7F` has it set exactly when they differ, and nothing carries into the next byte.
/// The stores of `load` compile to one.
enum StringBlocks {
    static let length = 32

    private typealias Bytes = SIMD16<UInt8>

    /// - Parameters:
    ///   - bytes: The text.
    ///   - start: Inside a string, not in the middle of an escape or of a character.
    ///   - isEscaped: Set when an escape was passed.
    /// - Returns: Where to read on; again inside the string and not in the middle of anything.
    static func skip(_ bytes: Span<UInt8>, _ start: Int, _ isEscaped: inout Bool) -> Int {
        guard start >= 1, start <= bytes.count &- length else { return start }
        // Such a byte before the block would be taken for the begin of an escape.
        let before = bytes[start &- 1]
        guard before != 0x5C, before < 0x80 else { return start }
        var at = start
        var plain = Bytes(repeating: 0x80)
        // Two at a time while it goes well: half the decisions.
        while at <= bytes.count &- 2 &* length {
            var seen = plain
            let first = odd(bytes, at, &seen) | Self.odd(bytes, at &+ 16, &seen)
            let second = odd(bytes, at &+ 32, &seen) | Self.odd(bytes, at &+ 48, &seen)
            guard !hasTop(first | second) else { break }
            plain = seen
            at &+= 2 &* length
        }
        while at <= bytes.count &- length {
            var seen = plain
            let odd = odd(bytes, at, &seen) | Self.odd(bytes, at &+ 16, &seen)
            guard !hasTop(odd) else { break }
            plain = seen
            at &+= length
        }
        if hasTop(~plain) { isEscaped = true }
        // An escape that begins in the last byte is still to be read.
        return at > start && bytes[at &- 1] == 0x5C ? at &- 1 : at
    }

    /// Which of 16 bytes must be looked at; clears the top bit in `plain` behind each backslash.
    @inline(__always)
    private static func odd(_ bytes: Span<UInt8>, _ at: Int, _ plain: inout Bytes) -> Bytes {
        let these = load(bytes, at)
        let notBackslash = differs(load(bytes, at &- 1), from: 0x5C)
        let notQuote = differs(these, from: 0x22)
        let notLetter = differs(these, from: 0x6E) & differs(these, from: 0x72)
        plain &= notBackslash
        // A quote must stand behind a backslash and nowhere else; so may `n` and `r`.
        return these | (these &- Bytes(repeating: 0x20)) | ((notQuote ^ notBackslash) & notLetter)
    }

    @inline(__always)
    private static func differs(_ bytes: Bytes, from byte: UInt8) -> Bytes {
        (bytes ^ Bytes(repeating: byte)) &+ Bytes(repeating: 0x7F)
    }

    @inline(__always)
    private static func hasTop(_ bytes: Bytes) -> Bool {
        let eight = bytes.lowHalf | bytes.highHalf
        let four = eight.lowHalf | eight.highHalf
        let two = four.lowHalf | four.highHalf
        return two[0] | two[1] >= 0x80
    }

    @inline(__always)
    private static func load(_ bytes: Span<UInt8>, _ at: Int) -> Bytes {
        let part = bytes.extracting(at..<(at &+ 16))
        var loaded = Bytes()
        for index in 0..<16 { loaded[index] = part[index] }
        return loaded
    }
}
