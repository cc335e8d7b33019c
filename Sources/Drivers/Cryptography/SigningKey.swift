import COpenSSL
package import Tokens

/// A private key (or shared secret) parsed once, with which any number of threads sign.
package final class SigningKey: Sendable {
    private enum Primitive: Sendable {
        case es256(ES256Contexts, PrivateKey)
        case digest(DigestContext, PrivateKey)
        case mac(MACContext)
    }

    /// Bits of a new RSA key.
    package static let modulusBits = 3072

    package let publicKey: PublicKey
    private let primitive: Primitive

    package var algorithm: SignatureAlgorithm { publicKey.algorithm }

    /// Makes a new key: P-256, RSA with 3072 bits, Ed25519, or a secret of 32 bytes.
    package static func generate(
        _ algorithm: SignatureAlgorithm
    ) throws(CryptographyError) -> SigningKey {
        guard !algorithm.isSymmetric else {
            return try SigningKey(secret: SecureRandom.bytes(PublicKey.secretBytesMin))
        }
        guard let key = PrivateOrPublicKey.generate(algorithm) else {
            throw .generationFailed(algorithm)
        }
        return try SigningKey(key)
    }

    /// Reads one unencrypted private key; its kind decides the algorithm. The form is PKCS #8
    /// (RFC 7468 §10), or one of the older ones that OpenSSL reads.
    package convenience init(pem: [UInt8]) throws(CryptographyError) {
        guard let key = PrivateOrPublicKey.read(.privateKey, pem: pem) else { throw .unreadablePEM }
        try self.init(key)
    }

    /// A shared secret of 32 bytes at least (RFC 7518 §3.2).
    package init(secret: [UInt8]) throws(CryptographyError) {
        publicKey = try Self.publicKey(.oct(k: secret))
        guard let context = MACContext.make(secret: secret) else { throw .generationFailed(.hs256) }
        primitive = .mac(context)
    }

    private init(_ key: consuming PrivateOrPublicKey) throws(CryptographyError) {
        guard let material = key.publicMaterial() else { throw .unsupportedKey }
        publicKey = try Self.publicKey(material)
        if publicKey.algorithm == .es256 {
            guard let contexts = ES256Contexts.make(.sign, key: key) else { throw .unsupportedKey }
            primitive = .es256(contexts, PrivateKey(key))
        } else {
            guard let context = DigestContext.make(.sign, publicKey.algorithm, key: key) else {
                throw .unsupportedKey
            }
            primitive = .digest(context, PrivateKey(key))
        }
    }

    /// Signs `input`; the signature is in JWS form, for ES256 r and s in 32 bytes each.
    package func sign(_ input: [UInt8]) throws(CryptographyError) -> [UInt8] {
        try sign(input.span)
    }

    /// The same without a copy.
    package func sign(_ input: Span<UInt8>) throws(CryptographyError) -> [UInt8] {
        let signature =
            switch primitive {
            case .es256(let contexts, _): contexts.sign(input)
            case .digest(let context, _): context.sign(input)
            case .mac(let context): context.tag(input)
            }
        guard let signature else { throw .signingFailed(algorithm) }
        return signature
    }

    /// The key as PKCS #8 PEM, unencrypted: whoever holds these bytes can sign.
    package func pem() throws(CryptographyError) -> [UInt8] {
        let pem: [UInt8]?
        switch primitive {
        case .es256(_, let key), .digest(_, let key): pem = key.pem()
        case .mac: throw .noPEMForm
        }
        guard let pem else { throw .signingFailed(algorithm) }
        return pem
    }

    private static func publicKey(
        _ material: PublicKey.Material
    ) throws(CryptographyError) -> PublicKey {
        do throws(KeyFault) {
            return try PublicKey(material, sha256: Digest.sha256)
        } catch {
            throw .unfitKey(error)
        }
    }
}

/// Keeps the private key for `pem()`.
///
/// `@unchecked Sendable`: the `EVP_PKEY` is not written to after it was made, and writing it out
/// takes OpenSSL's own lock on it.
private final class PrivateKey: @unchecked Sendable {
    private let key: PrivateOrPublicKey

    init(_ key: consuming PrivateOrPublicKey) { self.key = key }

    func pem() -> [UInt8]? { key.pem() }
}
