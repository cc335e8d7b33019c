import Glibc
import Testing
import WebSocket

/// What a client reads: a frame, or the end.
enum Heard: Hashable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// Code and reason.
    case close(UInt16?, String)
    /// The server ended its side.
    case end
    /// The connection was reset.
    case reset
}

struct TimedOut: Error {}

/// The client's end of a socket, speaking raw bytes.
final class TestClient {
    private(set) var descriptor: Int32
    private var pending: [UInt8] = []

    static let patienceMilliseconds: Int32 = 20_000

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { hangUp() }

    /// Two connected Unix sockets.
    static func pair() -> (client: TestClient, server: Int32) {
        var ends: [Int32] = [0, 0]
        let status = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        precondition(status == 0, "no socket pair")
        return (TestClient(descriptor: ends[0]), ends[1])
    }

    /// Two ends of a TCP connection over the loopback, on a port of the kernel's choice.
    static func tcp() -> (client: TestClient, server: Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(unsafe bind(listener, address, length) == 0, "bind")
                precondition(listen(listener, 1) == 0, "listen")
                precondition(unsafe getsockname(listener, address, &length) == 0, "getsockname")
                precondition(unsafe connect(client, address, length) == 0, "connect")
            }
        }
        let server = accept(listener, nil, nil)
        precondition(server >= 0, "accept")
        var one: Int32 = 1
        for end in [client, server] {
            unsafe setsockopt(end, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        }
        return (TestClient(descriptor: client), server)
    }

    // MARK: Sending

    /// False if the connection is gone.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool { sendAll(bytes, to: descriptor) }

    func say(_ text: String) { send(Frame.text(text)) }

    /// Waits until the other end of a Unix pair has read everything.
    func waitUntilRead() {
        var unread: Int32 = 1
        while unread > 0 {
            _ = unsafe ioctl(descriptor, UInt(TIOCOUTQ), &unread)
            sched_yield()
        }
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func hangUp() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Closes with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, size)
        hangUp()
    }

    // MARK: Hearing

    /// The next frame, or the end; waits for it.
    func hear() throws -> Heard {
        while true {
            if let heard = takeFrame() { return heard }
            if let end = try readMore() { return end }
        }
    }

    /// Everything up to the end.
    func hearAll() throws -> [Heard] {
        var all: [Heard] = []
        while true {
            all.append(try hear())
            if all.last == .end || all.last == .reset { return all }
        }
    }

    /// Whether nothing has come, as far as one can tell now.
    var isSilent: Bool {
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&state, 1, 0) == 0 && pending.isEmpty
    }

    private func readMore() throws -> Heard? {
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&state, 1, Self.patienceMilliseconds) > 0 else { throw TimedOut() }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        if count == 0 { return .end }
        if count < 0 { return .reset }
        pending += buffer[..<count]
        return nil
    }

    private func takeFrame() -> Heard? {
        guard pending.count >= 2 else { return nil }
        let short = Int(pending[1] & 0x7f)
        guard pending.count >= (short == 126 ? 4 : short == 127 ? 10 : 2) else { return nil }
        let total = ServerFrame.totalLength(startingWith: pending.span)
        guard pending.count >= total else { return nil }
        let payload = Array(pending[(short == 126 ? 4 : short == 127 ? 10 : 2)..<total])
        let first = pending[0]
        pending.removeFirst(total)
        switch first {
        case 0x81: return .text(String(decoding: payload, as: UTF8.self))
        case 0x82: return .binary(payload)
        case 0x89: return .ping(payload)
        case 0x8a: return .pong(payload)
        case 0x88 where payload.isEmpty: return .close(nil, "")
        case 0x88:
            let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
            return .close(code, String(decoding: payload[2...], as: UTF8.self))
        default:
            Issue.record("a frame that no server of ours sends: \(first)")
            return .reset
        }
    }
}

/// Frames as a client sends them.
enum Frame {
    static func text(_ text: String, isFinal: Bool = true) -> [UInt8] {
        masked(.text, Array(text.utf8), isFinal: isFinal)
    }

    static func more(_ text: String, isFinal: Bool = false) -> [UInt8] {
        masked(.continuation, Array(text.utf8), isFinal: isFinal)
    }

    static func close(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
        masked(.close, [UInt8(code >> 8), UInt8(code & 0xff)] + reason)
    }

    static func masked(
        _ opcode: FrameHeader.Opcode, _ payload: [UInt8], isFinal: Bool = true,
        mask: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]
    ) -> [UInt8] {
        header(opcode, length: payload.count, isFinal: isFinal) + mask
            + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
    }

    /// Without the mask.
    static func header(
        _ opcode: FrameHeader.Opcode, length: Int, isFinal: Bool = true
    ) -> [UInt8] {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode.rawValue]
        if length < 126 {
            bytes.append(0x80 | UInt8(length))
        } else if length < 65_536 {
            bytes += [0xfe, UInt8(length >> 8), UInt8(length & 0xff)]
        } else {
            bytes.append(0xff)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(length >> shift & 0xff))
            }
        }
        return bytes
    }
}
