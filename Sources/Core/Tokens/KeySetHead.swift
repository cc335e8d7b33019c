package import Bytes

/// What an answer that is to hold a key set looks like before its body: what every follower of a
/// key set refuses.
package enum KeySetHead {
    package static let bytesMax = 65_536

    package enum Fault: Equatable, Sendable {
        /// None is followed: keys come from the configured address alone.
        case redirected(status: Int)
        case status(Int)
        /// At most 80 printable characters of it.
        case mediaType(String)
        case tooLarge
    }

    /// - Parameters:
    ///   - status: Of the answer.
    ///   - contentType: The field's value; empty where there is none.
    ///   - length: What the answer says of the length of its body; nil where it says nothing.
    /// - Returns: nil where the body is worth reading.
    package static func fault(status: Int, contentType: ByteText, length: Int64?) -> Fault? {
        if (300...399).contains(status) { return .redirected(status: status) }
        guard status == 200 else { return .status(status) }
        let type = mediaType(contentType)
        guard type == "application/jwk-set+json" || type == "application/json" else {
            return .mediaType(
                String(decoding: type.utf8.filter { 0x20...0x7E ~= $0 }.prefix(80), as: UTF8.self))
        }
        return (length ?? 0) > bytesMax ? .tooLarge : nil
    }

    /// Seconds that the answer lay in caches on the way (`Age`, RFC 9111 §5.1).
    package static func ageSeconds(_ field: ByteText?) -> Int64 {
        max(0, field.flatMap { Int64($0.string) } ?? 0)
    }

    /// Without parameters, in small letters.
    private static func mediaType(_ field: ByteText) -> ByteText {
        var bytes = field.utf8.prefix { $0 != UInt8(ascii: ";") }
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        let small = bytes.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
        return ByteText(String(decoding: small, as: UTF8.self))
    }
}
