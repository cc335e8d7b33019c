import Dispatch
import Glibc
import Locking

/// Notices when the peer of an upgraded TLS connection is gone.
///
/// libmicrohttpd pumps such a connection through a pair of sockets, and when its TCP connection
/// breaks off without TLS's own goodbye, it tells the other end nothing. So the TCP sockets are
/// looked at four times a second, all in one call, and the pair of one that has ended is shut down,
/// a look later, when libmicrohttpd has passed on what came before the end.
final class HangupWatch: Sendable {
    static let shared = HangupWatch()

    private struct Watched {
        let connection: Int32
        var hasEnded = false
    }

    private struct State {
        /// By our end of the pair.
        var sockets: [Int32: Watched] = [:]
        /// Whether another look is due.
        var isLooking = false
    }

    private static let intervalMilliseconds = 250
    /// `POLLRDHUP` of poll(2), which the importer does not see.
    private static let ended: Int16 = 0x2000
    private let state = Lock(State())
    private let queue = DispatchQueue(label: "usher-hangups")

    /// - Parameters:
    ///   - pair: libmicrohttpd's descriptor of our end. Both are its own, and good until `forget`.
    ///   - connection: The TCP connection.
    func watch(pair: Int32, connection: Int32) {
        let isFirst = state.withLock { state in
            state.sockets[pair] = Watched(connection: connection)
            defer { state.isLooking = true }
            return !state.isLooking
        }
        if isFirst { lookLater() }
    }

    /// To be called before libmicrohttpd closes the descriptors.
    func forget(pair: Int32) { state.withLock { $0.sockets[pair] = nil } }

    private func lookLater() {
        let interval = DispatchTimeInterval.milliseconds(Self.intervalMilliseconds)
        queue.asyncAfter(deadline: .now() + interval) { [self] in
            let goesOn = state.withLock { state in
                Self.look(at: &state.sockets)
                state.isLooking = !state.sockets.isEmpty
                return state.isLooking
            }
            if goesOn { lookLater() }
        }
    }

    private static func look(at sockets: inout [Int32: Watched]) {
        let pairs = Array(sockets.keys)
        var looks = pairs.map { pair in
            pollfd(fd: sockets[pair]?.connection ?? -1, events: ended, revents: 0)
        }
        guard unsafe poll(&looks, nfds_t(looks.count), 0) > 0 else { return }
        for (pair, look) in zip(pairs, looks) where look.revents != 0 {
            if sockets[pair]?.hasEnded == true {
                shutdown(pair, Int32(SHUT_RDWR))
            } else {
                sockets[pair]?.hasEnded = true
            }
        }
    }
}
