import COpenSSL
import Tokens

/// An `EVP_MD_CTX` made ready once for signing or for verifying, and copied for each use; for RS256
/// and EdDSA, see `ES256Contexts` for the third.
///
/// Copying skips the look-ups and checks of `EVP_Digest…Init`, which costs up to a sixth of the
/// whole.
///
/// `@unchecked Sendable`: after `init` nothing writes to the context. `EVP_MD_CTX_copy_ex` reads
/// its source (declared const) and raises atomic reference counts, so threads may copy one context
/// at the same time; each works on a copy of its own.
@safe final class DigestContext: @unchecked Sendable {
    enum Purpose { case sign, verify }

    private let template: OpaquePointer
    /// Bytes of a signature in JWS form.
    private let signatureByteCount: Int

    /// Nil where OpenSSL would not use this key with this algorithm. The key is borrowed: the
    /// context holds a reference of its own.
    static func make(
        _ purpose: Purpose, _ algorithm: SignatureAlgorithm, key: borrowing PrivateOrPublicKey
    ) -> DigestContext? {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        let digest = unsafe algorithm == .eddsa ? nil : EVP_sha256()
        let status: Int32
        switch purpose {
        case .sign:
            status = unsafe EVP_DigestSignInit(context, nil, digest, nil, key.pointer)
        case .verify:
            status = unsafe EVP_DigestVerifyInit(context, nil, digest, nil, key.pointer)
        }
        guard status == 1 else {
            unsafe EVP_MD_CTX_free(context)
            return nil
        }
        let byteCount = algorithm.signatureByteCount ?? key.signatureBytesMax
        return unsafe DigestContext(taking: context, byteCount)
    }

    private init(taking context: OpaquePointer, _ byteCount: Int) {
        unsafe template = context
        signatureByteCount = byteCount
    }

    deinit { unsafe EVP_MD_CTX_free(template) }

    /// The signature; nil where OpenSSL fails.
    func sign(_ input: Span<UInt8>) -> [UInt8]? {
        guard let context = unsafe copy() else { return nil }
        defer { unsafe EVP_MD_CTX_free(context) }
        var isSigned = false
        let bytesMax = signatureByteCount
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: bytesMax) { buffer, filled in
            var count = bytesMax
            let status = unsafe input.withUnsafeBufferPointer { input in
                unsafe EVP_DigestSign(
                    context, buffer.baseAddress, &count, input.baseAddress, input.count)
            }
            isSigned = status == 1
            filled = isSigned ? count : 0
        }
        return isSigned ? bytes : nil
    }

    /// Whether `signature`, in JWS form, is good. Its length must be exactly the algorithm's.
    func isValid(_ signature: Span<UInt8>, over input: Span<UInt8>) -> Bool {
        guard signature.count == signatureByteCount, let context = unsafe copy() else {
            return false
        }
        defer { unsafe EVP_MD_CTX_free(context) }
        return unsafe signature.withUnsafeBufferPointer { signature in
            unsafe input.withUnsafeBufferPointer { input in
                unsafe EVP_DigestVerify(
                    context, signature.baseAddress, signature.count, input.baseAddress,
                    input.count) == 1
            }
        }
    }

    private func copy() -> OpaquePointer? {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        guard unsafe EVP_MD_CTX_copy_ex(context, template) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            return nil
        }
        return unsafe context
    }
}
