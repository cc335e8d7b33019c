import COpenSSL

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D): what is sealed can be opened by whoever has
/// the key, and nobody changes a bit of it, or of what is bound to it, unnoticed.
package enum SealedBox {
    package static let keyByteCount = 32
    package static let nonceByteCount = 12
    package static let tagByteCount = 16

    /// The cipher, looked up once.
    ///
    /// `@unchecked Sendable`: an `EVP_CIPHER` that was fetched is constant and may be used by any
    /// number of threads (EVP_CIPHER_fetch(3)); it is never freed.
    @safe private struct Cipher: @unchecked Sendable {
        let method: OpaquePointer
    }

    private static let cipher: Cipher = {
        guard let method = unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil) else {
            preconditionFailure("OpenSSL offers no AES-256-GCM")
        }
        return unsafe Cipher(method: method)
    }()

    /// - Parameters:
    ///   - secret: What nobody else is to read; the caller erases it.
    ///   - key: 32 bytes.
    ///   - nonce: 12 bytes that were never used with this key.
    ///   - bound: Not hidden, and needed as it is to open the box.
    /// - Returns: As many bytes as the secret has, and a tag of 16.
    package static func seal(
        _ secret: [UInt8], key: [UInt8], nonce: [UInt8], bound: [UInt8]
    ) -> [UInt8] {
        guard let context = Context.make(encrypts: true, key: key, nonce: nonce),
            context.bind(bound), let sealed = context.work(secret), let tag = context.tag()
        else { preconditionFailure("OpenSSL could not seal with AES-256-GCM") }
        return sealed + tag
    }

    /// - Returns: The secret, which the caller erases; nil where anything is not as it was when
    ///   the box was sealed: the box, the key, the nonce, or what was bound to it.
    package static func open(
        _ box: [UInt8], key: [UInt8], nonce: [UInt8], bound: [UInt8]
    ) -> [UInt8]? {
        guard box.count >= tagByteCount, nonce.count == nonceByteCount,
            let context = Context.make(encrypts: false, key: key, nonce: nonce),
            context.bind(bound),
            context.expect(tag: Array(box.suffix(tagByteCount))),
            var secret = context.work(Array(box.dropLast(tagByteCount)))
        else { return nil }
        guard context.isAuthentic() else {
            eraseSecret(&secret)
            return nil
        }
        return secret
    }

    /// What OpenSSL keeps while it seals or opens one box; erased and freed by `deinit`.
    @safe private struct Context: ~Copyable {
        private let pointer: OpaquePointer

        static func make(encrypts: Bool, key: [UInt8], nonce: [UInt8]) -> Context? {
            precondition(key.count == keyByteCount && nonce.count == nonceByteCount)
            guard let pointer = unsafe EVP_CIPHER_CTX_new() else { return nil }
            let context = unsafe Context(taking: pointer)
            let status = unsafe EVP_CipherInit_ex2(
                pointer, cipher.method, key, nonce, encrypts ? 1 : 0, nil)
            guard status == 1 else { return nil }
            return context
        }

        private init(taking pointer: OpaquePointer) { unsafe self.pointer = pointer }

        deinit { unsafe EVP_CIPHER_CTX_free(pointer) }

        borrowing func bind(_ bytes: [UInt8]) -> Bool {
            var count: Int32 = 0
            return unsafe EVP_CipherUpdate(pointer, nil, &count, bytes, Int32(bytes.count)) == 1
        }

        borrowing func work(_ bytes: [UInt8]) -> [UInt8]? {
            var isDone = false
            let result = unsafe [UInt8](
                unsafeUninitializedCapacity: bytes.count
            ) { buffer, filled in
                var count: Int32 = 0
                isDone =
                    unsafe EVP_CipherUpdate(
                        pointer, buffer.baseAddress, &count, bytes, Int32(bytes.count)) == 1
                filled = Int(count)
            }
            return isDone && result.count == bytes.count ? result : nil
        }

        /// Ends sealing.
        borrowing func tag() -> [UInt8]? {
            guard finish() else { return nil }
            var tag = [UInt8](repeating: 0, count: tagByteCount)
            let status = unsafe EVP_CIPHER_CTX_ctrl(
                pointer, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), &tag)
            return status == 1 ? tag : nil
        }

        borrowing func expect(tag: [UInt8]) -> Bool {
            var tag = tag
            return unsafe EVP_CIPHER_CTX_ctrl(
                pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1
        }

        /// Ends opening.
        borrowing func isAuthentic() -> Bool { finish() }

        private borrowing func finish() -> Bool {
            var rest = [UInt8](repeating: 0, count: tagByteCount)
            var count: Int32 = 0
            return unsafe EVP_CipherFinal_ex(pointer, &rest, &count) == 1 && count == 0
        }
    }
}
