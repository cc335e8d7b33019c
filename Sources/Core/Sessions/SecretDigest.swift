/// By what a session's secret is known again: the first 16 bytes of its SHA-256. Whoever sees it
/// can resume nothing with it.
package struct SecretDigest: Hashable, Sendable {
    package let bits: UInt128

    package init(bits: UInt128) { self.bits = bits }

    /// - Parameter sha256: Of the secret's text.
    package init(sha256: [UInt8]) {
        bits = sha256.prefix(16).reduce(0) { $0 << 8 | UInt128($1) }
    }
}
