import COpenSSL

/// HMAC-SHA-256 with its key already mixed in, duplicated for each use.
///
/// `@unchecked Sendable`: after `init` nothing writes to the context; `EVP_MAC_CTX_dup` reads its
/// source (declared const) and raises atomic reference counts, and each thread works on its own
/// duplicate.
@safe final class MACContext: @unchecked Sendable {
    static let tagByteCount = 32
    private let template: OpaquePointer

    static func make(secret: [UInt8]) -> MACContext? {
        guard let method = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else { return nil }
        defer { unsafe EVP_MAC_free(method) }
        guard let context = unsafe EVP_MAC_CTX_new(method) else { return nil }
        var name = Array("SHA256".utf8CString)
        let status = unsafe name.withUnsafeMutableBufferPointer { name in
            let parameters = unsafe [
                usherDigestParameter(name.baseAddress),
                OSSL_PARAM_construct_end(),
            ]
            return unsafe EVP_MAC_init(context, secret, secret.count, parameters)
        }
        guard status == 1 else {
            unsafe EVP_MAC_CTX_free(context)
            return nil
        }
        return unsafe MACContext(taking: context)
    }

    private init(taking context: OpaquePointer) { unsafe template = context }

    deinit { unsafe EVP_MAC_CTX_free(template) }

    /// 32 bytes; nil where OpenSSL fails.
    func tag(_ input: Span<UInt8>) -> [UInt8]? {
        guard let context = unsafe EVP_MAC_CTX_dup(template) else { return nil }
        defer { unsafe EVP_MAC_CTX_free(context) }
        let taken = unsafe input.withUnsafeBufferPointer { input in
            unsafe EVP_MAC_update(context, input.baseAddress, input.count)
        }
        guard taken == 1 else { return nil }
        var isDone = false
        let tag = unsafe [UInt8](unsafeUninitializedCapacity: Self.tagByteCount) { out, filled in
            isDone =
                unsafe EVP_MAC_final(context, out.baseAddress, &filled, Self.tagByteCount) == 1
        }
        return isDone && tag.count == Self.tagByteCount ? tag : nil
    }

    /// Compares in constant time.
    func isValid(_ tag: Span<UInt8>, over input: Span<UInt8>) -> Bool {
        guard tag.count == Self.tagByteCount, let expected = self.tag(input) else { return false }
        return unsafe tag.withUnsafeBufferPointer { tag in
            unsafe CRYPTO_memcmp(tag.baseAddress, expected, expected.count) == 0
        }
    }
}
