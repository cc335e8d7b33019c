import CLibSSL
import Glibc
import Locking
import Threads

/// A server on loopback that does with each connection what its script says, and then closes it.
package final class ScriptedServer: Sendable {
    package typealias Script = @Sendable (Peer) -> Void

    package struct Failure: Error { package let errorNumber: Int32 }

    package let port: UInt16
    private let listener: Int32
    private let accepted = Lock(0)

    /// How many connections have come.
    package var connections: Int { accepted.withLock { $0 } }

    /// - Parameters:
    ///   - identity: What TLS is spoken with; without it the connections are plain.
    ///   - script: Run on a thread of its own for every connection.
    /// - Throws: Where there is no port or no thread for it.
    package init(_ identity: ServerIdentity? = nil, _ script: @escaping Script) throws {
        (listener, port) = try Self.listen(backlog: 64)
        let listener = listener
        let thread = try OwnThread(named: "test-server") { [weak self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { break }
                guard let self else {
                    close(descriptor)
                    break
                }
                converse(descriptor, identity, script)
            }
            close(listener)
        }
        thread.detach()
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private func converse(
        _ descriptor: Int32, _ identity: ServerIdentity?, _ script: @escaping Script
    ) {
        let number = accepted.withLock { accepted in
            accepted += 1
            return accepted
        }
        let thread = try? OwnThread(named: "test-peer") {
            if let peer = Peer(descriptor, number: number, identity) { script(peer) }
        }
        thread?.detach()
    }

    /// One that nobody has, and that is given to nobody else here. It is below those that the
    /// system takes for connections, or one of these may have it when a server that was stopped
    /// starts again.
    package static func freePort() -> UInt16 {
        while true {
            let number = given.withLock { given in
                given &+= 1
                return given
            }
            let port = UInt16(12_000 + number % 20_000)
            if let (listener, _) = try? listen(backlog: 1, on: port) {
                close(listener)
                return port
            }
        }
    }

    private static let given = Lock(UInt32(bitPattern: getpid()) &* 64)

    package static func listen(
        backlog: Int32, on port: UInt16 = 0
    ) throws -> (listener: Int32, port: UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(listener, address, size) == 0 && Glibc.listen(listener, backlog) == 0
                    && getsockname(listener, address, &size) == 0
            }
        }
        guard isBound else {
            let failure = Failure(errorNumber: errno)
            close(listener)
            throw failure
        }
        return (listener, UInt16(bigEndian: address.sin_port))
    }
}

/// The server's end of a connection. Reads give up after twenty seconds, so that a failure is no
/// hang.
@safe package final class Peer {
    /// 1 for the first connection of the server.
    package let number: Int
    private let descriptor: Int32
    private let ssl: OpaquePointer?

    /// nil, with the connection closed, where no TLS comes about.
    init?(_ descriptor: Int32, number: Int, _ identity: ServerIdentity?) {
        self.number = number
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        guard let identity else {
            unsafe ssl = nil
            return
        }
        unsafe ssl = SSL_new(identity.context)
        unsafe SSL_set_fd(ssl, descriptor)
        if unsafe SSL_accept(ssl) != 1 { return nil }
    }

    deinit {
        unsafe SSL_free(ssl)
        close(descriptor)
    }

    /// The name that the client asked for in its handshake.
    package var serverName: String? {
        unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map {
            unsafe String(cString: $0)
        }
    }

    /// - Returns: Whether all of it went out.
    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var at = 0
        while at < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: all[at...])
                if let ssl = unsafe ssl {
                    return unsafe Int(SSL_write(ssl, rest.baseAddress, Int32(rest.count)))
                }
                return unsafe Glibc.send(
                    descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            at += count
        }
        return true
    }

    /// Sends it again and again until the client has had enough.
    package func sendForever(_ text: String, everyMilliseconds pause: UInt32 = 0) {
        while send(text) { if pause > 0 { usleep(pause * 1000) } }
    }

    private func byte() -> UInt8? {
        var byte: UInt8 = 0
        let count =
            if let ssl = unsafe ssl { Int(unsafe SSL_read(ssl, &byte, 1)) } else {
                unsafe read(descriptor, &byte, 1)
            }
        return count == 1 ? byte : nil
    }

    /// Reads one line; nil where the client ends before.
    package func line() -> String? {
        var bytes: [UInt8] = []
        while let next = byte() {
            if next == 0x0A { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(next)
        }
        return nil
    }

    /// Reads one request, with a body as long as it says.
    package func request() -> String? {
        var bytes: [UInt8] = []
        while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard let next = byte() else { return nil }
            bytes.append(next)
        }
        let head = String(decoding: bytes, as: UTF8.self)
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst("Content-Length: ".count)) }
        for _ in 0..<(length ?? 0) {
            guard let next = byte() else { return nil }
            bytes.append(next)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits until the client ends the connection.
    package func untilEnd() { while byte() != nil {} }

    /// Ends what is sent, in order: with TLS by its own message first.
    package func finish() {
        if let ssl = unsafe ssl { unsafe SSL_shutdown(ssl) }
        cut()
    }

    /// Ends the connection below TLS.
    package func cut() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Has the connection end with a reset.
    package func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
}
