internal import Bytes

/// What a client shows to take over its session: 128 random bits, good for one resume.
///
/// It must come from a source that nobody can foresee, and never reach a log.
package struct SessionSecret: Hashable, Sendable, CustomStringConvertible {
    /// Without the name of a session.
    package static let textLength = 22

    /// Of whose session it is, where it says so: a relay that has no memory finds it by that.
    package let connection: ConnectionID?
    private let bits: UInt128

    package init(bits: UInt128, of connection: ConnectionID? = nil) {
        self.bits = bits
        self.connection = connection
    }

    /// Reads what `text` writes; nil for anything else.
    package init?(_ text: String) {
        let bytes = text.utf8
        let nameLength = bytes.count - Self.textLength
        guard nameLength == 0 || nameLength == ConnectionID.textLength else { return nil }
        let connection = ConnectionID(bytes.span, 0..<nameLength)
        guard nameLength == 0 || connection != nil,
            let bytes = Base64URL.decode(String(Substring(bytes.dropFirst(nameLength))))
        else { return nil }
        self.init(bits: bytes.reduce(0) { $0 << 8 | UInt128($1) }, of: connection)
    }

    /// The 16 digits of the connection, if any, and 22 letters of base64url without padding
    /// (RFC 4648 §5).
    package var text: String {
        let letters = Base64URL.encode(
            (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) })
        return (connection?.text ?? "") + letters
    }

    package var description: String { "a session's secret" }
}
