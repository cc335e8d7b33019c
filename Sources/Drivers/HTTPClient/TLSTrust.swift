import CLibSSL
import Files
import Glibc
import Locking

/// Whose certificates are trusted, read when first needed; any number of clients can share it.
package final class TLSTrust: Sendable {
    private let pemFile: String?
    private let loaded = Lock<TLSContext?>(nil)

    /// - Parameter pemFile: A file with the certificates of authorities, which are trusted alone;
    ///   without it, those that OpenSSL finds in its usual place.
    package init(pemFile: String? = nil) { self.pemFile = pemFile }

    /// Reads the certificates now, so that what is wrong with them shows before a request.
    package func load() throws(HTTPClientError) { _ = try context() }

    func context() throws(HTTPClientError) -> TLSContext {
        try loaded.withLock { loaded throws(HTTPClientError) -> TLSContext in
            if let loaded { return loaded }
            guard let made = TLSContext() else { throw .tlsUnavailable }
            if let pemFile {
                try Self.checkReadable(pemFile)
                guard unsafe SSL_CTX_load_verify_file(made.pointer, pemFile) == 1 else {
                    throw .trustWithoutCertificate(path: pemFile)
                }
            } else {
                guard unsafe SSL_CTX_set_default_verify_paths(made.pointer) == 1 else {
                    throw .tlsUnavailable
                }
            }
            loaded = made
            return made
        }
    }

    private static func checkReadable(_ path: String) throws(HTTPClientError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .trustUnreadable(path: path, FileFailure(errorNumber: errno))
        }
        close(descriptor)
    }
}

/// TLS 1.2 or later, with a certificate that is verified.
///
/// `@unchecked Sendable`: an `SSL_CTX` counts its references atomically, and once it is set up,
/// which is before anybody else sees it, it is only read (openssl-threads(7)).
@safe final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer

    init?() {
        guard let made = unsafe SSL_CTX_new(TLS_client_method()) else { return nil }
        unsafe pointer = made
        unsafe SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nil)
        unsafe SSL_CTX_set_options(made, usherNoRenegotiation)
        unsafe usherNoSessionCache(made)
        guard unsafe usherMinProtocol(made, TLS1_2_VERSION) == 1 else { return nil }
    }

    deinit { unsafe SSL_CTX_free(pointer) }
}
