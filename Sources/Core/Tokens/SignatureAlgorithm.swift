/// The signature algorithms Usher knows; `none` is not among them and cannot be spelled.
///
/// The raw value is the registered `alg` name (RFC 7518 §3.1, RFC 8037 §3.1), compared byte by
/// byte.
package enum SignatureAlgorithm: String, CaseIterable, Sendable, Hashable {
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// Ed25519.
    case eddsa = "EdDSA"
    /// HMAC with SHA-256. Both sides hold the secret, so it never appears in a key set.
    case hs256 = "HS256"

    /// Whether signer and verifier share one secret.
    package var isSymmetric: Bool { self == .hs256 }

    /// How many bytes every signature of this algorithm has; nil where the key decides (RSA).
    package var signatureByteCount: Int? {
        switch self {
        case .es256, .eddsa: 64
        case .hs256: 32
        case .rs256: nil
        }
    }
}
