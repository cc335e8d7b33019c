package import Bytes

/// Why a form was refused. Carries names and places, never a value.
package struct FormError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        /// A `%` that two hexadecimal digits do not follow.
        case invalidPercent
        /// Bytes that are no UTF-8 once decoded.
        case invalidUTF8
        /// More than `FormFields.fieldsMax` parameters.
        case tooManyFields
    }

    package let kind: Kind
    /// The parameter at fault, where its own name could be read and is a plain word.
    package let parameter: ByteText?
    /// Offset in bytes into the form: of the `%`, or of the name or value that is no UTF-8.
    package let offset: Int

    package var description: String {
        let place = parameter.map { "parameter \($0), byte \(offset)" } ?? "byte \(offset)"
        return switch kind {
        case .invalidPercent: "\(place): a % needs two hexadecimal digits behind it"
        case .invalidUTF8: "\(place): not UTF-8 once percent-decoded"
        case .tooManyFields: "\(place): more than \(FormFields.fieldsMax) parameters"
        }
    }
}

/// `application/x-www-form-urlencoded`, for bodies and for query strings
/// (RFC 6749 Appendix B): `&` separates, `+` is a space, percent escapes give UTF-8.
package enum FormFields {
    package static let fieldsMax = 256

    /// Returns the pairs in order, repetitions included; empty pieces (`a&&b`) are skipped and a
    /// piece without `=` has an empty value.
    package static func parse(
        _ bytes: Span<UInt8>
    ) throws(FormError) -> [(name: ByteText, value: ByteText)] {
        var pairs: [(name: ByteText, value: ByteText)] = []
        pairs.reserveCapacity(4)
        var start = 0
        while start < bytes.count {
            let piece = piece(of: bytes, from: start)
            if piece.end > start {
                guard pairs.count < fieldsMax else {
                    throw FormError(kind: .tooManyFields, parameter: nil, offset: start)
                }
                pairs.append(try pair(bytes, from: start, piece))
            }
            start = piece.end + 1
        }
        return pairs
    }

    /// The same for text, a query string.
    package static func parse(
        _ text: ByteText
    ) throws(FormError) -> [(name: ByteText, value: ByteText)] {
        try parse(text.utf8.span)
    }

    /// Where the parts of a pair are, and whether what stands there is meant as it stands.
    private struct Piece {
        var equals: Int?
        var end: Int
        var isNamePlain = true
        var isValuePlain = true
    }

    private static func piece(of bytes: Span<UInt8>, from start: Int) -> Piece {
        var piece = Piece(end: bytes.count)
        var at = skipPlain(bytes, start)
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "&"):
                piece.end = at
                return piece
            case UInt8(ascii: "="):
                if piece.equals == nil { piece.equals = at }
            case UInt8(ascii: "%"), UInt8(ascii: "+"):
                if piece.equals == nil {
                    piece.isNamePlain = false
                } else {
                    piece.isValuePlain = false
                }
            default: break
            }
            at = skipPlain(bytes, at &+ 1)
        }
        return piece
    }

    /// Passes over bytes that are none of `%`, `&`, `+` and `=`, eight at a time; others, and the
    /// last seven, may stop it too.
    @inline(__always)
    private static func skipPlain(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var at = start
        while at <= bytes.count &- 8 {
            let word = bytes.word(at)
            let found =
                ByteLanes.areBelow(word, UInt8(ascii: ","))
                | ByteLanes.zeros(word ^ ByteLanes.all(UInt8(ascii: "=")))
            guard found == 0 else { return at &+ found.trailingZeroBitCount / 8 }
            at &+= 8
        }
        return at
    }

    /// Decodes one name or value.
    static func decode(_ bytes: Span<UInt8>) throws(FormError) -> ByteText {
        let range = 0..<bytes.count
        let isPlain =
            bytes.firstIndex(of: UInt8(ascii: "%"), in: range) == nil
            && bytes.firstIndex(of: UInt8(ascii: "+"), in: range) == nil
        return try decode(bytes, range, isPlain: isPlain, parameter: nil)
    }

    private static func pair(
        _ bytes: Span<UInt8>, from start: Int, _ piece: Piece
    ) throws(FormError) -> (name: ByteText, value: ByteText) {
        let name = try decode(
            bytes, start..<(piece.equals ?? piece.end), isPlain: piece.isNamePlain, parameter: nil)
        guard let equals = piece.equals else { return (name, "") }
        let value = try decode(
            bytes, (equals + 1)..<piece.end, isPlain: piece.isValuePlain, parameter: name)
        return (name, value)
    }

    /// Most stands there as it is meant, and needs no second copy.
    private static func decode(
        _ bytes: Span<UInt8>, _ range: Range<Int>, isPlain: Bool, parameter: ByteText?
    ) throws(FormError) -> ByteText {
        let text: ByteText?
        if isPlain {
            text = ByteText(bytes.extracting(range))
        } else {
            let unescaped = try unescaped(bytes, range, parameter: parameter)
            text = ByteText(unescaped.span)
        }
        guard let text else { throw error(.invalidUTF8, parameter, range.lowerBound) }
        return text
    }

    private static func unescaped(
        _ bytes: Span<UInt8>, _ range: Range<Int>, parameter: ByteText?
    ) throws(FormError) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < range.upperBound, let high = hexadecimal(bytes[index + 1]),
                    let low = hexadecimal(bytes[index + 2])
                else { throw error(.invalidPercent, parameter, index) }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        return decoded
    }

    /// A name goes into an error only where it is short and plain: it may end in a log.
    private static func error(
        _ kind: FormError.Kind, _ name: ByteText?, _ offset: Int
    ) -> FormError {
        let isPlain = name.map { $0.utf8.count <= 64 && FieldGrammar.isToken($0) } ?? false
        return FormError(kind: kind, parameter: isPlain ? name : nil, offset: offset)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
