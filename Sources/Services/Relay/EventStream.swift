internal import Sessions
internal import Signalling
internal import Synchronization
internal import WebSocket

/// A session with what its events cost the service: the one place where they are sent and counted.
///
/// Only the loop of its socket sends, and always from here, so that the client gets the events in
/// the order of their numbers whatever loop they come from.
struct EventStream: Sendable {
    private(set) var session: Session
    private let owner: KeptBytes.Owner
    /// While the client is there, what is kept as `RelayCommons.bytesHeld` was told, in steps.
    private var heldSteps = 0
    private static let heldStep = 16 << 10

    /// Sessions of others that have to give way to this one.
    struct Losers {
        /// Whose clients are away: they have to let go of what is kept for them.
        var away: [ConnectionID] = []
        /// Whose clients are there: they have to forget what they were sent.
        var held: [ConnectionID] = []
    }

    init(_ session: consuming Session, owner: KeptBytes.Owner) {
        self.session = session
        self.owner = owner
    }

    // MARK: Events

    /// Takes an event, `head` and `body` as of `EventHistory.append`, and has it sent.
    ///
    /// - Returns: False if the session has ended or is about to.
    mutating func take(
        _ head: Span<UInt8>, _ body: Span<UInt8>, _ commons: RelayCommons,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> (isTaken: Bool, losers: Losers) {
        switch session.take(head, body, at: loop.monotonicSeconds) {
        case .first(let socket) where SocketID(raw: socket).loop == loop.index:
            pump(&loop)
            return (true, countHeld(commons))
        case .first, .queued:
            nudge(&loop)
            return (true, countHeld(commons))
        case .kept:
            let losers = countAway(commons)
            return (session.isOpen, losers)
        case .overfull:
            uncount(commons)
            nudge(&loop)
            return (false, Losers())
        case .refused: return (false, Losers())
        }
    }

    private mutating func nudge(_ loop: inout some SocketOutput & ~Copyable) {
        if let socket = session.nudge() { loop.nudge(SocketID(raw: socket)) }
    }

    /// Sends all that waits; on the socket's own loop alone.
    mutating func pump(_ loop: inout some SocketOutput & ~Copyable) {
        session.noteCome()
        guard let socket = session.socket else { return }
        while let event = session.history.nextUnsent {
            Self.send(session.history.bytes.span.extracting(event), to: socket, &loop)
            session.markSent()
        }
        session.trim(before: 0)
    }

    private static func send(
        _ event: Span<UInt8>, to socket: UInt64, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let nothing = event.extracting(0..<0)
        loop.send(to: SocketID(raw: socket), head: event, body: nothing, tail: nothing)
    }

    /// Forgets what nobody can ask for any more; `second` is on the loops' clock. What was not
    /// counted while it was sent is counted now.
    mutating func trim(before second: Int64, _ commons: RelayCommons) -> Losers {
        guard second > 0 else { return Losers() }
        session.trim(before: second)
        return countHeld(commons)
    }

    // MARK: Transitions

    mutating func handle(
        _ input: Session.Input, _ commons: RelayCommons
    ) -> (effects: Session.Effects, losers: Losers) {
        let effects = session.handle(input)
        switch session.phase {
        case .attached, .overloaded, .moving:
            if effects.wasAway { _ = commons.bytesAway.set(0, of: owner) }
            // What is unsent is counted again with the next event.
            if case .forgetSent = input { uncountHeld(commons) }
            return (effects, Losers())
        case .away where effects.isDone:
            uncountHeld(commons)
            let losers = countAway(commons)
            // Where there is no room for what it keeps, it need not wait.
            return (session.isAway ? effects : session.handle(.tick(.max)), losers)
        case .away: return (effects, Losers())
        case .doomed, .ended:
            uncount(commons)
            return (effects, Losers())
        }
    }

    /// Ends it here, to go on in another process: nothing is put into it from now on.
    ///
    /// - Returns: What it keeps, and until when its client may come; nil, and nothing is changed,
    ///   where that is not away.
    mutating func give(_ commons: RelayCommons) -> (history: EventHistory, until: Int64)? {
        guard case .away(let until) = session.phase else { return nil }
        let history = session.history
        _ = handle(.end(.lost), commons)
        return (history, until)
    }

    // MARK: Counting

    /// Tells how much is kept while the client is there, where that has changed by a step.
    private mutating func countHeld(_ commons: RelayCommons) -> Losers {
        let steps = session.history.keptBytes / Self.heldStep
        guard steps != heldSteps else { return Losers() }
        heldSteps = steps
        var losers = commons.bytesHeld.set(steps * Self.heldStep, of: owner)
        if let own = losers.firstIndex(of: owner.connection) {
            losers.remove(at: own)
            _ = handle(.forgetSent, commons)
        }
        return Losers(held: losers)
    }

    /// Counts what is kept, if its client is away.
    mutating func countAway(_ commons: RelayCommons) -> Losers {
        // Where the process stops all are away at once; the shelf has a bound of its own.
        guard session.isAway, !commons.isStopping.load(ordering: .relaxed) else { return Losers() }
        var losers = commons.bytesAway.set(session.history.keptBytes, of: owner)
        if let own = losers.firstIndex(of: owner.connection) {
            losers.remove(at: own)
            _ = handle(.letGo, commons)
        }
        return Losers(away: losers)
    }

    private mutating func uncountHeld(_ commons: RelayCommons) {
        guard heldSteps > 0 else { return }
        heldSteps = 0
        _ = commons.bytesHeld.set(0, of: owner)
    }

    private mutating func uncount(_ commons: RelayCommons) {
        uncountHeld(commons)
        _ = commons.bytesAway.set(0, of: owner)
    }
}
