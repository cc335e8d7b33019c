/// base64url without padding (RFC 4648 §5, RFC 7515 §2), strict: to each byte string belongs
/// exactly one text, so no second spelling of a token is ever taken.
package enum Base64URL {
    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        append(bytes.span, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the encoded form of `bytes`.
    package static func append(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
        Base64Letters.url.append(bytes, to: &text)
    }

    /// How many characters `count` bytes become.
    package static func encodedCount(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        decode(Array(text.utf8).span)
    }

    /// - Returns: Nil for padding, white space, any character outside the alphabet, a length that
    ///   no encoder writes, and bits left over that are not zero.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? { Base64Letters.url.decode(text) }
}

/// Base64 with the standard alphabet and padding (RFC 4648 §4), decoded strictly.
package enum Base64 {
    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        Base64Letters.standard.append(bytes.span, to: &text)
        while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes, or nil: wrong alphabet, white space, missing padding, stray trailing bits.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        var count = text.count
        while count > max(text.count - 2, 0), text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        return Base64Letters.standard.decode(text.extracting(first: count))
    }
}

/// What both forms are made of, without padding.
private struct Base64Letters: Sendable {
    static let url = Base64Letters(("-", "_"))
    static let standard = Base64Letters(("+", "/"))

    private let lastTwo: (UInt8, UInt8)
    /// The value of each character; 0x80 for those outside the alphabet.
    private let values: [UInt8]

    private init(_ lastTwo: (Unicode.Scalar, Unicode.Scalar)) {
        self.lastTwo = (UInt8(ascii: lastTwo.0), UInt8(ascii: lastTwo.1))
        var values = [UInt8](repeating: 0x80, count: 256)
        for value in UInt8.min..<64 {
            let letter = Self.letters(UInt64(value), self.lastTwo) & 0xFF
            values[Int(letter)] = value
        }
        self.values = values
    }

    /// Six bytes at a time become eight letters.
    func append(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
        var place = text.count
        let end = place &+ Base64URL.encodedCount(bytes.count)
        text.append(addingCapacity: end &- place) { $0.append(repeating: 0, count: end &- place) }
        var out = text.mutableSpan
        var at = 0
        while at &+ 6 <= bytes.count {
            let values = Self.spread(bytes.firstWord(of: at..<(at &+ 6)))
            out.setWord(Self.letters(values, lastTwo), at: place)
            at &+= 6
            place &+= 8
        }
        var rest = Self.letters(Self.spread(bytes.firstWord(of: at..<bytes.count)), lastTwo)
        while place < end {
            out[place] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
            place &+= 1
        }
    }

    /// The eight parts of six bits of six bytes, each in a lane of its own.
    private static func spread(_ bytes: UInt64) -> UInt64 {
        let group = bytes.byteSwapped >> 16
        let halves = group >> 24 | (group & 0xFF_FFFF) << 32
        let quarters = halves >> 12 & 0xFFF_0000_0FFF | (halves & 0xFFF_0000_0FFF) << 16
        return quarters >> 6 & 0x3F_003F_003F_003F | (quarters & 0x3F_003F_003F_003F) << 8
    }

    /// The letters of eight values below 64, without a table, which would tell what it is asked for
    /// by the time it takes.
    private static func letters(_ values: UInt64, _ lastTwo: (UInt8, UInt8)) -> UInt64 {
        func atLeast(_ least: UInt8) -> UInt64 {
            (values &+ ByteLanes.all(0x80 &- least)) >> 7 & ByteLanes.all(1)
        }
        // No lane leaves 0 to 255 on the way, so that none touches its neighbour.
        let upToDigits =
            values &+ ByteLanes.all(UInt8(ascii: "A"))
            &+ atLeast(26) &* 6 &- atLeast(52) &* 75
        let (last, isLast) = (atLeast(63), atLeast(62) ^ atLeast(63))
        let rest = upToDigits & ~(atLeast(62) &* 0xFF)
        return rest | isLast &* UInt64(lastTwo.0) | last &* UInt64(lastTwo.1)
    }

    func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count & 3 != 1 else { return nil }
        var isGood = true
        var bytes: [UInt8] = []
        bytes.append(addingCapacity: text.count / 4 * 3 + 2) { out in
            isGood = decode(text, into: &out)
        }
        return isGood ? bytes : nil
    }

    private func decode(_ text: Span<UInt8>, into out: inout OutputSpan<UInt8>) -> Bool {
        let values = values
        var seen: UInt32 = 0
        var at = 0
        while at &+ 3 < text.count {
            let (first, second) = (values[Int(text[at])], values[Int(text[at &+ 1])])
            let (third, fourth) = (values[Int(text[at &+ 2])], values[Int(text[at &+ 3])])
            // A wrong character's value sets the eighth bit of its own field and of nothing else.
            seen |= UInt32(first | second | third | fourth)
            let group =
                UInt32(first) << 18 | UInt32(second) << 12 | UInt32(third) << 6 | UInt32(fourth)
            out.append(UInt8(truncatingIfNeeded: group >> 16))
            out.append(UInt8(truncatingIfNeeded: group >> 8))
            out.append(UInt8(truncatingIfNeeded: group))
            at &+= 4
        }
        return seen < 64 && decodeRest(text, from: at, into: &out)
    }

    /// The last two or three characters.
    private func decodeRest(
        _ text: Span<UInt8>, from at: Int, into out: inout OutputSpan<UInt8>
    ) -> Bool {
        guard at < text.count else { return true }
        let (first, second) = (UInt32(values[Int(text[at])]), UInt32(values[Int(text[at &+ 1])]))
        let third = at &+ 2 < text.count ? UInt32(values[Int(text[at &+ 2])]) : 0
        guard (first | second | third) < 64 else { return false }
        let group = first << 18 | second << 12 | third << 6
        out.append(UInt8(truncatingIfNeeded: group >> 16))
        guard at &+ 2 < text.count else { return group & 0xFFFF == 0 }
        out.append(UInt8(truncatingIfNeeded: group >> 8))
        return group & 0xFF == 0
    }
}
