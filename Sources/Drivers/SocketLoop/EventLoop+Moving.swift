import CEpoll
import Glibc
import WebSocket

/// A socket on its way from one loop to another, with all that its conversation left unfinished.
struct MovedSocket: Sendable {
    let descriptor: Int32
    /// The message that its new handler gets first.
    let message: [UInt8]
    /// What the client had sent behind that: frames, the last perhaps not whole.
    let input: [UInt8]
    /// Frames that the kernel has not taken.
    let output: [UInt8]
    let begunFrameBytes: UInt32
    let paidUntil: Int64
    let overRateSinceSeconds: UInt32
    let deadline: UInt32
    let pingClockSeconds: UInt16
    let unansweredPings: UInt8
    let isOverRate: Bool
    let isProbed: Bool
    /// Of one that is held.
    let heldSinceSeconds: UInt32?
}

/// What a handler asked for, until the end of the turn.
struct RequestedMove {
    let slot: Int
    let loop: Int
    /// Of the handler's `Admission` type, which only the generic code knows.
    let admission: any Sendable
    let message: [UInt8]
}

// A move begins within `received`, where the code that reads still holds the rest of the input; so
// the socket only stops being open there, and departs at the end of the turn. What the loop posted
// to others before that is in their mailboxes by then, so that nothing the socket's conversation
// does on its new loop can overtake what it did here.
extension EventLoop {
    package mutating func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool {
        let target = Mailbox.place(affinity, among: mailboxes.count)
        guard target != index, stage == .running, socket.loop == index,
            let slot = slots.find(socket)
        else { return false }
        slots[slot].state = .moving
        let message = unsafe text.withUnsafeBytes { unsafe Array($0) }
        moves.append(
            RequestedMove(slot: slot, loop: target, admission: admission, message: message))
        return true
    }

    /// Sends the sockets off that are to move; after everything that was posted before.
    mutating func dispatchMoves<Admission, Note>(_ deliveries: [Deliveries<Admission, Note>]) {
        for move in moves {
            guard let admission = move.admission as? Admission else {
                preconditionFailure("a socket moves with an admission of its handler's type")
            }
            let moved = depart(move)
            if !deliveries[move.loop].put(.moved(moved, admission)) {
                closers.close(moved.descriptor)
            }
        }
        moves.removeAll(keepingCapacity: true)
    }

    private mutating func depart(_ move: RequestedMove) -> MovedSocket {
        let slot = move.slot
        let moved = MovedSocket(
            descriptor: slots[slot].descriptor, message: move.message,
            input: slots[slot].partial.bytes, output: slots[slot].output.bytes,
            begunFrameBytes: slots[slot].begunFrameBytes, paidUntil: slots[slot].paidUntil,
            overRateSinceSeconds: slots[slot].overRateSinceSeconds,
            deadline: slots[slot].deadline, pingClockSeconds: slots[slot].pingClockSeconds,
            unansweredPings: slots[slot].unansweredPings, isOverRate: slots[slot].isOverRate,
            isProbed: slots[slot].isProbed, heldSinceSeconds: held[slot]?.sinceSeconds)
        epoll_ctl(poll, EPOLL_CTL_DEL, moved.descriptor, nil)
        uncountWaiting(slot)
        vacate(slot)
        return moved
    }

    /// Takes a socket in that another loop sent; while this one stops, only to close it in order.
    mutating func arrive<Handler: SocketHandler & ~Copyable>(
        _ moved: MovedSocket, _ admission: Handler.Admission, _ handler: inout Handler
    ) {
        guard let slot = place(moved.descriptor, of: handler.owner(of: admission)) else {
            preconditionFailure("a loop has slots for the sockets of all loops")
        }
        let isWhole = restore(moved, to: slot) && register(slot)
        handler.opened(id(of: slot), admission, &self)
        guard isWhole else { return abandon(slot, .lost) }
        guard stage == .running else { return closeIfStopped(slot) }
        if slots[slot].state == .open {
            speaker = slot
            handler.received(moved.message.span, from: id(of: slot), &self)
            speaker = -1
        }
        if !slots[slot].partial.isEmpty { takePending(slot, &handler) }
    }

    private mutating func restore(_ moved: MovedSocket, to slot: Int) -> Bool {
        slots[slot].begunFrameBytes = moved.begunFrameBytes
        slots[slot].paidUntil = moved.paidUntil
        slots[slot].overRateSinceSeconds = moved.overRateSinceSeconds
        slots[slot].deadline = moved.deadline
        slots[slot].pingClockSeconds = moved.pingClockSeconds
        slots[slot].unansweredPings = moved.unansweredPings
        slots[slot].isOverRate = moved.isOverRate
        slots[slot].isProbed = moved.isProbed
        if moved.isOverRate || moved.isProbed { watch(slot) }
        if let since = moved.heldSinceSeconds { hold(slot: slot, sinceSeconds: since) }
        if !moved.output.isEmpty { markDirty(slot) }
        return slots[slot].partial.append(moved.input) && slots[slot].output.append(moved.output)
    }
}
