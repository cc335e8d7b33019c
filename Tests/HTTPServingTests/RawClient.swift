import Bytes
import Glibc
import HTTPMessages
import HTTPServing

/// A client that sends exactly the bytes it is given.
final class RawClient {
    let descriptor: Int32
    private var buffer: [UInt8] = []

    private let server: HTTPServer  // Which stops when nobody holds it.

    /// Connects to the server's port of 127.0.0.1, or of ::1, from that number in 127.0.0.0/24.
    init(_ server: HTTPServer, isIPv6: Bool = false, from number: UInt32 = 1) throws {
        self.server = server
        let port = server.port
        descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)  // So that a failure is no hang.
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if !isIPv6 { Self.bind4(descriptor, to: 0x7F00_0000 | number) }
        let status = isIPv6 ? Self.connect6(descriptor, port) : Self.connect4(descriptor, port)
        guard status == 0 else { throw Failure.notConnected(errno) }
    }

    deinit { Glibc.close(descriptor) }

    enum Failure: Error { case notConnected(Int32), closed, timedOut }

    struct Answer {
        var status = 0
        var headers = HeaderFields()
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                unsafe Glibc.send(
                    descriptor, all.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Resets or ends the connection, as a process that dies does.
    func drop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads one response; the body's length is taken from Content-Length.
    func answer(toHead isHead: Bool = false) throws -> Answer {
        var answer = Answer()
        let head = try read(through: Array("\r\n\r\n".utf8))
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        answer.status = Int(lines[0].split(separator: " ")[1])!
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            answer.headers.add(ByteText(parts[0]), FieldGrammar.trimmed(ByteText(parts[1])))
        }
        let length =
            isHead || answer.status == 101
            ? 0 : Int(answer.headers["Content-Length"]?.string ?? "0")!
        while buffer.count < length { try more() }
        answer.body = Array(buffer.prefix(length))
        buffer.removeFirst(length)
        return answer
    }

    /// Bytes that come, `count` of them.
    func bytes(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try more() }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    /// Whether the server closes the connection without sending anything more.
    func isClosedByServer() -> Bool {
        do { try more() } catch Failure.closed { return buffer.isEmpty } catch { return false }
        return false
    }

    private func read(through end: [UInt8]) throws -> [UInt8] {
        while true {
            if let at = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) {
                defer { buffer.removeFirst(at + end.count) }
                return Array(buffer[..<at])
            }
            try more()
        }
    }

    private func more() throws {
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &piece, piece.count, 0)
        if count == 0 || count < 0 && errno == ECONNRESET { throw Failure.closed }
        guard count > 0 else { throw Failure.timedOut }
        buffer += piece.prefix(count)
    }

    private static func bind4(_ descriptor: Int32, to address: UInt32) {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = address.bigEndian
        _ = unsafe withUnsafeBytes(of: name) { bytes in
            unsafe bind(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count))
        }
    }

    private static func connect4(_ descriptor: Int32, _ port: UInt16) -> Int32 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return connect(descriptor, name)
    }

    private static func connect6(_ descriptor: Int32, _ port: UInt16) -> Int32 {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        name.sin6_addr = in6addr_loopback
        return connect(descriptor, name)
    }

    private static func connect<Name>(_ descriptor: Int32, _ name: Name) -> Int32 {
        unsafe withUnsafeBytes(of: name) { bytes in
            unsafe Glibc.connect(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count))
        }
    }
}

/// Starts a server on a free port of the loopback.
func serve(
    with change: (inout HTTPServerConfiguration) -> Void,
    handler: @escaping @Sendable (HTTPRequest) -> HTTPOutcome = echo
) throws -> HTTPServer {
    var configuration = HTTPServerConfiguration(address: "127.0.0.1", port: 0)
    change(&configuration)
    return try HTTPServer(configuration, handler: handler)
}

/// The same with the default configuration.
func serve(
    _ handler: @escaping @Sendable (HTTPRequest) -> HTTPOutcome = echo
) throws -> HTTPServer {
    try serve(with: { _ in }, handler: handler)
}

extension HTTPResponse {
    static func text(
        _ status: Int, _ text: String, headers: [(ByteText, ByteText)] = []
    ) -> HTTPResponse {
        let type: (ByteText, ByteText) = ("Content-Type", "text/plain; charset=utf-8")
        return HTTPResponse(
            status: status, headers: HeaderFields([type] + headers), body: Array(text.utf8))
    }
}

/// Says in its body what the request was, one thing a line.
@Sendable func echo(_ request: HTTPRequest) -> HTTPOutcome {
    var lines = ["\(request.method) \(request.path) \(request.query ?? "-")"]
    lines += request.headers.fields.map { "\($0.name): \($0.value)" }
    lines.append("body \(request.body.count) \(String(decoding: request.body, as: UTF8.self))")
    return .response(.text(200, lines.joined(separator: "\n")))
}

/// Sends one request on a connection of its own and gives the answer.
func ask(_ server: HTTPServer, _ request: String) throws -> RawClient.Answer {
    try ask(server, Array(request.utf8))
}

func ask(_ server: HTTPServer, _ request: [UInt8]) throws -> RawClient.Answer {
    let client = try RawClient(server)
    client.send(request)
    return try client.answer()
}
