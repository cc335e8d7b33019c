/// RFC 8259 read one byte after the other, as plainly as can be: what the scanner is held against.
struct PlainReader {
    private let bytes: [UInt8]
    private var at = 0

    /// Whether the whole text is one JSON value.
    static func accepts(_ bytes: [UInt8]) -> Bool {
        // The library's decoder knows UTF-8; what is left to read are ASCII's rules.
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var reader = PlainReader(bytes: bytes)
        guard reader.value() else { return false }
        reader.space()
        return reader.at == bytes.count
    }

    /// The content of the string that starts at `start`, between its quotes; nil if it is none.
    static func content(_ bytes: [UInt8], from start: Int) -> Range<Int>? {
        var reader = PlainReader(bytes: bytes)
        reader.at = start
        return reader.string() ? start + 1..<reader.at - 1 : nil
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard bytes[at...].starts(with: text.utf8) else { return false }
        at += text.utf8.count
        return true
    }

    private mutating func space() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
    }

    private mutating func value() -> Bool {
        space()
        switch next {
        case UInt8(ascii: "{"): return collection("}", member: { $0.member() })
        case UInt8(ascii: "["): return collection("]", member: { $0.value() })
        case UInt8(ascii: "\""): return string()
        default: return take("true") || take("false") || take("null") || number()
        }
    }

    private mutating func member() -> Bool {
        space()
        guard string() else { return false }
        space()
        return take(":") && value()
    }

    private mutating func collection(
        _ close: String, member: (inout PlainReader) -> Bool
    ) -> Bool {
        at += 1
        space()
        if take(close) { return true }
        repeat {
            guard member(&self) else { return false }
            space()
        } while take(",")
        return take(close)
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = next, byte >= 0x20 {
            at += 1
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\"), !escape() { return false }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let letter = next else { return false }
        at += 1
        guard letter == UInt8(ascii: "u") else { return #""\/bfnrt"#.utf8.contains(letter) }
        guard let high = unit(), high & 0xFC00 != 0xDC00 else { return false }
        guard high & 0xFC00 == 0xD800 else { return true }
        guard take("\\u"), let low = unit() else { return false }
        return low & 0xFC00 == 0xDC00
    }

    private mutating func unit() -> UInt32? {
        let digits = bytes[at...].prefix(4)
        let isHex = digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        guard digits.count == 4, isHex else { return nil }
        at += 4
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0"), !digits() { return false }
        if take("."), !digits() { return false }
        guard take("e") || take("E") else { return true }
        _ = take("+") || take("-")
        return digits()
    }

    private mutating func digits() -> Bool {
        let start = at
        while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
        return at > start
    }
}
