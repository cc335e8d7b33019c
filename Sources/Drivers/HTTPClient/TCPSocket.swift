import CEpoll
import Glibc

/// A connected TCP socket, non-blocking, that raises no signal. Closed by `deinit`.
struct TCPSocket: ~Copyable {
    /// For one address where there is no deadline, or a late one.
    private static let connectMost = Duration.seconds(10)

    private let descriptor: Int32

    private init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Tries all addresses in order. Each may take its share of the time, so that one from which
    /// nothing ever comes does not use up that of the others.
    static func connect(
        to addresses: [PeerAddress], deadline: Deadline
    ) throws(TransportFault) -> TCPSocket {
        var fault = TransportFault.failed(EADDRNOTAVAIL)
        for (index, address) in addresses.enumerated() {
            let left = addresses.count - index
            do throws(TransportFault) {
                return try connect(
                    to: address, deadline: deadline.share(of: left, atMost: connectMost))
            } catch {
                fault = error
            }
            if deadline.isPast { throw .timedOut }
        }
        throw fault
    }

    private static func connect(
        to address: PeerAddress, deadline: Deadline
    ) throws(TransportFault) -> TCPSocket {
        let type =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.family, type, 0)
        guard descriptor >= 0 else { throw .failed(errno) }
        let opened = TCPSocket(owning: descriptor)
        // A request is written whole: nothing that follows is worth waiting for.
        opened.set(Int32(IPPROTO_TCP), TCP_NODELAY)
        if address.connect(descriptor) != 0 {
            guard errno == EINPROGRESS || errno == EINTR else { throw .failed(errno) }
            try deadline.wait(for: Int32(POLLOUT), on: descriptor)
            let number = opened.pendingError
            guard number == 0 else { throw .failed(number) }
        }
        return opened
    }

    private func set(_ level: Int32, _ name: Int32) {
        var one: Int32 = 1
        _ = unsafe setsockopt(descriptor, level, name, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private var pendingError: Int32 {
        var number: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let status = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
        return status == 0 ? number : errno
    }

    /// Waits until the kernel takes some of it.
    ///
    /// - Returns: How many bytes it took.
    func send(_ bytes: ArraySlice<UInt8>, deadline: Deadline) throws(TransportFault) -> Int {
        while true {
            if deadline.isPast { throw .timedOut }
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: try deadline.wait(for: Int32(POLLOUT), on: descriptor)
            default: throw .failed(errno)
            }
        }
    }

    /// Waits for bytes.
    ///
    /// - Returns: How many came; 0 when the other side has ended the connection.
    func receive(
        into buffer: inout [UInt8], deadline: Deadline
    ) throws(TransportFault) -> Int {
        while true {
            // Also where bytes are there: an endless answer ends.
            if deadline.isPast { throw .timedOut }
            if let count = try receiveNow(into: &buffer) { return count }
            try deadline.wait(for: Int32(POLLIN), on: descriptor)
        }
    }

    /// The same without waiting; nil where nothing is there.
    func receiveNow(into buffer: inout [UInt8]) throws(TransportFault) -> Int? {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw .failed(errno)
            }
        }
    }
}
