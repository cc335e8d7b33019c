import Bytes

/// What a `kid` may look like: 1 to 128 bytes of a fixed alphabet (RFC 8725 §3.10).
///
/// It is a key of a dictionary and nothing else: never a path, a query or a URL.
package enum KeyID {
    package static let bytesMax = 128

    /// Letters, digits and `-._~@:+/=`, which covers thumbprints, UUIDs, addresses and base64.
    package static func isValid(_ text: String) -> Bool {
        (1...bytesMax).contains(text.utf8.count) && text.utf8.allSatisfy(isAllowed)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        byte.isASCIILetterOrDigit || "-._~@:+/=".utf8.contains(byte)
    }
}
