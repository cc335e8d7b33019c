internal import Bytes

/// What a client shows to take over its session: 128 random bits, good for one resume.
///
/// It must come from a source that nobody can foresee, and never reach a log.
package struct SessionSecret: Hashable, Sendable, CustomStringConvertible {
    package static let textLength = 22

    private let bits: UInt128

    package init(bits: UInt128) { self.bits = bits }

    /// Reads what `text` writes; nil for anything else.
    package init?(_ text: String) {
        guard text.utf8.count == Self.textLength, let bytes = Base64URL.decode(text) else {
            return nil
        }
        bits = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// 22 letters of base64url without padding (RFC 4648 §5).
    package var text: String {
        Base64URL.encode((0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) })
    }

    package var description: String { "a session's secret" }
}
