import Bytes

/// The outer form of a compact JWS (RFC 7515 §7.1): where its three parts lie.
package struct CompactJWS: Sendable, Equatable {
    /// The longest token that is looked at, in bytes.
    package static let bytesMax = 8192

    /// Ranges of the token's bytes, without the dots.
    package let header: Range<Int>
    package let payload: Range<Int>
    package let signature: Range<Int>

    /// The bytes that are signed: header, dot, payload, as received (RFC 7515 §5.2).
    package var signingInput: Range<Int> { header.lowerBound..<payload.upperBound }

    /// Looks at length and dots alone; nothing is decoded or copied.
    ///
    /// - Throws: `.tooLong` before anything is read, `.notCompact` unless there are two dots
    ///   exactly and a header and a signature beside them (an empty payload is for its reader to
    ///   refuse).
    package init(splitting token: Span<UInt8>) throws(TokenFault) {
        guard token.count <= Self.bytesMax else { throw .tooLong }
        var first = -1
        var second = -1
        for index in 0..<token.count where token[index] == UInt8(ascii: ".") {
            guard second < 0 else { throw .notCompact }
            if first < 0 { first = index } else { second = index }
        }
        guard first > 0, second > 0, second + 1 < token.count else { throw .notCompact }
        header = 0..<first
        payload = (first + 1)..<second
        signature = (second + 1)..<token.count
    }

    /// Decodes one part.
    ///
    /// - Throws: `.badEncoding` unless it is strict base64url.
    package static func decode(
        _ part: TokenFault.Part, _ range: Range<Int>, of token: Span<UInt8>
    ) throws(TokenFault) -> [UInt8] {
        guard let bytes = Base64URL.decode(token.extracting(range)) else {
            throw .badEncoding(part)
        }
        return bytes
    }
}
