import COpenSSL
package import Tokens

/// Public keys as OpenSSL and others write them.
package enum PublicKeyPEM {
    /// Reads one public key (`PUBLIC KEY`, RFC 7468 §13); its kind decides the algorithm, and its
    /// name is its RFC 7638 thumbprint.
    ///
    /// - Throws: `.unreadablePEM`, `.unsupportedKey` or `.unfitKey`.
    package static func read(_ pem: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard let key = key(pem) else { throw .unreadablePEM }
        guard let material = key.publicMaterial() else { throw .unsupportedKey }
        do throws(KeyFault) {
            return try PublicKey(material, sha256: Digest.sha256)
        } catch {
            throw .unfitKey(error)
        }
    }

    private static func key(_ pem: [UInt8]) -> PrivateOrPublicKey? {
        ERR_set_mark()
        defer { ERR_pop_to_mark() }
        let pointer = unsafe pem.withUnsafeBytes { pem -> OpaquePointer? in
            // Reads from `pem` itself, so both live in this closure.
            let file = unsafe BIO_new_mem_buf(pem.baseAddress, Int32(clamping: pem.count))
            guard let file = unsafe file else { return nil }
            defer { unsafe BIO_free(file) }
            return unsafe PEM_read_bio_PUBKEY(file, nil, nil, nil)
        }
        guard let pointer = unsafe pointer else { return nil }
        return unsafe PrivateOrPublicKey(taking: pointer)
    }
}
