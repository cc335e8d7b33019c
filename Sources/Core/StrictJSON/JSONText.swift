package import Bytes

/// Strings between their JSON form and Swift's.
package enum JSONText {
    /// Appends `text` in quotes, escaping what RFC 8259 §7 says must be escaped and nothing else.
    package static func appendQuoted(_ text: ByteText, to out: inout [UInt8]) {
        appendQuoted(text.string, to: &out)
    }

    /// The same for a text of ours.
    package static func appendQuoted(_ text: String, to out: inout [UInt8]) {
        out.append(0x22)
        if isPlain(text) {
            out.append(contentsOf: text.utf8)
        } else {
            appendEscaped(text, to: &out)
        }
        out.append(0x22)
    }

    /// Whether every byte stands for itself.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.span.areAllWords(filledWith: UInt8(ascii: " ")) { word in
            ByteLanes.areBelow(word, 0x20) | ByteLanes.zeros(word ^ ByteLanes.all(0x22))
                | ByteLanes.zeros(word ^ ByteLanes.all(0x5C)) == 0
        }
    }

    private static func appendEscaped(_ text: String, to out: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C:
                out.append(0x5C)
                out.append(byte)
            case 0x00..<0x20:
                let low = byte & 15
                out.append(contentsOf: #"\u00"#.utf8)
                out.append(0x30 | byte >> 4)
                out.append(low < 10 ? 0x30 | low : 0x57 + low)
            default: out.append(byte)
            }
        }
    }

    /// The string whose content (without quotes) fills `range`; nil where the escapes or the UTF-8
    /// are wrong.
    package static func unquote(_ bytes: Span<UInt8>, _ range: Range<Int>) -> ByteText? {
        let content = bytes.extracting(range)
        guard content.indices.contains(where: { content[$0] == 0x5C }) else {
            return ByteText(content)
        }
        var plain: [UInt8] = []
        plain.reserveCapacity(range.count)
        return unquote(content, into: &plain) ? ByteText(plain.span) : nil
    }

    /// Appends the bytes of such a string; false where its escapes are wrong.
    static func unquote(_ content: Span<UInt8>, into plain: inout [UInt8]) -> Bool {
        var at = 0
        while at < content.count {
            guard content[at] == 0x5C else {
                plain.append(content[at])
                at &+= 1
                continue
            }
            guard at &+ 1 < content.count, let next = unescape(content, at, into: &plain) else {
                return false
            }
            at = next
        }
        return true
    }

    private static func unescape(
        _ bytes: Span<UInt8>, _ at: Int, into plain: inout [UInt8]
    ) -> Int? {
        switch bytes[at &+ 1] {
        case 0x22, 0x5C, 0x2F: plain.append(bytes[at &+ 1])
        case 0x62: plain.append(0x08)
        case 0x66: plain.append(0x0C)
        case 0x6E: plain.append(0x0A)
        case 0x72: plain.append(0x0D)
        case 0x74: plain.append(0x09)
        case 0x75: return unescapeUnit(bytes, at, into: &plain)
        default: return nil
        }
        return at &+ 2
    }

    private static func unescapeUnit(
        _ bytes: Span<UInt8>, _ at: Int, into plain: inout [UInt8]
    ) -> Int? {
        guard var scalar = JSONLexer.hexUnit(bytes, at &+ 2) else { return nil }
        var next = at &+ 6
        if scalar & 0xFC00 == 0xD800 {
            guard next &+ 6 <= bytes.count, bytes[next] == 0x5C, bytes[next &+ 1] == 0x75,
                let low = JSONLexer.hexUnit(bytes, next &+ 2), low & 0xFC00 == 0xDC00
            else { return nil }
            scalar = 0x10000 &+ (scalar & 0x3FF) << 10 &+ (low & 0x3FF)
            next &+= 6
        }
        if scalar < 0x80 {
            plain.append(UInt8(truncatingIfNeeded: scalar))
            return next
        }
        // A surrogate by itself is none.
        guard let unicode = Unicode.Scalar(scalar) else { return nil }
        plain.append(contentsOf: UTF8.encode(unicode) ?? UTF8.encodedReplacementCharacter)
        return next
    }
}
