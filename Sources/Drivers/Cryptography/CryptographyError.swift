package import Tokens

/// Why a key could not be made, read or used. Never holds key material.
package enum CryptographyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// OpenSSL would not make the key.
    case generationFailed(SignatureAlgorithm)
    /// Not one unencrypted PEM private key.
    case unreadablePEM
    /// A private key of another kind than P-256, RSA or Ed25519.
    case unsupportedKey
    /// A key whose numbers are refused.
    case unfitKey(KeyFault)
    /// The numbers pass, yet OpenSSL finds no key in them: a point that is not on the curve.
    case invalidPublicKey(SignatureAlgorithm)
    case signingFailed(SignatureAlgorithm)
    /// A shared secret has no PEM form.
    case noPEMForm

    /// Stable across releases.
    package var code: String {
        switch self {
        case .generationFailed: "key_generation_failed"
        case .unreadablePEM: "key_pem_unreadable"
        case .unsupportedKey: "key_unsupported"
        case .unfitKey(let fault): fault.code
        case .invalidPublicKey: "key_invalid"
        case .signingFailed: "signing_failed"
        case .noPEMForm: "key_without_pem_form"
        }
    }

    package var description: String {
        switch self {
        case .generationFailed(let algorithm):
            "OpenSSL could not make an \(algorithm.rawValue) key"
        case .unreadablePEM: "this is no PEM file with one private key without a password"
        case .unsupportedKey: "the private key is neither EC P-256, RSA nor Ed25519"
        case .unfitKey(let fault): fault.description
        case .invalidPublicKey(let algorithm):
            "the numbers of this \(algorithm.rawValue) key are no valid key"
        case .signingFailed(let algorithm): "OpenSSL could not sign with \(algorithm.rawValue)"
        case .noPEMForm: "a shared secret cannot be written as PEM"
        }
    }
}
