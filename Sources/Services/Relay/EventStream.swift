internal import Signalling
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
    private let owner: KeptBytes.Owner
    /// While the client is there, what is kept as `RelayCommons.bytesHeld` was told, in steps.
    private var heldSteps = 0
    private static let heldStep = 16 << 10

    /// What became of an event.
    struct Taken {
        /// False if the session has ended or is about to.
        let isTaken: Bool
        /// Others who are away and have to let go of what is kept for them.
        var losers: [ConnectionID] = []
        /// Others who are there and have to forget what they were sent.
        var hoarders: [ConnectionID] = []
    }

    init(limits: HistoryLimits, socket: SocketID, owner: KeptBytes.Owner) {
        history = EventHistory(limits: limits)
        self.socket = socket
        self.owner = owner
    }

    private var isOpen: Bool { !hasEnded && request != .replaced && request != .overfull }

    // MARK: Events

    /// Takes an event, `head` and `body` as of `EventHistory.append`, and has it sent.
    mutating func take(
        _ head: Span<UInt8>, _ body: Span<UInt8>, _ commons: RelayCommons,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Taken {
        guard isOpen else { return Taken(isTaken: false) }
        history.append(head, body, at: UInt32(truncatingIfNeeded: loop.monotonicSeconds))
        guard let socket else { return keepAway(commons) }
        if socket.loop == loop.index, history.unsentCount == 1 {
            pump(&loop)
            return Taken(isTaken: true, hoarders: countHeld(commons))
        }
        let bytesMax = commons.configuration.outboundBytesMax
        if bytesMax > 0, history.unsentBytes > bytesMax { overload() }
        nudge(socket, &loop)
        return Taken(isTaken: isOpen, hoarders: countHeld(commons))
    }

    /// Tells how much is kept while the client is there, where that has changed by a step.
    private mutating func countHeld(_ commons: RelayCommons) -> [ConnectionID] {
        let steps = history.keptBytes / Self.heldStep
        guard steps != heldSteps else { return [] }
        heldSteps = steps
        var hoarders = commons.bytesHeld.set(steps * Self.heldStep, of: owner)
        if let own = hoarders.firstIndex(of: owner.connection) {
            hoarders.remove(at: own)
            forgetSent(commons)
        }
        return hoarders
    }

    /// Others hold less, and there is not enough for all: the client is sent what waits, but can't
    /// ask for anything again.
    mutating func forgetSent(_ commons: RelayCommons) {
        guard heldSteps > 0 else { return }
        history.forgetSent()
        // It may have been counted anew since it was found to hold most.
        uncountHeld(commons)
    }

    private mutating func uncountHeld(_ commons: RelayCommons) {
        guard heldSteps > 0 else { return }
        heldSteps = 0
        _ = commons.bytesHeld.set(0, of: owner)
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
    ///
    /// - Returns: As `Taken.hoarders`: what was not counted while it was sent is counted now.
    mutating func forget(before second: Int64, _ commons: RelayCommons) -> [ConnectionID] {
        guard second > 0 else { return [] }
        history.trim(before: UInt32(truncatingIfNeeded: second))
        return countHeld(commons)
    }

    // MARK: Sockets

    /// The socket is gone; events are kept from now on.
    ///
    /// - Returns: As `Taken.losers`.
    mutating func detach(_ commons: RelayCommons) -> [ConnectionID] {
        socket = nil
        isNudged = false
        if request == .overloaded { request = nil }
        uncountHeld(commons)
        return keepAway(commons).losers
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
        _ = commons.bytesAway.set(0, of: owner)
        request = nil
        isNudged = false
        self.socket = socket
        return true
    }

    private mutating func keepAway(_ commons: RelayCommons) -> Taken {
        guard isOpen else { return Taken(isTaken: false) }
        history.trim(before: 0)
        guard !history.isOverfull else {
            drop(commons)
            request = .overfull
            return Taken(isTaken: false)
        }
        var losers = commons.bytesAway.set(history.keptBytes, of: owner)
        if let own = losers.firstIndex(of: owner.connection) {
            losers.remove(at: own)
            history.removeAll()
            request = .overfull
        }
        return Taken(isTaken: isOpen, losers: losers)
    }

    /// Others hold less, and there is not enough for all: unless the client has come back
    /// meanwhile, its session is to end.
    mutating func letGo(_ commons: RelayCommons) {
        guard isOpen, socket == nil else { return }
        drop(commons)
        request = .overfull
    }

    private mutating func drop(_ commons: RelayCommons) {
        _ = commons.bytesAway.set(0, of: owner)
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
        uncountHeld(commons)
        hasEnded = true
    }
}
