import Bytes

/// A text of at most 16 bytes as two numbers, so that asking whether a member bears it, or holds
/// it, costs a few comparisons.
package struct ShortText: Equatable, Sendable, ExpressibleByStringLiteral {
    package static let bytesMax = 16

    let count: Int
    /// The first eight bytes, the first one lowest; zeros behind a shorter text.
    let start: UInt64
    /// The last eight bytes; those of `start` where there are no more.
    let end: UInt64

    /// - Parameter value: At most 16 bytes.
    package init(stringLiteral value: String) { self.init(value) }

    /// - Parameter value: At most 16 bytes.
    package init(_ value: String) {
        let bytes = value.utf8.span
        precondition(bytes.count <= Self.bytesMax, "this text is not short")
        count = bytes.count
        start = bytes.firstWord(of: 0..<bytes.count)
        end = bytes.firstWord(of: max(0, bytes.count - 8)..<bytes.count)
    }

    /// Whether it is this text.
    func equals(_ text: ByteText) -> Bool { equals(text.utf8.span, 0..<text.count) }

    /// Whether these are its bytes.
    package func equals(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        range.count == count && equals(bytes, range, start: bytes.firstWord(of: range))
    }

    /// Whether these are its bytes, known to be as many, and their first word is at hand.
    @inline(__always)
    func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, start word: UInt64) -> Bool {
        guard word == start else { return false }
        return count <= 8 || bytes.word(range.upperBound &- 8) == end
    }
}

/// A few short texts, among which one is found with one comparison: each has a place of its own, to
/// which its first bytes and its length lead.
package struct ShortTextTable: Sendable {
    private let texts: [ShortText]
    /// By place: the number of the text, 0 where there is none.
    private var numbers: [UInt8]
    private var factor: UInt64 = 0x9E37_79B9_7F4A_7C15
    private let shift: UInt64

    /// - Parameter texts: 255 at most, no two of which are as long and begin with the same eight
    ///   bytes.
    package init(_ texts: [ShortText]) {
        self.texts = texts
        var bits: UInt64 = 1
        while 1 << bits < texts.count * 2 { bits += 1 }
        shift = 64 - bits
        numbers = []
        let keys = Set(texts.map { Self.key($0.start, $0.count) })
        precondition(keys.count == texts.count && texts.count < 256, "these texts are too alike")
        while !hasPlacedAll() { factor = factor &* 0xD134_2543_DE82_EF95 | 1 }
    }

    private mutating func hasPlacedAll() -> Bool {
        numbers = Array(repeating: 0, count: 1 << Int(64 - shift))
        for index in texts.indices {
            let place = place(of: Self.key(texts[index].start, texts[index].count))
            guard numbers[place] == 0 else { return false }
            numbers[place] = UInt8(index + 1)
        }
        return true
    }

    @inline(__always)
    private static func key(_ start: UInt64, _ count: Int) -> UInt64 {
        start ^ UInt64(truncatingIfNeeded: count)
    }

    @inline(__always)
    private func place(of key: UInt64) -> Int { Int((key &* factor) &>> shift) }

    /// Which of the texts the bytes are, from 1 on; 0 for any other.
    package func number(of bytes: Span<UInt8>, _ range: Range<Int>) -> UInt8 {
        number(of: bytes, range, start: bytes.firstWord(of: range))
    }

    /// The same where the first word of the bytes is at hand.
    @inline(__always)
    func number(of bytes: Span<UInt8>, _ range: Range<Int>, start word: UInt64) -> UInt8 {
        let number = numbers[place(of: Self.key(word, range.count))]
        guard number > 0 else { return 0 }
        let index = Int(number) &- 1
        guard texts[index].count == range.count, texts[index].equals(bytes, range, start: word)
        else { return 0 }
        return number
    }
}
