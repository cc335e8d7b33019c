package import Signalling

/// One v1 session: where its client is, and what it is told. A value; time and sockets are given.
///
/// A session survives its sockets. All that befalls it is an `Input`; what has to be done about
/// that outside is in the `Effects`. Two inputs come too often to be made into values: `take`, an
/// event for the client, and `markSent`.
package struct Session: Sendable {
    /// Where the client is; sockets are numbers that are never used again.
    package enum Phase: Equatable, Sendable {
        case attached(to: UInt64)
        /// As before, but its client reads too slowly. The socket is to end, the session is not.
        case overloaded(UInt64)
        /// Its socket is on the way to another loop.
        case moving
        /// The client may come back until then, in seconds on the loops' clock.
        case away(until: Int64)
        /// It gets no more events, and ends as soon as the loop comes to it which has its socket
        /// or, where it has none, keeps it.
        case doomed(LeaveReason, socket: UInt64?)
        case ended
    }

    package enum Input: Equatable, Sendable {
        /// This socket is gone, or on its way out. Without `until` the session can't wait.
        case lost(UInt64, until: Int64?)
        /// The same, and the session is over.
        case closed(UInt64, LeaveReason)
        /// It is over wherever it is.
        case end(LeaveReason)
        /// It is over if its client is away.
        case endAway(LeaveReason)
        /// Its socket leaves a loop, and arrives at another or nowhere.
        case lift(UInt64)
        case land(UInt64)
        case strand
        /// Another socket takes over and wants all events after this one.
        case resume(UInt64, after: UInt64)
        /// Another connection of the same peer took its place.
        case replace
        /// There is not enough memory for all that clients who are away may ask for.
        case letGo
        /// The same of those who are there.
        case forgetSent
        /// So many seconds on the loops' clock have passed.
        case tick(Int64)
    }

    package struct Effects: Equatable, Sendable {
        /// It is over: it leaves its rooms for this reason, and nobody can resume it.
        package var finished: LeaveReason?
        /// A socket that is its own no more, and has to end.
        package var close: UInt64?
        /// The loop of this socket has to come to it.
        package var nudge: UInt64?
        /// The client was away, and is no more.
        package var wasAway = false
        /// Whether anything came of the input.
        package var isDone = true

        package static let none = Effects(isDone: false)
    }

    /// What became of an event.
    package enum Taken: Equatable, Sendable {
        /// The session has ended or is about to.
        case refused
        /// So is it from now on, since too much waits.
        case overfull
        /// It is kept for a client that is not there.
        case kept
        /// It alone waits for this socket, whose loop may send it at once.
        case first(UInt64)
        /// It waits behind others for this socket.
        case queued(UInt64)
    }

    package private(set) var phase: Phase
    package private(set) var history: EventHistory
    /// What may wait for a client that is there; 0 means no limit.
    private let outboundBytesMax: Int
    /// The socket's loop was asked to come, and has not come since.
    private var isNudged = false

    package init(attachedTo socket: UInt64, limits: HistoryLimits, outboundBytesMax: Int) {
        phase = .attached(to: socket)
        history = EventHistory(limits: limits)
        self.outboundBytesMax = outboundBytesMax
    }

    /// One whose client is away.
    package init(away until: Int64, _ history: EventHistory, outboundBytesMax: Int) {
        phase = .away(until: until)
        self.history = history
        self.outboundBytesMax = outboundBytesMax
    }

    // MARK: Looking

    /// Whose loop sends the events; nil while the client is away, and after the end.
    package var socket: UInt64? {
        switch phase {
        case .attached(let socket), .overloaded(let socket): socket
        case .doomed(_, let socket): socket
        case .moving, .away, .ended: nil
        }
    }

    /// Whether what the client says on this socket counts.
    package func hears(_ socket: UInt64) -> Bool {
        phase == .attached(to: socket) || phase == .overloaded(socket)
    }

    package var isOpen: Bool {
        switch phase {
        case .attached, .overloaded, .moving, .away: true
        case .doomed, .ended: false
        }
    }

    /// Whether its client may be expected to come back.
    package var isAway: Bool { if case .away = phase { true } else { false } }

    /// Whether it has no socket and waits for a loop to come to it.
    private var isKept: Bool {
        switch phase {
        case .away, .doomed(_, socket: nil): true
        default: false
        }
    }

    // MARK: Events

    /// Takes an event, `head` and `body` as of `EventHistory.append`.
    package mutating func take(
        _ head: Span<UInt8>, _ body: Span<UInt8>, at second: Int64
    ) -> Taken {
        guard isOpen else { return .refused }
        history.append(head, body, at: UInt32(truncatingIfNeeded: second))
        guard let socket else {
            keepAway()
            return isOpen ? .kept : .overfull
        }
        if history.unsentCount == 1 { return .first(socket) }
        if outboundBytesMax > 0, history.unsentBytes > outboundBytesMax { overload(socket) }
        return isOpen ? .queued(socket) : .overfull
    }

    private mutating func overload(_ socket: UInt64) {
        if history.isOverfull {
            history.removeAll()
            phase = .doomed(.lost, socket: socket)
        } else {
            phase = .overloaded(socket)
        }
    }

    /// Drops what nobody can ask for; all of it, where too much waits.
    private mutating func keepAway() {
        history.trim(before: 0)
        guard history.isOverfull else { return }
        history.removeAll()
        phase = .doomed(.lost, socket: nil)
    }

    /// - Returns: The socket whose loop has to be asked to come; nil if it was.
    package mutating func nudge() -> UInt64? {
        guard !isNudged, let socket else { return nil }
        isNudged = true
        return socket
    }

    /// The socket's loop has come.
    package mutating func noteCome() { isNudged = false }

    /// The event at `history.nextUnsent` was sent.
    package mutating func markSent() { history.markSent() }

    /// Forgets what was sent before `second`, which nobody can ask for any more.
    package mutating func trim(before second: Int64) {
        history.trim(before: UInt32(truncatingIfNeeded: max(0, second)))
    }

    // MARK: Transitions

    /// - Returns: What has to be done about it; `Effects.none` where the input concerns the
    ///   session no more, and nothing has changed.
    package mutating func handle(_ input: Input) -> Effects {
        let wasKept = isKept
        var effects = transition(input)
        effects.wasAway = wasKept && !isKept
        return effects
    }

    private mutating func transition(_ input: Input) -> Effects {
        switch (input, phase) {
        case (_, .ended): .none
        case (.lost(let socket, let until), _) where self.socket == socket: lose(until)
        case (.closed(let socket, let reason), _) where self.socket == socket: finish(reason)
        case (.end(let reason), _): end(reason)
        case (.endAway(let reason), _) where isKept: finish(reason)
        case (.lift(let socket), _) where phase == .attached(to: socket): enter(.moving)
        case (.land(let socket), .moving): enter(.attached(to: socket))
        case (.land(let socket), .doomed(let reason, socket: nil)):
            enter(.doomed(reason, socket: socket))
        case (.strand, .moving), (.strand, .doomed(_, socket: nil)): finish(.lost)
        case (.resume(let socket, let seq), _): resume(socket, after: seq)
        case (.replace, _): doom(.replaced)
        case (.letGo, .away): letGo()
        case (.forgetSent, .attached), (.forgetSent, .overloaded): forgetSent()
        case (.tick(let now), .away(let until)) where now >= until: finish(.lost)
        case (.tick, .doomed(let reason, socket: nil)): finish(reason)
        default: .none
        }
    }

    private mutating func enter(_ phase: Phase) -> Effects {
        self.phase = phase
        isNudged = false
        if case .doomed = phase { return Effects(nudge: nudge()) }
        return Effects()
    }

    private mutating func lose(_ until: Int64?) -> Effects {
        if case .doomed(let reason, _) = phase { return finish(reason) }
        guard let until else { return finish(.lost) }
        _ = enter(.away(until: until))
        keepAway()
        return isOpen ? Effects() : finish(.lost)
    }

    private mutating func end(_ reason: LeaveReason) -> Effects {
        let socket = self.socket
        var effects = finish(reason)
        effects.close = socket
        return effects
    }

    /// Only exactly what is missing can be sent again. Where that can't be, the session ends, so
    /// that its client can join afresh at once.
    private mutating func resume(_ socket: UInt64, after seq: UInt64) -> Effects {
        guard phase != .moving else { return .none }
        let other = self.socket
        var effects: Effects
        if case .doomed(let reason, _) = phase {
            effects = finish(reason)
        } else if history.rewind(to: seq) {
            effects = enter(.attached(to: socket))
        } else {
            effects = finish(.lost)
        }
        effects.close = other
        return effects
    }

    private mutating func doom(_ reason: LeaveReason) -> Effects {
        phase = .doomed(reason, socket: socket)
        return Effects(nudge: nudge())
    }

    private mutating func letGo() -> Effects {
        history.removeAll()
        return doom(.lost)
    }

    private mutating func forgetSent() -> Effects {
        history.forgetSent()
        return Effects()
    }

    private mutating func finish(_ reason: LeaveReason) -> Effects {
        history.removeAll()
        phase = .ended
        return Effects(finished: reason)
    }
}
