import Glibc

/// Why the loops could not be started. Nothing is left running or open.
package enum SocketLoopError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kernel refused a descriptor; `number` is the `errno`.
    case descriptor(number: Int32)
    /// The kernel refused a thread.
    case thread(number: Int32)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .descriptor: "socket_loop_descriptor"
        case .thread: "socket_loop_thread"
        }
    }

    package var description: String {
        switch self {
        case .descriptor(EMFILE), .descriptor(ENFILE):
            "no file descriptor left for a socket loop: raise the limit (ulimit -n)"
        case .descriptor(let number):
            "the kernel refused a descriptor for a socket loop (errno \(number))"
        case .thread(let number):
            "the kernel refused a thread for a socket loop (errno \(number)): "
                + "raise the limit on processes (ulimit -u) or ask for fewer loops"
        }
    }
}
