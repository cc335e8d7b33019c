import Bytes
import CLibSSL
import Glibc
import HTTPMessages

/// TLS over a socket. OpenSSL reads and writes memory alone: what goes over the socket goes by
/// `TCPSocket`, with its deadline and without signals.
@safe final class TLSSession {
    private static let pieceBytes = 16_384

    private let ssl: OpaquePointer
    /// Both are freed with `ssl`.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private var buffer = [UInt8](repeating: 0, count: TLSSession.pieceBytes)
    /// Whether the socket has ended; in order only if TLS said so before.
    private var hasSocketEnded = false

    init?(_ context: TLSContext, for url: HTTPURL) {
        guard let ssl = unsafe SSL_new(context.pointer) else { return nil }
        unsafe self.ssl = ssl
        let (incoming, outgoing) = unsafe (BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
        guard let incoming = unsafe incoming, let outgoing = unsafe outgoing else {
            unsafe BIO_free(incoming)
            unsafe BIO_free(outgoing)
            unsafe SSL_free(ssl)
            return nil
        }
        unsafe self.incoming = incoming
        unsafe self.outgoing = outgoing
        unsafe SSL_set_bio(ssl, incoming, outgoing)
        unsafe SSL_set_connect_state(ssl)
        guard name(url) else { return nil }
    }

    deinit { unsafe SSL_free(ssl) }

    /// Whom the certificate must name, and for a name whom the server is told.
    private func name(_ url: HTTPURL) -> Bool {
        let host = url.host.description
        guard !url.origin.isAddress else {
            return unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1
        }
        unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return unsafe SSL_set1_host(ssl, host) == 1 && usherServerName(ssl, host) == 1
    }

    func shakeHands(_ socket: borrowing TCPSocket, deadline: Deadline) throws(TransportFault) {
        while true {
            ERR_clear_error()
            let status = unsafe SSL_do_handshake(ssl)
            if status == 1 { return _ = try flush(socket, deadline) }
            guard unsafe SSL_get_error(ssl, status) == SSL_ERROR_WANT_READ else {
                let fault = failure()
                // The alert that tells the other side why.
                _ = try? flush(socket, deadline)
                throw fault
            }
            _ = try flush(socket, deadline)
            try fill(socket, deadline)
        }
    }

    /// - Returns: How many bytes went over the socket.
    func send(
        _ bytes: ArraySlice<UInt8>, _ socket: borrowing TCPSocket, deadline: Deadline
    ) throws(TransportFault) -> Int {
        ERR_clear_error()
        var taken = 0
        let status = unsafe bytes.withUnsafeBytes {
            unsafe SSL_write_ex(ssl, $0.baseAddress, $0.count, &taken)
        }
        guard status == 1 else { throw failure() }
        return try flush(socket, deadline)
    }

    /// - Returns: Some bytes; none where the other side has ended the connection in order.
    func receive(
        _ socket: borrowing TCPSocket, deadline: Deadline
    ) throws(TransportFault) -> [UInt8] {
        while true {
            if let bytes = try read() { return bytes }
            _ = try flush(socket, deadline)
            try fill(socket, deadline)
        }
    }

    /// Whether nothing has come that has to do with answers, and the connection stands.
    func isQuiet(_ socket: borrowing TCPSocket) -> Bool {
        do throws(TransportFault) {
            // Session tickets are read here; nobody sends many.
            for _ in 0..<8 {
                guard try read() == nil else { return false }
                guard let count = try socket.receiveNow(into: &buffer) else { return true }
                guard count > 0 else { return false }
                put(count)
            }
        } catch {}
        return false
    }

    /// What is there already; nil where more has to come first.
    private func read() throws(TransportFault) -> [UInt8]? {
        ERR_clear_error()
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { out, filled in
            failed = unsafe SSL_read_ex(ssl, out.baseAddress, out.count, &filled) != 1
            if failed { filled = 0 }
        }
        guard failed else { return bytes }
        switch unsafe SSL_get_error(ssl, 0) {
        case SSL_ERROR_WANT_READ: return nil
        case SSL_ERROR_ZERO_RETURN: return []
        default: throw failure()
        }
    }

    private func fill(_ socket: borrowing TCPSocket, _ deadline: Deadline) throws(TransportFault) {
        let count = try socket.receive(into: &buffer, deadline: deadline)
        guard count > 0 else {
            hasSocketEnded = true
            return unsafe usherEmptyReads(incoming, 0)
        }
        put(count)
    }

    private func put(_ count: Int) {
        let taken = unsafe BIO_write(incoming, buffer, Int32(count))
        precondition(taken == count, "no memory for what came over a connection")
    }

    /// Sends what OpenSSL has written.
    private func flush(
        _ socket: borrowing TCPSocket, _ deadline: Deadline
    ) throws(TransportFault) -> Int {
        let waiting = unsafe BIO_ctrl_pending(outgoing)
        guard waiting > 0 else { return 0 }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: waiting) { out, filled in
            filled = max(0, Int(unsafe BIO_read(outgoing, out.baseAddress, Int32(out.count))))
        }
        var sent = 0
        while sent < bytes.count { sent += try socket.send(bytes[sent...], deadline: deadline) }
        return sent
    }

    private func failure() -> TransportFault {
        let verdict = unsafe SSL_get_verify_result(ssl)
        if verdict != Int(X509_V_OK) {
            return .certificate(
                unsafe X509_verify_cert_error_string(verdict).map { unsafe String(cString: $0) }
                    ?? "error \(verdict)")
        }
        guard !hasSocketEnded else { return .ended }
        let reason = unsafe ERR_reason_error_string(ERR_peek_error())
        return .tls(unsafe reason.map { unsafe String(cString: $0) } ?? "it broke off")
    }
}
