internal import Bytes

/// Numbers and texts one behind the other, big-endian, each text behind its length.
@usableFromInline
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    /// `capacity` is how many bytes will probably come.
    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    @inlinable
    package mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        if Number.bitWidth > 64 { put(UInt64(truncatingIfNeeded: number >> 64), bytes: 8) }
        put(UInt64(truncatingIfNeeded: number), bytes: min(Number.bitWidth / 8, 8))
    }

    /// The lowest `count` bytes of a number. Numbers of all sizes come here, as nothing generic is
    /// specialised for other modules.
    @usableFromInline
    mutating func put(_ number: UInt64, bytes count: Int) {
        bytes.append(addingCapacity: count) { out in
            for place in (0..<count).reversed() {
                out.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * place)))
            }
        }
    }

    package mutating func put(_ part: [UInt8]) {
        put(UInt32(truncatingIfNeeded: part.count))
        bytes.append(contentsOf: part)
    }

    package mutating func put(_ part: some Collection<UInt8>) {
        put(UInt32(truncatingIfNeeded: part.count))
        bytes.append(contentsOf: part)
    }

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
        var number: UInt64 = 0
        for index in position..<(position + count) { number = number << 8 | UInt64(bytes[index]) }
        position += count
        return number
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
