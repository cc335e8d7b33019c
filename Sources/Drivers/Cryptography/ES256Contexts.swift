import COpenSSL

/// ES256 with OpenSSL contexts that are made ready once and used again and again.
///
/// Making one for every call costs an eighth of a signature; copying one that is ready, as
/// `DigestContext` does, still costs a thirtieth.
final class ES256Contexts: Sendable {
    private let template: ES256Context
    private let idle = IdleContexts<ES256Context>()

    /// Nil where OpenSSL would not use this key. The key is borrowed: the contexts hold references
    /// of their own.
    static func make(
        _ purpose: DigestContext.Purpose, key: borrowing PrivateOrPublicKey
    ) -> ES256Contexts? {
        ES256Context.make(purpose, key: key).map(ES256Contexts.init)
    }

    private init(_ template: ES256Context) { self.template = template }

    /// r and s side by side (RFC 7518 §3.4); nil where OpenSSL fails.
    func sign(_ input: Span<UInt8>) -> [UInt8]? {
        guard let context = take() else { return nil }
        defer { idle.giveBack(context) }
        return context.sign(input)
    }

    /// Whether `signature`, r and s side by side, is good.
    func isValid(_ signature: Span<UInt8>, over input: Span<UInt8>) -> Bool {
        guard ECDSASignature.isInRange(signature), let context = take() else { return false }
        defer { idle.giveBack(context) }
        return context.accepts(signature, over: input)
    }

    private func take() -> ES256Context? { idle.take() ?? template.copy() }
}

/// What one signature or check needs of OpenSSL; freed by `deinit`.
///
/// `@unchecked Sendable`: one thread at a time has it, which `ES256Contexts` sees to; the template
/// is only copied, which reads it and raises atomic reference counts.
@safe private final class ES256Context: @unchecked Sendable {
    private let key: OpaquePointer
    private let hash: OpaquePointer

    static func make(
        _ purpose: DigestContext.Purpose, key: borrowing PrivateOrPublicKey
    ) -> ES256Context? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else {
            return nil
        }
        let status =
            switch purpose {
            case .sign: unsafe EVP_PKEY_sign_init(context)
            case .verify: unsafe EVP_PKEY_verify_init(context)
            }
        guard status == 1 else {
            unsafe EVP_PKEY_CTX_free(context)
            return nil
        }
        return unsafe ES256Context(taking: context)
    }

    private init?(taking context: OpaquePointer) {
        guard let hash = unsafe EVP_MD_CTX_new() else {
            unsafe EVP_PKEY_CTX_free(context)
            return nil
        }
        unsafe key = context
        unsafe self.hash = hash
    }

    deinit {
        unsafe EVP_PKEY_CTX_free(key)
        unsafe EVP_MD_CTX_free(hash)
    }

    func copy() -> ES256Context? {
        guard let copy = unsafe EVP_PKEY_CTX_dup(key) else { return nil }
        return unsafe ES256Context(taking: copy)
    }

    func sign(_ input: Span<UInt8>) -> [UInt8]? {
        unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: Digest.sha256ByteCount + ECDSASignature.derBytesMax
        ) { buffer in
            guard let digest = buffer.baseAddress, unsafe hash(input, into: digest) else {
                return nil
            }
            let der = unsafe digest + Digest.sha256ByteCount
            var count = ECDSASignature.derBytesMax
            let status = unsafe EVP_PKEY_sign(key, der, &count, digest, Digest.sha256ByteCount)
            guard status == 1 else { return nil }
            return ECDSASignature.raw(
                fromDER: unsafe UnsafeBufferPointer(start: der, count: count).span)
        }
    }

    /// `signature` must be in range.
    func accepts(_ signature: Span<UInt8>, over input: Span<UInt8>) -> Bool {
        unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: Digest.sha256ByteCount + ECDSASignature.derBytesMax
        ) { buffer in
            guard let digest = buffer.baseAddress, unsafe hash(input, into: digest) else {
                return false
            }
            let rest = unsafe UnsafeMutableBufferPointer(
                rebasing: buffer[Digest.sha256ByteCount...])
            var der = unsafe OutputSpan(buffer: rest, initializedCount: 0)
            ECDSASignature.appendDER(of: signature, to: &der)
            return unsafe EVP_PKEY_verify(
                key, rest.baseAddress, der.count, digest, Digest.sha256ByteCount) == 1
        }
    }

    private func hash(_ input: Span<UInt8>, into digest: UnsafeMutablePointer<UInt8>) -> Bool {
        unsafe input.withUnsafeBufferPointer { input in
            unsafe Digest.sha256Algorithm.digest(input, into: digest, with: hash)
        }
    }
}
