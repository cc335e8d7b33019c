import Foundation
import Glibc
import Locking

/// A server on loopback that answers each connection with the very bytes it was told, in pieces,
/// and counts what it was asked. Ends with `stop()`.
final class HTTPSource: Sendable {
    /// What to write, and how long to wait before it, in milliseconds.
    struct Piece: Sendable {
        var bytes: [UInt8]
        var waitMilliseconds: UInt32 = 0
    }

    private struct State {
        var pieces: [Piece] = []
        var requests: [String] = []
        var isStopped = false
    }

    let port: UInt16
    private let listener: Int32
    private let state = Lock(State())

    var url: String { "http://127.0.0.1:\(port)/jwks.json" }
    /// The requests so far, heads and all.
    var requests: [String] { state.withLock { $0.requests } }

    init() throws {
        signal(SIGPIPE, SIG_IGN)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(listener, address, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isBound else { throw Failure(errorNumber: errno) }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in serve() }
    }

    struct Failure: Error { let errorNumber: Int32 }

    func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        if isFirst { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    func answer(pieces: [Piece]) { state.withLock { $0.pieces = pieces } }

    func answer(
        status: String = "200 OK", type: String? = "application/jwk-set+json",
        headers: [String] = [], waitMilliseconds: UInt32 = 0, _ body: [UInt8]
    ) {
        var head = "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\n"
        if let type { head += "Content-Type: \(type)\r\n" }
        for header in headers { head += header + "\r\n" }
        let bytes = Array((head + "Connection: close\r\n\r\n").utf8) + body
        answer(pieces: [Piece(bytes: bytes, waitMilliseconds: waitMilliseconds)])
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            Thread.detachNewThread { [self] in
                converse(connection)
                close(connection)
            }
        }
        close(listener)
    }

    private func converse(_ connection: Int32) {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            var byte: UInt8 = 0
            guard unsafe read(connection, &byte, 1) == 1 else { return }
            head.append(byte)
        }
        let pieces = state.withLock { state in
            state.requests.append(String(decoding: head, as: UTF8.self))
            return state.pieces
        }
        for piece in pieces {
            if piece.waitMilliseconds > 0 { usleep(piece.waitMilliseconds * 1000) }
            var rest = piece.bytes[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { bytes in
                    unsafe write(connection, bytes.baseAddress, bytes.count)
                }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
        shutdown(connection, Int32(SHUT_WR))
        var byte: UInt8 = 0
        while unsafe read(connection, &byte, 1) > 0 {}
    }
}
