import Glibc

/// The end of a token, and its length: enough to find it by.
struct TokenTail: Hashable, Sendable {
    private static let byteCount = 16
    private let first: UInt64
    private let second: UInt64
    private let length: Int

    /// Nil for texts too short to be tokens.
    init?(of text: Span<UInt8>) {
        guard text.count >= Self.byteCount else { return nil }
        length = text.count
        (first, second) = unsafe text.withUnsafeBytes { bytes in
            let start = bytes.count - Self.byteCount
            return unsafe (
                bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
            )
        }
    }
}

/// A verified token and the text it was read from. Never changes, so it is compared with outside
/// the cache's lock.
final class RememberedToken: Sendable {
    let tail: TokenTail
    let token: VerifiedToken
    /// Seconds since the epoch.
    let goodUntil: Int64
    private let text: [UInt8]

    init(tail: TokenTail, text: Span<UInt8>, token: VerifiedToken, goodUntil: Int64) {
        self.tail = tail
        self.token = token
        self.goodUntil = goodUntil
        self.text = [UInt8](capacity: text.count) { out in
            for index in 0..<text.count { out.append(text[index]) }
        }
    }

    /// Byte by byte; `String`'s own `==` would take a KELVIN SIGN for a `K`.
    func matches(_ other: Span<UInt8>) -> Bool {
        guard text.count == other.count else { return false }
        return unsafe other.withUnsafeBytes { other in
            guard let start = other.baseAddress else { return true }
            return unsafe memcmp(text, start, other.count) == 0
        }
    }
}
