import CEpoll
import Glibc
import WebSocket

// How a socket ends. Every way out of `open` is one of the three functions that append to `ended`.
extension EventLoop {
    /// Queues our close frame behind what is unsent, and tells the handler that the socket ended.
    ///
    /// - Parameters:
    ///   - slot: A socket; nothing happens unless it is open.
    ///   - code: What the handler is told.
    ///   - payload: Of the close frame: that code, and perhaps a reason.
    ///   - state: `closing` to wait for the peer's close frame, `shutting` where the peer broke the
    ///     protocol, so that nothing it sends has a meaning any more (RFC 6455 §7.1.7).
    mutating func beginClose(
        _ slot: Int, _ code: CloseCode, _ payload: [UInt8], then state: Connection.State
    ) {
        guard slots[slot].state == .open else { return }
        ended.append(Ended(socket: id(of: slot), end: .closedByUs(code)))
        queueClose(slot, payload)
        enter(state, slot)
    }

    /// The peer's close frame is answered with one of the same code (RFC 6455 §5.5.1); in answer
    /// to ours it completes the closing handshake.
    mutating func peerCloses(_ slot: Int, _ payload: ClosePayload) {
        switch slots[slot].state {
        case .open:
            ended.append(Ended(socket: id(of: slot), end: .peerClosed(code: payload.code)))
            let code = payload.code.map { CloseCode(rawValue: $0) }
            queueClose(slot, code.map { ClosePayload.bytes($0, reason: "".utf8.span) } ?? [])
            enter(.shutting, slot)
        case .closing:
            enter(.shutting, slot)
            markDirty(slot)
        case .free, .moving, .shutting, .draining, .dead: break
        }
    }

    /// Gives a socket up without another word; it is closed at the end of the turn.
    mutating func abandon(_ slot: Int, _ end: SocketEnd) {
        switch slots[slot].state {
        case .free, .dead: return
        case .open: ended.append(Ended(socket: id(of: slot), end: end))
        case .moving, .closing, .shutting, .draining: break
        }
        uncountWaiting(slot)
        slots[slot].state = .dead
        dead.append(slot)
    }

    /// The peer broke a rule: says which, and hears no more.
    mutating func fail(_ slot: Int, _ error: WebSocketError) {
        if slots[slot].state == .open {
            let reason = unsafe UnsafeBufferPointer(
                start: error.reason.utf8Start, count: error.reason.utf8CodeUnitCount)
            let payload = ClosePayload.bytes(error.closeCode, reason: unsafe reason.span)
            beginClose(slot, error.closeCode, payload, then: .shutting)
        } else if slots[slot].state == .closing {
            enter(.shutting, slot)
            markDirty(slot)
        }
    }

    private mutating func enter(_ state: Connection.State, _ slot: Int) {
        if slots[slot].state == .open {
            let milliseconds = Int64(clamping: max(limits.closeTimeoutSeconds, 1)) * 1000
            slots[slot].deadline = deadline(afterMilliseconds: milliseconds)
            slots[slot].isProbed = false
            forgetHold(slot)
            slots[slot].waits = Connection.Waits()
        }
        slots[slot].state = state
        setInterest(slot)
        watch(slot)
        dropInput(slot)
    }

    /// Everything is sent: ends our side of the stream and drains the other, unless nothing more
    /// may come from there (docs/decisions/0028). Whoever pumps our bytes on (TLS) is given the
    /// time.
    mutating func shutDown(_ slot: Int) {
        guard slots[slot].state == .shutting else { return }
        let mayClose = slots[slot].hasParted && !closers.isAwaited(slots[slot].descriptor)
        if slots[slot].hasEnded || mayClose { return abandon(slot, .lost) }
        shutdown(slots[slot].descriptor, Int32(SHUT_WR))
        slots[slot].state = .draining
        slots[slot].deadline = now32 &+ Self.drainMilliseconds
        watch(slot)
    }

    /// Frees a dead socket.
    mutating func bury(_ slot: Int) {
        // A duplicate elsewhere may outlive our descriptor, so closing alone might not do it.
        epoll_ctl(poll, EPOLL_CTL_DEL, slots[slot].descriptor, nil)
        closers.close(slots[slot].descriptor)
        vacate(slot)
    }

    mutating func vacate(_ slot: Int) {
        forgetHold(slot)
        owners[slot] = nil
        slots.give(slot)
    }

    // MARK: Time

    /// The clock in the 32 bits that a connection keeps; it wraps after 49 days.
    var now32: UInt32 { UInt32(truncatingIfNeeded: now) }

    func deadline(afterMilliseconds milliseconds: Int64) -> UInt32 {
        now32 &+ UInt32(clamping: min(milliseconds, Int64(Int32.max)))
    }

    func hasPassed(_ deadline: UInt32) -> Bool { Int32(bitPattern: now32 &- deadline) >= 0 }
}
