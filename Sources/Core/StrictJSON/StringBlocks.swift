/// Passes over the inside of a string in blocks of 32 bytes.
///
/// A block is passed when every byte of it stands for itself or belongs to one of the escapes that
/// peers' messages are full of: `\n`, `\r` and `\"`. Whatever else is there (the closing quote,
/// other escapes, controls, what is not ASCII) leaves the block to be read byte after byte.
///
/// Written so that each comparison and each `load` compiles to one instruction, which a benchmark
/// must show of any other way.
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
        var escapes = Bytes()
        // Two at a time while it goes well: half the decisions.
        while at <= bytes.count &- 2 &* length {
            var seen = escapes
            let odd = odd(bytes.extracting((at &- 1)..<(at &+ 2 &* length)), &seen)
            guard !hasTop(odd) else { break }
            escapes = seen
            at &+= 2 &* length
        }
        while at <= bytes.count &- length {
            var seen = escapes
            guard !hasTop(odd(bytes.extracting((at &- 1)..<(at &+ length)), &seen)) else { break }
            escapes = seen
            at &+= length
        }
        if hasTop(escapes) { isEscaped = true }
        // An escape that begins in the last byte is still to be read.
        return at > start && bytes[at &- 1] == 0x5C ? at &- 1 : at
    }

    /// Has the top bit set in some byte if one of `block` must be looked at; its first only stands
    /// before the others. Sets bytes of `escapes` where there is a backslash before the last.
    @inline(__always)
    private static func odd(_ block: Span<UInt8>, _ escapes: inout Bytes) -> Bytes {
        var odd = Bytes()
        var at = 1
        while at < block.count {
            let these = load(block, at)
            let escape = equal(load(block, at &- 1), 0x5C)
            let letter = equal(these, 0x6E) | equal(these, 0x72)
            // A quote must stand behind a backslash and nowhere else; so may `n` and `r`.
            let misplaced = (equal(these, 0x22) ^ escape) & ~letter
            odd |= these | (these &- Bytes(repeating: 0x20)) | misplaced
            escapes |= escape
            at &+= 16
        }
        return odd
    }

    /// 0xFF for each byte that is `byte`, and 0 for the others.
    @inline(__always)
    private static func equal(_ bytes: Bytes, _ byte: UInt8) -> Bytes {
        Bytes().replacing(with: 0xFF, where: bytes .== Bytes(repeating: byte))
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
