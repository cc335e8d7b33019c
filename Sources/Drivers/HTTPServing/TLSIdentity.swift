import CGnuTLS
import Locking

/// A certificate chain and its private key, as libgnutls wants them at hand for a handshake.
///
/// Read and checked once: a chain that cannot be parsed, or a key that is not the certificate's, is
/// refused here and not in the middle of somebody's handshake.
@safe package final class TLSIdentity: @unchecked Sendable {
    // `@unchecked`: everything is written in `init` alone; libgnutls only reads it, from any
    // thread, as long as `TLSIdentityInUse` keeps it alive.
    fileprivate let chain: UnsafeMutablePointer<gnutls_pcert_st>
    fileprivate let count: UInt32
    fileprivate let key: gnutls_privkey_t

    /// - Parameters:
    ///   - certificates: PEM, the server's own certificate first and those that lead to a root
    ///     behind it.
    ///   - privateKey: PEM without a password.
    /// - Throws: `TLSIdentityError`.
    package init(certificates: [UInt8], privateKey: [UInt8]) throws(TLSIdentityError) {
        let key = unsafe try Self.key(privateKey)
        let chain: [gnutls_x509_crt_t]
        do throws(TLSIdentityError) {
            unsafe chain = try Self.chain(certificates, certifying: key)
        } catch {
            unsafe gnutls_privkey_deinit(key)
            throw error
        }
        defer { unsafe chain.forEach { unsafe gnutls_x509_crt_deinit($0) } }
        var size = unsafe UInt32(chain.count)
        let imported = UnsafeMutablePointer<gnutls_pcert_st>.allocate(capacity: Int(size))
        var list = unsafe chain.map { unsafe Optional($0) }
        guard unsafe gnutls_pcert_import_x509_list(imported, &list, &size, 0) == 0 else {
            unsafe imported.deallocate()
            unsafe gnutls_privkey_deinit(key)
            throw .certificateUnreadable
        }
        unsafe self.chain = imported
        count = size
        unsafe self.key = key
    }

    deinit {
        for index in 0..<Int(count) { unsafe gnutls_pcert_deinit(chain + index) }
        unsafe chain.deallocate()
        unsafe gnutls_privkey_deinit(key)
    }

    private static func key(_ pem: [UInt8]) throws(TLSIdentityError) -> gnutls_privkey_t {
        var made: gnutls_privkey_t?
        guard unsafe gnutls_privkey_init(&made) == 0, let key = unsafe made else {
            throw .keyUnreadable
        }
        let status = unsafe read(pem) { datum in
            unsafe gnutls_privkey_import_x509_raw(key, datum, GNUTLS_X509_FMT_PEM, nil, 0)
        }
        guard status == 0 else {
            unsafe gnutls_privkey_deinit(key)
            throw .keyUnreadable
        }
        return unsafe key
    }

    /// The parsed certificates, the first of which must be the key's; the caller frees them.
    private static func chain(
        _ pem: [UInt8], certifying key: gnutls_privkey_t
    ) throws(TLSIdentityError) -> [gnutls_x509_crt_t] {
        var list: UnsafeMutablePointer<gnutls_x509_crt_t?>?
        var count: UInt32 = 0
        let status = unsafe read(pem) { datum in
            unsafe gnutls_x509_crt_list_import2(&list, &count, datum, GNUTLS_X509_FMT_PEM, 0)
        }
        guard status >= 0, count > 0, let list = unsafe list else { throw .certificateUnreadable }
        defer { unsafe usher_gnutls_free(list) }
        let chain = unsafe (0..<Int(count)).compactMap { unsafe list[$0] }
        guard let first = unsafe chain.first, unsafe isPair(first, key) else {
            unsafe chain.forEach { unsafe gnutls_x509_crt_deinit($0) }
            throw .keyOfAnotherCertificate
        }
        return unsafe chain
    }

    private static func isPair(_ certificate: gnutls_x509_crt_t, _ key: gnutls_privkey_t) -> Bool {
        let certified = unsafe keyID { unsafe gnutls_pubkey_import_x509($0, certificate, 0) }
        let held = unsafe keyID { unsafe gnutls_pubkey_import_privkey($0, key, 0, 0) }
        return certified != nil && certified == held
    }

    /// A digest of the public key that `fill` puts in place.
    private static func keyID(_ fill: (gnutls_pubkey_t) -> Int32) -> [UInt8]? {
        var made: gnutls_pubkey_t?
        guard unsafe gnutls_pubkey_init(&made) == 0, let key = unsafe made else { return nil }
        defer { unsafe gnutls_pubkey_deinit(key) }
        guard unsafe fill(key) == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        var size = bytes.count
        let flags = UInt32(GNUTLS_KEYID_USE_SHA256.rawValue)
        guard unsafe gnutls_pubkey_get_key_id(key, flags, &bytes, &size) == 0 else { return nil }
        return Array(bytes.prefix(size))
    }

    private static func read(
        _ pem: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Int32
    ) -> Int32 {
        var copy = pem
        return unsafe copy.withUnsafeMutableBufferPointer { bytes in
            var datum = unsafe gnutls_datum_t(data: bytes.baseAddress, size: UInt32(bytes.count))
            defer { unsafe gnutls_memset(bytes.baseAddress, 0, bytes.count) }
            return unsafe body(&datum)
        }
    }
}

/// Why a certificate and a key cannot be used together.
package enum TLSIdentityError: String, Error, CaseIterable, Sendable {
    case certificateUnreadable = "tls_certificate_unreadable"
    case keyUnreadable = "tls_key_unreadable"
    case keyOfAnotherCertificate = "tls_key_of_another_certificate"
}

/// What handshakes are answered with from now on.
///
/// libgnutls hands its callback nothing of ours, so this is of the process: all servers with TLS in
/// it share one identity.
enum TLSIdentityInUse {
    private struct State {
        var current: TLSIdentity?
        /// A handshake may still be under way with the one before.
        var previous: [TLSIdentity] = []
    }

    /// Handshakes end within the connection timeout, and nobody replaces certificates so often.
    private static let previousMax = 4
    private static let state = Lock(State())

    static func replace(_ identity: TLSIdentity) {
        state.withLock { state in
            if let current = state.current { state.previous.append(current) }
            if state.previous.count > previousMax { state.previous.removeFirst() }
            state.current = identity
        }
    }

    typealias Retrieve =
        @convention(c) (
            gnutls_session_t?, UnsafePointer<gnutls_datum_t>?, Int32,
            UnsafePointer<gnutls_pk_algorithm_t>?, Int32,
            UnsafeMutablePointer<UnsafeMutablePointer<gnutls_pcert_st>?>?,
            UnsafeMutablePointer<UInt32>?, UnsafeMutablePointer<gnutls_privkey_t?>?
        ) -> Int32

    static let retrieve: Retrieve = { _, _, _, _, _, chain, count, key in
        guard let identity = state.withLock({ $0.current }), let chain = unsafe chain,
            let count = unsafe count, let key = unsafe key
        else { return -1 }
        unsafe chain.pointee = identity.chain
        unsafe count.pointee = identity.count
        unsafe key.pointee = identity.key
        return 0
    }
}
