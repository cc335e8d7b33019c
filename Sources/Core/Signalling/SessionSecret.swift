internal import Bytes

/// What a client shows to take over its session: 128 random bits, good for one resume.
///
/// It must come from a source that nobody can foresee, and never reach a log.
package struct SessionSecret: Hashable, Sendable, CustomStringConvertible {
    /// Without the name of a session.
    package static let textLength = 22

    /// Of whose session it is, where it says so: a relay that has no memory finds it by that.
    package let connection: ConnectionID?
    /// Which node of a cluster had the session when this was given out, by its incarnation; nil
    /// where there is no cluster. Never without a connection.
    package let home: UInt64?
    private let bits: UInt128

    package init(bits: UInt128, of connection: ConnectionID? = nil) {
        self.bits = bits
        self.connection = connection
        home = nil
    }

    package init(bits: UInt128, of connection: ConnectionID, at home: UInt64) {
        self.bits = bits
        self.connection = connection
        self.home = home
    }

    /// Reads what `text` writes; nil for anything else.
    package init?(_ text: String) {
        let bytes = text.utf8
        let length = ConnectionID.textLength
        let namesLength = bytes.count - Self.textLength
        guard namesLength == 0 || namesLength == length || namesLength == 2 * length,
            let secret = Base64URL.decode(String(Substring(bytes.dropFirst(namesLength))))
        else { return nil }
        let bits = secret.reduce(0) { $0 << 8 | UInt128($1) }
        let last = ConnectionID(bytes.span, max(0, namesLength - length)..<namesLength)
        switch (namesLength / length, last) {
        case (0, _): self.init(bits: bits)
        case (1, let connection?): self.init(bits: bits, of: connection)
        case (2, let connection?):
            // A home is written as a connection is.
            guard let home = ConnectionID(bytes.span, 0..<length) else { return nil }
            self.init(bits: bits, of: connection, at: home.raw)
        default: return nil
        }
    }

    /// The 16 digits of the home and those of the connection, if any, and 22 letters of base64url
    /// without padding (RFC 4648 §5).
    package var text: String {
        let letters = Base64URL.encode(
            (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) })
        return (home.map { ConnectionID(raw: $0).text } ?? "") + (connection?.text ?? "") + letters
    }

    package var description: String { "a session's secret" }
}
