package import Bytes

/// The `Cookie` header fields of a request (RFC 6265bis §4.2, §5.8.3).
package enum Cookies {
    /// All pairs of all `Cookie` fields, in order, repetitions included. Names are
    /// case-sensitive; values are kept verbatim, quotes included. A piece without `=` is a value
    /// without a name, as browsers send it.
    package static func pairs(in headers: HeaderFields) -> [(name: ByteText, value: ByteText)] {
        var found: [(name: ByteText, value: ByteText)] = []
        for field in headers.fields where field.isNamed(fieldName) {
            for piece in pieces(of: field.value.utf8.span) {
                found.append((text(piece.name, of: field), text(piece.value, of: field)))
            }
        }
        return found
    }

    /// The values of all cookies of this name, in order.
    package static func values(named name: ByteText, in headers: HeaderFields) -> [ByteText] {
        var found: [ByteText] = []
        for field in headers.fields where field.isNamed(fieldName) {
            let bytes = field.value.utf8.span
            for piece in pieces(of: bytes) where isSame(bytes, piece.name, name) {
                found.append(text(piece.value, of: field))
            }
        }
        return found
    }

    /// Takes every cookie of this name off. Fields that hold none stay byte for byte; one that is
    /// left empty goes.
    package static func removing(
        named name: ByteText, from headers: HeaderFields
    ) -> HeaderFields {
        var kept: [HeaderFields.Field] = []
        kept.reserveCapacity(headers.fields.count)
        for field in headers.fields {
            guard field.isNamed(fieldName) else {
                kept.append(field)
                continue
            }
            let bytes = field.value.utf8.span
            let all = pieces(of: bytes)
            let others = all.filter { !isSame(bytes, $0.name, name) }
            if others.count == all.count {
                kept.append(field)
            } else if !others.isEmpty {
                let texts = others.map { text($0.whole, of: field).string }
                let value = ByteText(texts.joined(separator: "; "))
                kept.append(HeaderFields.Field(name: field.name, value: value))
            }
        }
        return HeaderFields(fields: kept)
    }

    private static let fieldName: ByteText = "Cookie"

    /// Where in a field's value a cookie stands, without the blanks around it and its parts.
    private struct Piece {
        let whole: Range<Int>
        /// Empty where there is no `=`.
        let name: Range<Int>
        let value: Range<Int>
    }

    /// Works on bytes, since every request with a cookie comes through here.
    private static func pieces(of bytes: Span<UInt8>) -> [Piece] {
        var found: [Piece] = []
        var start = 0
        while start <= bytes.count {
            let end = bytes.firstIndex(of: UInt8(ascii: ";"), in: start..<bytes.count)
            let whole = FieldGrammar.trimmed(bytes, start..<(end ?? bytes.count))
            start = (end ?? bytes.count) + 1
            if !whole.isEmpty { found.append(piece(bytes, whole)) }
        }
        return found
    }

    private static func piece(_ bytes: Span<UInt8>, _ whole: Range<Int>) -> Piece {
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "="), in: whole) else {
            return Piece(whole: whole, name: whole.lowerBound..<whole.lowerBound, value: whole)
        }
        return Piece(
            whole: whole, name: FieldGrammar.trimmed(bytes, whole.lowerBound..<equals),
            value: FieldGrammar.trimmed(bytes, (equals + 1)..<whole.upperBound))
    }

    private static func isSame(_ bytes: Span<UInt8>, _ range: Range<Int>, _ name: ByteText) -> Bool
    {
        bytes.extracting(range).equals(name.utf8.span)
    }

    private static func text(_ range: Range<Int>, of field: HeaderFields.Field) -> ByteText {
        let utf8 = field.value.utf8
        let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
        let end = utf8.index(start, offsetBy: range.count)
        return ByteText(Substring(utf8[start..<end]))
    }
}
