// Eight bytes at a time, as lanes of one number: what every request runs through byte by byte would
// cost more than the rest of it. Inlinable, as calls into this module would undo that.

extension Span<UInt8> {
    /// Eight bytes as one number, the first one lowest; zero where fewer are left. The eight reads
    /// compile to one.
    @inlinable @inline(__always)
    package func word(_ at: Int) -> UInt64 {
        guard at >= 0, at <= count - 8 else { return 0 }
        return UInt64(self[at]) | UInt64(self[at &+ 1]) << 8 | UInt64(self[at &+ 2]) << 16
            | UInt64(self[at &+ 3]) << 24 | UInt64(self[at &+ 4]) << 32
            | UInt64(self[at &+ 5]) << 40 | UInt64(self[at &+ 6]) << 48
            | UInt64(self[at &+ 7]) << 56
    }

    /// The first eight bytes of `range`, or all of them with zeros behind; exact anywhere.
    @inlinable @inline(__always)
    package func firstWord(of range: Range<Int>) -> UInt64 {
        guard range.lowerBound <= count - 8 else { return lastWord(of: range) }
        let word = word(range.lowerBound)
        return range.count >= 8 ? word : word & ((1 &<< (UInt64(range.count) &* 8)) &- 1)
    }

    /// The same for a range that starts among the last seven bytes, or behind them.
    @usableFromInline
    package func lastWord(of range: Range<Int>) -> UInt64 {
        // A word that ends where the bytes do, with what is before the range shifted out.
        if count >= 8 {
            let bytes = word(count &- 8) >> (UInt64(range.lowerBound &- count &+ 8) &* 8)
            return bytes & ((1 &<< (UInt64(range.count) &* 8)) &- 1)
        }
        var word: UInt64 = 0
        for index in range.reversed() { word = word << 8 | UInt64(self[index]) }
        return word
    }

    /// Whether these are the same bytes.
    @usableFromInline
    package func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        guard count >= 8 else {
            for index in 0..<count where self[index] != other[index] { return false }
            return true
        }
        var at = 0
        while at < count &- 8 {
            guard word(at) == other.word(at) else { return false }
            at &+= 8
        }
        // The last words may overlap those before them.
        return word(count &- 8) == other.word(count &- 8)
    }

    /// Whether these are the same bytes but for the case of ASCII letters.
    @usableFromInline
    package func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var at = 0
        while at <= count &- 8 {
            guard ByteLanes.areLettersSame(word(at), other.word(at)) else { return false }
            at &+= 8
        }
        return ByteLanes.areLettersSame(lastWord(of: at..<count), other.lastWord(of: at..<count))
    }

    /// Where the byte first stands in `range`.
    package func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        let wanted = ByteLanes.all(byte)
        var at = range.lowerBound
        while at <= range.upperBound &- 8 {
            let found = ByteLanes.zeros(word(at) ^ wanted)
            if found != 0 { return at &+ found.trailingZeroBitCount / 8 }
            at &+= 8
        }
        while at < range.upperBound {
            if self[at] == byte { return at }
            at &+= 1
        }
        return nil
    }

    package var isASCII: Bool { areAllWords(filledWith: 0) { $0 & ByteLanes.all(0x80) == 0 } }

    /// Whether no byte is below `low`, which is ASCII, and none is DEL.
    package func isPrintable(from low: UInt8) -> Bool {
        areAllWords(filledWith: low) { ByteLanes.arePrintable($0, from: low) }
    }

    /// Whether all words are good: the last may overlap the one before it, and one that is too
    /// short is filled up with a byte that is good.
    @inlinable @inline(__always)
    package func areAllWords(filledWith good: UInt8, _ isGood: (UInt64) -> Bool) -> Bool {
        guard count >= 8 else {
            return isGood(lastWord(of: 0..<count) | ByteLanes.all(good) << UInt64(count &* 8))
        }
        var at = 0
        while at < count &- 8 {
            guard isGood(word(at)) else { return false }
            at &+= 8
        }
        return isGood(word(count &- 8))
    }
}

/// The eight bytes of a number, side by side. Results have the high bit of each lane that is meant;
/// of several only the lowest is sure to be one, but none has a bit if no lane is meant.
@usableFromInline
package enum ByteLanes {
    /// The byte in every lane.
    @inlinable @inline(__always)
    package static func all(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    @inlinable
    static var highBits: UInt64 { @inline(__always) get { 0x8080_8080_8080_8080 } }

    /// Lanes that are zero.
    @inlinable @inline(__always)
    package static func zeros(_ word: UInt64) -> UInt64 { (word &- all(1)) & ~word & highBits }

    /// Lanes that are less than `limit`, which is at most 0x80.
    @inlinable @inline(__always)
    package static func areBelow(_ word: UInt64, _ limit: UInt8) -> UInt64 {
        (word &- all(limit)) & ~word & highBits
    }

    /// Exactly those lanes that are ASCII and from `first` to `last`, which are ASCII too.
    @inlinable @inline(__always)
    package static func areASCII(_ word: UInt64, from first: UInt8, to last: UInt8) -> UInt64 {
        let low = word & ~highBits
        let isAbove = low &+ all(0x7F &- last)
        let isFrom = low &+ all(0x80 &- first)
        return ~word & highBits & (isFrom ^ isAbove)
    }

    @inlinable @inline(__always)
    static func arePrintable(_ word: UInt64, from low: UInt8) -> Bool {
        areBelow(word, low) | zeros(word ^ all(0x7F)) == 0
    }

    @inlinable @inline(__always)
    static func areLettersSame(_ left: UInt64, _ right: UInt64) -> Bool {
        left == right || lowercased(left) == lowercased(right)
    }

    /// `A`–`Z` turned into `a`–`z`.
    @inlinable @inline(__always)
    package static func lowercased(_ word: UInt64) -> UInt64 {
        word | areASCII(word, from: 0x41, to: 0x5A) >> 2
    }
}

extension MutableSpan<UInt8> {
    /// Writes a number over eight bytes, its lowest first, all of which must be there. The eight
    /// writes compile to one.
    @inlinable @inline(__always)
    package mutating func setWord(_ word: UInt64, at: Int) {
        guard at >= 0, at <= count &- 8 else { preconditionFailure("a word has eight bytes") }
        self[at] = UInt8(truncatingIfNeeded: word)
        self[at &+ 1] = UInt8(truncatingIfNeeded: word >> 8)
        self[at &+ 2] = UInt8(truncatingIfNeeded: word >> 16)
        self[at &+ 3] = UInt8(truncatingIfNeeded: word >> 24)
        self[at &+ 4] = UInt8(truncatingIfNeeded: word >> 32)
        self[at &+ 5] = UInt8(truncatingIfNeeded: word >> 40)
        self[at &+ 6] = UInt8(truncatingIfNeeded: word >> 48)
        self[at &+ 7] = UInt8(truncatingIfNeeded: word >> 56)
    }
}

extension [UInt8] {
    /// Appends a number, not below 0, in decimal digits.
    package mutating func append(decimal number: Int64) {
        var (rest, digits, limit) = (number.magnitude, 1, UInt64(10))
        while rest >= limit {
            digits += 1
            limit *= 10
        }
        append(addingCapacity: digits) { $0.append(repeating: 0, count: digits) }
        var out = mutableSpan
        for place in 1...digits {
            out[out.count - place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}

extension UInt8 {
    @inlinable
    package var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// `A`–`Z`, `a`–`z`, `0`–`9`.
    @inlinable
    package var isASCIILetterOrDigit: Bool {
        isASCIIDigit || self | 0x20 >= 0x61 && self | 0x20 <= 0x7A
    }
}
