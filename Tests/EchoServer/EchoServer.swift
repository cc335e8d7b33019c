import Cryptography
import Glibc
import HTTPMessages
import HTTPServing
import Identifiers
import SocketLoop
import WebSocket

/// Sends every message back, through the modules that the relay speaks WebSocket with. For
/// conformance suites, so on loopback alone, and with no limits but those of the suite.
@main struct EchoServer {
    private static let messageBytesMax = 16 << 20

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, arguments[1] == "--for-tests", let port = UInt16(arguments[3])
        else { end("usage: echo-server --for-tests ADDRESS PORT (0: the system picks one)") }
        let address = arguments[2]
        guard IPAddress(address)?.isLoopback == true else {
            end("\(address) is no loopback address, and who reaches this may fill its memory")
        }
        signal(SIGPIPE, SIG_IGN)
        let loops = try SocketLoops(count: 2, limits: limits) { _ in EchoHandler() }
        let server = try HTTPServer(HTTPServerConfiguration(address: address, port: port)) {
            outcome($0, loops)
        }
        print("ws://\(address.contains(":") ? "[\(address)]" : address):\(server.port)/")
        fflush(nil)
        while true { pause() }
    }

    private static func end(_ message: String) -> Never {
        let line = Array("echo-server: \(message)\n".utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
        exit(64)
    }

    private static var limits: SocketLimits {
        var limits = SocketLimits()
        limits.messageBytesMax = messageBytesMax
        limits.outboundBytesMax = 4 * messageBytesMax
        limits.messagesPerSecond = 0
        limits.pingIntervalSeconds = 0
        limits.echoesBinary = true
        return limits
    }

    private static func outcome(
        _ request: HTTPRequest, _ loops: SocketLoops<EchoHandler>
    ) -> HTTPOutcome {
        switch WebSocketHandshake.check(request) {
        case .notAnUpgrade: return .response(HTTPResponse(status: 426))
        case .refused(let response): return .response(response)
        case .accepted(let handshake):
            let headers = handshake.responseHeaders(sha1: Digest.sha1, subprotocol: nil)
            return .upgrade(headers: headers) { socket in
                loops.adopt(
                    socket.descriptor, earlyBytes: socket.earlyBytes, admission: (), affinity: nil)
            }
        }
    }
}

struct EchoHandler: SocketHandler {
    typealias Admission = Void
    typealias Note = Never

    private final class Nobody: SocketOwner {
        let clientID: ClientID = ""
        let subject: Subject = ""
    }

    func owner(of admission: Void) -> any SocketOwner { Nobody() }

    mutating func received(
        _ text: Span<UInt8>, from socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        loop.send(to: socket, head: "".utf8.span, body: text, tail: "".utf8.span)
    }

    mutating func opened(
        _ socket: SocketID, _ admission: Void, _ loop: inout some SocketOutput & ~Copyable
    ) {}
    mutating func closed(
        _ socket: SocketID, _ end: SocketEnd, _ loop: inout some SocketOutput & ~Copyable
    ) {}
    mutating func nudged(_ socket: SocketID, _ loop: inout some SocketOutput & ~Copyable) {}
    mutating func told(_ note: Never, _ loop: inout some SocketOutput & ~Copyable) {}
    mutating func ticked(_ loop: inout some SocketOutput & ~Copyable) {}
}
