internal import Signalling
internal import Synchronization
internal import WebSocket

/// What is on its way to one v1 client: the events of its session, and the socket they go to.
///
/// Only the loop of that socket sends, and always from here, so that the client gets the events in
/// the order of their numbers whatever loop they come from.
struct EventStream: Sendable {
    /// Why the session must end or lose its socket, asked for by others than its own loop.
    enum EndRequest: Sendable {
        /// Another connection of the same peer took its place.
        case replaced
        /// The client reads too slowly; what it missed is kept.
        case overloaded
        /// As before, or it was away for too many events: what it missed is not kept.
        case overfull
    }

    private(set) var history: EventHistory
    /// Where events go; nil while the client is away.
    private(set) var socket: SocketID?
    /// The socket's loop was asked to send what waits, and has not come to it since.
    private var isNudged = false
    private(set) var request: EndRequest?
    private var hasEnded = false
    /// Of its bytes, what counts against all that is kept for clients who are away.
    private var bytesAway = 0

    init(limits: HistoryLimits, socket: SocketID) {
        history = EventHistory(limits: limits)
        self.socket = socket
    }

    private var isOpen: Bool { !hasEnded && request != .replaced && request != .overfull }

    // MARK: Events

    /// Takes an event, `head` and `body` as of `EventHistory.append`, and has it sent.
    ///
    /// - Returns: False if it was not taken, since the session has ended or is about to.
    mutating func take(
        _ head: Span<UInt8>, _ body: Span<UInt8>, _ commons: RelayCommons,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        guard isOpen else { return false }
        history.append(head, body, at: UInt32(truncatingIfNeeded: loop.monotonicSeconds))
        guard let socket else { return keepAway(commons) }
        if socket.loop == loop.index, history.unsentCount == 1 {
            pump(&loop)
            return true
        }
        let bytesMax = commons.configuration.outboundBytesMax
        if bytesMax > 0, history.unsentBytes > bytesMax { overload() }
        nudge(socket, &loop)
        return isOpen
    }

    private mutating func overload() {
        if history.isOverfull {
            history.removeAll()
            request = .overfull
        } else if request == nil {
            request = .overloaded
        }
    }

    private mutating func nudge(
        _ socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard !isNudged else { return }
        isNudged = true
        loop.nudge(socket)
    }

    /// Sends all that waits; on the socket's own loop alone.
    mutating func pump(_ loop: inout some SocketOutput & ~Copyable) {
        guard let socket, !hasEnded else { return }
        isNudged = false
        while let event = history.nextUnsent {
            Self.send(history.bytes.span.extracting(event), to: socket, &loop)
            history.markSent()
        }
        history.trim(before: 0)
    }

    private static func send(
        _ event: Span<UInt8>, to socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let nothing = event.extracting(0..<0)
        loop.send(to: socket, head: event, body: nothing, tail: nothing)
    }

    /// Forgets what nobody can ask for any more; `second` is on the loops' clock.
    mutating func forget(before second: Int64) {
        guard second > 0 else { return }
        history.trim(before: UInt32(truncatingIfNeeded: second))
    }

    // MARK: Sockets

    /// The socket is gone; events are kept from now on.
    mutating func detach(_ commons: RelayCommons) {
        socket = nil
        isNudged = false
        if request == .overloaded { request = nil }
        _ = keepAway(commons)
    }

    /// The connection moves between loops, where it takes its socket off for a moment.
    mutating func lift() { socket = nil }

    mutating func land(_ socket: SocketID, _ loop: inout some SocketOutput & ~Copyable) {
        self.socket = socket
        pump(&loop)
    }

    /// Sends from event `seq + 1` on to another socket.
    ///
    /// - Returns: False, and nothing is changed, if that can't be done exactly.
    mutating func reattach(_ socket: SocketID, after seq: UInt64, _ commons: RelayCommons) -> Bool {
        guard isOpen, history.rewind(to: seq) else { return false }
        commons.bytesAway.subtract(bytesAway, ordering: .relaxed)
        bytesAway = 0
        request = nil
        isNudged = false
        self.socket = socket
        return true
    }

    private mutating func keepAway(_ commons: RelayCommons) -> Bool {
        guard isOpen else { return false }
        history.trim(before: 0)
        let bytes = history.keptBytes
        let all = commons.bytesAway.add(bytes - bytesAway, ordering: .relaxed).newValue
        bytesAway = bytes
        let allMax = commons.configuration.detachedBytesMax
        guard history.isOverfull || (allMax > 0 && all > allMax) else { return true }
        drop(commons)
        request = .overfull
        return false
    }

    private mutating func drop(_ commons: RelayCommons) {
        commons.bytesAway.subtract(bytesAway, ordering: .relaxed)
        bytesAway = 0
        history.removeAll()
    }

    // MARK: Ending

    /// Another connection of the same peer took its place: it gets no more events.
    mutating func replace(_ loop: inout some SocketOutput & ~Copyable) {
        guard !hasEnded else { return }
        request = .replaced
        if let socket { nudge(socket, &loop) }
    }

    mutating func end(_ commons: RelayCommons) {
        drop(commons)
        hasEnded = true
    }
}
