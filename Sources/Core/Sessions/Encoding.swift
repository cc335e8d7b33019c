internal import Bytes

/// Numbers and texts one behind the other, big-endian, each text behind its length.
@usableFromInline
package struct ByteWriter {
    /// What is written, and room for more.
    private var storage: [UInt8]
    private var count = 0

    /// `capacity` is how many bytes will probably come.
    package init(capacity: Int = 0) { storage = [UInt8](repeating: 0, count: capacity) }

    package var bytes: [UInt8] { count == storage.count ? storage : Array(storage[..<count]) }

    private mutating func makeRoom(for more: Int) {
        guard storage.count &- count < more else { return }
        storage.append(contentsOf: repeatElement(0, count: max(more, storage.count, 64)))
    }

    @inlinable
    package mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        if Number.bitWidth > 64 { put(UInt64(truncatingIfNeeded: number >> 64), bytes: 8) }
        put(UInt64(truncatingIfNeeded: number), bytes: min(Number.bitWidth / 8, 8))
    }

    /// The lowest `count` bytes of a number. Numbers of all sizes come here, as nothing generic is
    /// specialised for other modules.
    @usableFromInline
    mutating func put(_ number: UInt64, bytes count: Int) {
        makeRoom(for: count)
        let start = self.count
        self.count &+= count
        var out = storage.mutableSpan
        guard count == 8, start >= 0, start <= out.count - 8 else {
            for place in 0..<count {
                let byte = number >> UInt64(8 * (count - 1 - place))
                out[start + place] = UInt8(truncatingIfNeeded: byte)
            }
            return
        }
        Self.put(number, to: &out, at: start)
    }

    /// Four numbers at once.
    package mutating func put(_ one: UInt64, _ two: UInt64, _ three: UInt64, _ four: UInt64) {
        makeRoom(for: 32)
        let start = count
        count &+= 32
        var out = storage.mutableSpan
        guard start >= 0, start <= out.count - 32 else { return }
        Self.put(one, to: &out, at: start)
        Self.put(two, to: &out, at: start &+ 8)
        Self.put(three, to: &out, at: start &+ 16)
        Self.put(four, to: &out, at: start &+ 24)
    }

    /// The eight writes compile to one where it is known that there is room for them.
    @inline(__always)
    private static func put(_ number: UInt64, to out: inout MutableSpan<UInt8>, at start: Int) {
        out[start] = UInt8(truncatingIfNeeded: number >> 56)
        out[start &+ 1] = UInt8(truncatingIfNeeded: number >> 48)
        out[start &+ 2] = UInt8(truncatingIfNeeded: number >> 40)
        out[start &+ 3] = UInt8(truncatingIfNeeded: number >> 32)
        out[start &+ 4] = UInt8(truncatingIfNeeded: number >> 24)
        out[start &+ 5] = UInt8(truncatingIfNeeded: number >> 16)
        out[start &+ 6] = UInt8(truncatingIfNeeded: number >> 8)
        out[start &+ 7] = UInt8(truncatingIfNeeded: number)
    }

    private mutating func append(_ part: Span<UInt8>) {
        makeRoom(for: part.count)
        let start = count
        count &+= part.count
        var out = storage.mutableSpan
        for index in 0..<min(part.count, out.count &- start) { out[start &+ index] = part[index] }
    }

    package mutating func put(_ part: [UInt8]) {
        put(UInt32(truncatingIfNeeded: part.count))
        append(part.span)
    }

    package mutating func put(_ part: some Collection<UInt8>) { put(Array(part)) }

    package mutating func put(_ text: String) { put(text.utf8) }

    package mutating func put(_ text: String?) {
        guard let text else { return put(UInt8(0)) }
        put(UInt8(1))
        put(text)
    }
}

/// Reads what `ByteWriter` wrote, and takes nothing else for it.
@usableFromInline
package struct ByteReader {
    /// Where the bytes are not as they have to be.
    @usableFromInline
    package struct Fault: Error { package let position: Int }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package var fault: Fault { Fault(position: position) }
    package var isAtEnd: Bool { position == bytes.endIndex }

    private mutating func take(_ count: Int) throws(Fault) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw fault }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    @inlinable
    package mutating func number<Number: FixedWidthInteger>(
        _: Number.Type = Number.self
    ) throws(Fault) -> Number {
        let first = try number(bytes: min(Number.bitWidth / 8, 8))
        guard Number.bitWidth > 64 else { return Number(truncatingIfNeeded: first) }
        return Number(truncatingIfNeeded: first) << 64
            | Number(truncatingIfNeeded: try number(bytes: 8))
    }

    @usableFromInline
    mutating func number(bytes count: Int) throws(Fault) -> UInt64 {
        guard count <= bytes.endIndex - position else { throw fault }
        if count == 8 {
            let word = bytes.span.word(position - bytes.startIndex)
            position += 8
            return word.byteSwapped
        }
        var number: UInt64 = 0
        for index in position..<(position + count) { number = number << 8 | UInt64(bytes[index]) }
        position += count
        return number
    }

    /// Four numbers at once.
    package mutating func numbers() throws(Fault) -> (UInt64, UInt64, UInt64, UInt64) {
        guard bytes.endIndex - position >= 32 else { throw fault }
        let numbers = Self.numbers(bytes.span, position - bytes.startIndex)
        position += 32
        return numbers
    }

    private static func numbers(
        _ bytes: Span<UInt8>, _ start: Int
    ) -> (UInt64, UInt64, UInt64, UInt64) {
        (
            bytes.word(start).byteSwapped, bytes.word(start + 8).byteSwapped,
            bytes.word(start + 16).byteSwapped, bytes.word(start + 24).byteSwapped
        )
    }

    package mutating func part() throws(Fault) -> ArraySlice<UInt8> {
        try take(Int(try number(UInt32.self)))
    }

    package mutating func text() throws(Fault) -> String {
        let part = try part()
        guard let text = ByteText(part.span) else { throw fault }
        return text.string
    }

    package mutating func optionalText() throws(Fault) -> String? {
        let hasText: UInt8 = try number()
        guard hasText <= 1 else { throw fault }
        return hasText == 1 ? try text() : nil
    }

    /// How many items follow. Nobody may make room for so many before they were read.
    package mutating func count() throws(Fault) -> Range<UInt32> { 0..<(try number()) }

    mutating func texts() throws(Fault) -> [String] {
        var texts: [String] = []
        for _ in try count() { texts.append(try text()) }
        return texts
    }
}
