/// Why a server could not start. `description` says what to do.
package enum HTTPServerError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidAddress(String)
    case addressInUse(address: String, port: UInt16)
    case addressNotAvailable(address: String)
    case notPermitted(address: String, port: UInt16)
    /// The system refused something else; `call` names it.
    case system(call: String, errno: Int32, address: String, port: UInt16)
    /// libmicrohttpd would not start: threads or descriptors are short.
    case notStarted(address: String, port: UInt16)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .invalidAddress: "listen_invalid_address"
        case .addressInUse: "listen_address_in_use"
        case .addressNotAvailable: "listen_address_not_available"
        case .notPermitted: "listen_not_permitted"
        case .system: "listen_system_error"
        case .notStarted: "listen_not_started"
        }
    }

    package var description: String {
        switch self {
        case .invalidAddress(let address):
            "\(address) is no IP address: give an IPv4 or IPv6 literal such as 127.0.0.1 or ::1"
        case .addressInUse(let address, let port):
            "\(Self.place(address, port)) is in use: stop the other program, or choose another "
                + "port (0 picks a free one)"
        case .addressNotAvailable(let address):
            "\(address) is no address of this machine: choose one that `ip address` shows"
        case .notPermitted(let address, let port):
            "not permitted to listen on \(Self.place(address, port)): ports under 1024 need "
                + "CAP_NET_BIND_SERVICE; choose a higher one"
        case .system(let call, let errno, let address, let port):
            "\(call) failed for \(Self.place(address, port)) with error \(errno)"
        case .notStarted(let address, let port):
            "the HTTP service did not start on \(Self.place(address, port)): check the limits on "
                + "threads and open files (ulimit -u, ulimit -n)"
        }
    }

    private static func place(_ address: String, _ port: UInt16) -> String {
        address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
