import COpenSSL

/// Digests of whole byte strings.
package enum Digest {
    static let sha256ByteCount = 32

    /// 32 bytes.
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { sha256Algorithm.digest(bytes) }

    /// 20 bytes. For the WebSocket handshake, which asks for it (RFC 6455 §4.2.2), and nothing
    /// else.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] { sha1Algorithm.digest(bytes) }

    static let sha256Algorithm = DigestAlgorithm(name: "SHA256")
    private static let sha1Algorithm = DigestAlgorithm(name: "SHA1")
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return unsafe CRYPTO_memcmp(left, right, left.count) == 0
}

/// A digest that OpenSSL has looked up once; looking it up costs more than hashing a short text,
/// and so does making a context.
///
/// `@unchecked Sendable`: an `EVP_MD` that was fetched is constant and may be used by any number of
/// threads (EVP_MD_fetch(3)); it is never freed, for the two of them live as long as the process.
@safe final class DigestAlgorithm: @unchecked Sendable {
    private let method: OpaquePointer
    private let idle = IdleContexts<HashContext>()

    init(name: String) {
        guard let method = unsafe EVP_MD_fetch(nil, name, nil) else {
            preconditionFailure("OpenSSL offers no \(name)")
        }
        unsafe self.method = method
    }

    func digest(_ bytes: [UInt8]) -> [UInt8] {
        guard let context = idle.take() ?? HashContext() else {
            preconditionFailure("OpenSSL could not make a context for a digest")
        }
        let size = Int(unsafe EVP_MD_get_size(method))
        var digest: [UInt8] = []
        digest.append(addingCapacity: size) { out in
            unsafe out.withUnsafeMutableBufferPointer { buffer, filled in
                guard let start = buffer.baseAddress else { return }
                let isDone = unsafe bytes.withUnsafeBufferPointer {
                    unsafe self.digest($0, into: start, with: context.pointer)
                }
                precondition(isDone, "OpenSSL could not compute a digest")
                filled = size
            }
        }
        idle.giveBack(context)
        return digest
    }

    /// The same with a context that the caller keeps, into memory of the digest's size.
    func digest(
        _ bytes: UnsafeBufferPointer<UInt8>, into digest: UnsafeMutablePointer<UInt8>,
        with context: OpaquePointer
    ) -> Bool {
        unsafe EVP_DigestInit_ex(context, method, nil) == 1
            && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
            && EVP_DigestFinal_ex(context, digest, nil) == 1
    }
}

/// What OpenSSL keeps while it computes a digest; freed by `deinit`.
///
/// `@unchecked Sendable`: one thread at a time has it, which `DigestAlgorithm` sees to.
@safe private final class HashContext: @unchecked Sendable {
    let pointer: OpaquePointer

    init?() {
        guard let pointer = unsafe EVP_MD_CTX_new() else { return nil }
        unsafe self.pointer = pointer
    }

    deinit { unsafe EVP_MD_CTX_free(pointer) }
}
