package import Bytes

/// The characters of which field names, tokens and field values may consist (RFC 9110 §5).
///
/// Plain functions over bytes, without generics: every request runs through them several times.
package enum FieldGrammar {
    /// `tchar` of RFC 9110 §5.6.2, a bit for each of the characters below 64 and from 64 on.
    private static let tokenBits: (UInt64, UInt64) = (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)

    /// Whether the byte may stand in a token.
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        let bits = byte < 64 ? tokenBits.0 : tokenBits.1
        return bits >> UInt64(byte & 63) & 1 == 1
    }

    /// Whether the text is a token: field name, method, cookie name, subprotocol.
    package static func isToken(_ text: ByteText) -> Bool { isToken(text.utf8.span) }

    /// Whether the bytes are a token.
    package static func isToken(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices where !isTokenByte(bytes[index]) { return false }
        return !bytes.isEmpty
    }

    /// Whether the text may stand as a field value: no control characters but the tab.
    package static func isFieldValue(_ text: ByteText) -> Bool { isFieldValue(text.utf8.span) }

    /// Whether the bytes may stand as a field value.
    package static func isFieldValue(_ bytes: Span<UInt8>) -> Bool {
        if bytes.isPrintable(from: 0x20) { return true }
        for index in bytes.indices where !isFieldValueByte(bytes[index]) { return false }
        return true
    }

    /// Whether the byte may stand in a field value.
    package static func isFieldValueByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7F || byte == 0x09
    }

    /// The byte, with `A`–`Z` turned into `a`–`z`.
    package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// The text with `A`–`Z` turned into `a`–`z` and every other character as it was.
    package static func lowercased(_ text: ByteText) -> ByteText {
        ByteText(String(decoding: text.utf8.map(lowercased), as: UTF8.self))
    }

    /// The text without spaces and tabs at either end (OWS, RFC 9110 §5.6.3).
    package static func trimmed(_ text: ByteText) -> ByteText {
        var bytes = text.utf8[...]
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return ByteText(Substring(bytes))
    }

    /// The part of `range` that remains without spaces and tabs at either end.
    static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
