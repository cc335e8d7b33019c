import COpenSSL
package import Tokens

/// A public key (or shared secret) parsed once, with which any number of threads verify.
package final class VerifyingKey: Sendable {
    private enum Primitive: Sendable {
        case es256(ES256Contexts)
        case digest(DigestContext)
        case mac(MACContext)
    }

    package let algorithm: SignatureAlgorithm
    private let primitive: Primitive

    /// - Throws: `CryptographyError.invalidPublicKey` where the numbers are no key, such as a point
    ///   that is not on its curve (RFC 8725 §3.4).
    package init(_ key: PublicKey) throws(CryptographyError) {
        guard let primitive = Self.primitive(for: key) else {
            throw .invalidPublicKey(key.algorithm)
        }
        algorithm = key.algorithm
        self.primitive = primitive
    }

    /// A shared secret of 32 bytes at least (RFC 7518 §3.2), for HS256.
    ///
    /// - Throws: `CryptographyError.unfitKey` for a shorter one.
    package init(secret: [UInt8]) throws(CryptographyError) {
        guard secret.count >= PublicKey.secretBytesMin else {
            throw .unfitKey(.shortSecret(byteCount: secret.count))
        }
        guard let context = MACContext.make(secret: secret) else {
            throw .invalidPublicKey(.hs256)
        }
        algorithm = .hs256
        primitive = .mac(context)
    }

    /// Whether `signature` is good over `input`, by the key's own algorithm. It is in JWS form (RFC
    /// 7518 §3, RFC 8037 §3.1), for ES256 r and s in 32 bytes each. Everything that goes wrong is a
    /// no.
    package func isValid(signature: [UInt8], over input: [UInt8]) -> Bool {
        isValid(signature: signature.span, over: input.span)
    }

    /// The same without copies.
    package func isValid(signature: Span<UInt8>, over input: Span<UInt8>) -> Bool {
        // A bad signature is no error of the program that embeds us.
        ERR_set_mark()
        defer { ERR_pop_to_mark() }
        return switch primitive {
        case .es256(let contexts): contexts.isValid(signature, over: input)
        case .digest(let context): context.isValid(signature, over: input)
        case .mac(let context): context.isValid(signature, over: input)
        }
    }

    private static func primitive(for key: PublicKey) -> Primitive? {
        ERR_set_mark()
        defer { ERR_pop_to_mark() }
        if case .oct(let secret) = key.material {
            return MACContext.make(secret: secret).map { .mac($0) }
        }
        guard let pointer = PrivateOrPublicKey.make(key.material) else { return nil }
        if key.algorithm == .es256 {
            return ES256Contexts.make(.verify, key: pointer).map { .es256($0) }
        }
        return DigestContext.make(.verify, key.algorithm, key: pointer).map { .digest($0) }
    }
}
