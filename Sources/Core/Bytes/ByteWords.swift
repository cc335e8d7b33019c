extension Span<UInt8> {
    /// Eight bytes as one number, the first one lowest; zero where fewer are left. The eight reads
    /// compile to one.
    @inline(__always)
    package func word(_ at: Int) -> UInt64 {
        guard at >= 0, at <= count - 8 else { return 0 }
        return UInt64(self[at]) | UInt64(self[at &+ 1]) << 8 | UInt64(self[at &+ 2]) << 16
            | UInt64(self[at &+ 3]) << 24 | UInt64(self[at &+ 4]) << 32
            | UInt64(self[at &+ 5]) << 40 | UInt64(self[at &+ 6]) << 48
            | UInt64(self[at &+ 7]) << 56
    }

    /// The first eight bytes of `range`, or all of them with zeros behind; exact anywhere.
    @inline(__always)
    package func firstWord(of range: Range<Int>) -> UInt64 {
        guard range.lowerBound <= count - 8 else { return lastWord(of: range) }
        let word = word(range.lowerBound)
        return range.count >= 8 ? word : word & ((1 &<< (UInt64(range.count) &* 8)) &- 1)
    }

    /// The same for a range that starts among the last seven bytes.
    @inline(never)
    private func lastWord(of range: Range<Int>) -> UInt64 {
        var word: UInt64 = 0
        for index in range.reversed() { word = word << 8 | UInt64(self[index]) }
        return word
    }

    /// Whether these are the same bytes.
    package func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var at = 0
        while at < count {
            let range = at..<Swift.min(at &+ 8, count)
            guard firstWord(of: range) == other.firstWord(of: range) else { return false }
            at &+= 8
        }
        return true
    }
}
