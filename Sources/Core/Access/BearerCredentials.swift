package import Bytes
package import HTTPMessages

/// The token in `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
package enum BearerCredentials {
    package enum Fault: Error, Equatable, Sendable {
        /// There is more than one `Authorization`.
        case repeated
        /// The scheme is not followed by one word.
        case malformed
        /// This word follows, which no token is.
        case notAToken(ByteText)
    }

    /// Nil without the field, or where it is of another scheme, which is no token, bad or good.
    package static func find(in headers: HeaderFields) throws(Fault) -> ByteText? {
        let (field, count) = headers.find("Authorization")
        guard let field else { return nil }
        guard count == 1 else { throw .repeated }
        let bytes = field.utf8.drop { $0 == UInt8(ascii: " ") }
        let scheme = bytes.prefix { $0 != UInt8(ascii: " ") }
        guard ByteText(Substring(scheme)).equalsIgnoringCase("Bearer") else { return nil }
        let rest = bytes.dropFirst(scheme.count).drop { $0 == UInt8(ascii: " ") }
        let token = ByteText(Substring(rest))
        guard !token.isEmpty, !token.utf8.contains(UInt8(ascii: " ")) else { throw .malformed }
        guard BearerGrammar.isToken(token) else { throw .notAToken(token) }
        return token
    }
}

/// `b64token` of RFC 6750 §2.1.
package enum BearerGrammar {
    package static func isToken(_ text: ByteText) -> Bool {
        let bytes = text.utf8.span
        var count = 0
        while count &+ 8 <= bytes.count, areTokenBytes(bytes.word(count)) { count &+= 8 }
        while count < bytes.count, isTokenByte(bytes[count]) { count += 1 }
        guard count > 0 else { return false }
        for index in count..<bytes.count where bytes[index] != UInt8(ascii: "=") { return false }
        return true
    }

    /// Letters, digits and `-._~+/`: a bit for each of the characters below 64 and from 64 on.
    private static let tokenBits: (UInt64, UInt64) = (0x03FF_E800_0000_0000, 0x47FF_FFFE_87FF_FFFE)

    /// The same of eight bytes.
    private static func areTokenBytes(_ word: UInt64) -> Bool {
        let letters = ByteLanes.areASCII(ByteLanes.lowercased(word), from: 0x61, to: 0x7A)
        let others =
            ByteLanes.areASCII(word, from: 0x2D, to: 0x39)  // -./ and digits
            | ByteLanes.areASCII(word, from: 0x2B, to: 0x2B)
            | ByteLanes.areASCII(word, from: 0x5F, to: 0x5F)
            | ByteLanes.areASCII(word, from: 0x7E, to: 0x7E)
        return letters | others == 0x8080_8080_8080_8080
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        let bits = byte < 64 ? tokenBits.0 : tokenBits.1
        return bits >> UInt64(byte & 63) & 1 == 1
    }
}
