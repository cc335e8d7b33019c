import Glibc

/// A connection to one origin, plain or with TLS, for one request at a time.
final class Connection {
    private static let pieceBytes = 16_384

    private let socket: TCPSocket
    private let tls: TLSSession?
    private var buffer: [UInt8] = []
    /// Whether any byte of the request at hand has left.
    private(set) var hasSent = false

    init(_ socket: consuming TCPSocket, tls: TLSSession?) {
        self.socket = socket
        self.tls = tls
        if tls == nil { buffer = [UInt8](repeating: 0, count: Self.pieceBytes) }
    }

    func shakeHands(deadline: Deadline) throws(TransportFault) {
        try tls?.shakeHands(socket, deadline: deadline)
    }

    func send(_ bytes: [UInt8], deadline: Deadline) throws(TransportFault) {
        hasSent = false
        var at = 0
        while at < bytes.count {
            if let tls {
                let piece = bytes[at..<min(at + Self.pieceBytes, bytes.count)]
                // Some of it may have left where the rest fails.
                hasSent = true
                _ = try tls.send(piece, socket, deadline: deadline)
                at += piece.count
            } else {
                at += try socket.send(bytes[at...], deadline: deadline)
                hasSent = true
            }
        }
    }

    /// - Returns: Some bytes; none where the other side has ended the connection in order.
    func receive(deadline: Deadline) throws(TransportFault) -> [UInt8] {
        if let tls { return try tls.receive(socket, deadline: deadline) }
        let count = try socket.receive(into: &buffer, deadline: deadline)
        return Array(buffer[..<count])
    }

    /// Whether a request can be sent: the other side has neither ended it nor said anything.
    var isQuiet: Bool {
        if let tls { return tls.isQuiet(socket) }
        do throws(TransportFault) { return try socket.receiveNow(into: &buffer) == nil } catch {
            return false
        }
    }
}
