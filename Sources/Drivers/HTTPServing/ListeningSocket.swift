import CMicrohttpd
import Glibc
import HTTPMessages

/// A bound, listening TCP socket: made here and not by libmicrohttpd, which keeps to itself why a
/// bind failed. Closed by `deinit` unless somebody has taken it.
struct ListeningSocket: ~Copyable {
    let descriptor: Int32
    /// The port it is bound to, which the kernel has chosen where 0 was asked for.
    let port: UInt16

    private init(owning descriptor: Int32, port: UInt16) {
        self.descriptor = descriptor
        self.port = port
    }

    deinit { close(descriptor) }

    /// Gives the descriptor away: the caller closes it.
    consuming func take() -> Int32 {
        let taken = descriptor
        discard self
        return taken
    }

    static func open(
        _ configuration: HTTPServerConfiguration
    ) throws(HTTPServerError) -> ListeningSocket {
        let (text, port) = (configuration.address, configuration.port)
        guard let address = IPAddress(text) else { throw .invalidAddress(text) }
        let isIPv4 = !text.utf8.contains(UInt8(ascii: ":"))
        let type =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(isIPv4 ? AF_INET : AF_INET6, type, 0)
        guard descriptor >= 0 else { throw error("socket", errno, text, port) }
        let opened = ListeningSocket(owning: descriptor, port: 0)
        // A restart may find old connections in TIME_WAIT; two servers still cannot share a port.
        setOption(descriptor, SOL_SOCKET, SO_REUSEADDR)
        if !isIPv4 { setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        guard SocketAddress.bind(descriptor, address, isIPv4: isIPv4, port: port) == 0 else {
            throw error("bind", errno, text, port)
        }
        guard listen(descriptor, Int32(clamping: configuration.backlog)) == 0 else {
            throw error("listen", errno, text, port)
        }
        guard let bound = SocketAddress.port(of: descriptor) else {
            throw error("getsockname", errno, text, port)
        }
        return ListeningSocket(owning: opened.take(), port: bound)
    }

    private static func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32) {
        var one: Int32 = 1
        _ = unsafe setsockopt(descriptor, level, name, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func error(
        _ call: String, _ errno: Int32, _ address: String, _ port: UInt16
    ) -> HTTPServerError {
        switch errno {
        case EADDRINUSE: .addressInUse(address: address, port: port)
        case EADDRNOTAVAIL, EAFNOSUPPORT: .addressNotAvailable(address: address)
        case EACCES, EPERM: .notPermitted(address: address, port: port)
        default: .system(call: call, errno: errno, address: address, port: port)
        }
    }
}
