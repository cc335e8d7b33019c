package import Tokens

/// Public keys as OpenSSL and others write them.
package enum PublicKeyPEM {
    /// Reads one public key (`PUBLIC KEY`, RFC 7468 §13); its kind decides the algorithm, and its
    /// name is its RFC 7638 thumbprint.
    ///
    /// - Throws: `.unreadablePEM`, `.unsupportedKey` or `.unfitKey`.
    package static func read(_ pem: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard let key = PrivateOrPublicKey.read(.publicKey, pem: pem) else { throw .unreadablePEM }
        guard let material = key.publicMaterial() else { throw .unsupportedKey }
        do throws(KeyFault) {
            return try PublicKey(material, sha256: Digest.sha256)
        } catch {
            throw .unfitKey(error)
        }
    }
}
