import Bytes
import Tokens

/// One secret of a client, as the registry keeps it: its digest and how long it lives.
package struct ClientSecret: Equatable, Sendable {
    /// How many secrets of one client may be good at the same time.
    package static let liveMax = 2

    /// SHA-256 of the secret's text, 32 bytes.
    ///
    /// The text holds 256 random bits, so a plain digest suffices: there is nothing to stretch, and
    /// guessing stays below 2^-160 (RFC 6749 §10.10).
    package let digest: [UInt8]
    /// Seconds since the Unix epoch.
    package let createdAt: Int64
    /// Seconds since the Unix epoch from which on the secret is refused; nil: no end is set.
    package let expiresAt: Int64?

    package init(digest: [UInt8], createdAt: Int64, expiresAt: Int64? = nil) {
        self.digest = digest
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    package func isLive(atSecondsSinceEpoch now: Int64) -> Bool {
        guard let expiresAt else { return true }
        return now < expiresAt
    }
}

/// The text of a secret, which is shown once and never stored.
package enum ClientSecretText {
    /// Random bytes that a secret is made of.
    package static let randomBytes = 32

    /// Makes the text of a secret: 43 characters of base64url, out of `randomBytes` bytes from a
    /// cryptographic source.
    package static func make(fromRandom random: [UInt8]) -> String {
        precondition(random.count == randomBytes, "A client secret is made of 32 random bytes")
        return Base64URL.encode(random)
    }

    /// The digest that the registry keeps in place of the text.
    package static func digest(of text: String, sha256: ([UInt8]) -> [UInt8]) -> [UInt8] {
        sha256(Array(text.utf8))
    }
}
