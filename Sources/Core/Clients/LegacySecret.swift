import Bytes

/// The secret that a client shares with those who sign HS256 tokens in its name, as the first
/// implementation of the classic protocol had them (docs/architecture.md §4).
///
/// An HMAC is computed with the secret itself, so that the registry cannot keep a digest instead.
package enum LegacySecret {
    /// Not shorter than the digest (RFC 7518 §3.2), and bounded.
    package static let bytesRange = 32...1024

    /// What an update does to it.
    package struct Change: Equatable, Sendable {
        let secret: SecretBytes?

        /// From now on, tokens under this secret are taken, and none under the one before.
        package static func set(_ bytes: [UInt8]) -> Change { Change(secret: SecretBytes(bytes)) }
        /// No token of the first implementation is taken any more.
        package static let remove = Change(secret: nil)

        /// Whether there is none from now on.
        package var isRemoval: Bool { secret == nil }
    }

    static func check(_ change: Change) throws(RegistrationError) -> Change {
        guard let count = change.secret?.bytes.count, !bytesRange.contains(count) else {
            return change
        }
        throw RegistrationError(
            member: "legacy_secret", value: "\(count) bytes",
            expected: "\(bytesRange.lowerBound) to \(bytesRange.upperBound) bytes "
                + "(RFC 7518 §3.2)")
    }
}
