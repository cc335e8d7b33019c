import Synchronization
import WebSocket

/// Counts the loops that are quiet; the last one lets all of them close.
final class StopBarrier: Sendable {
    private let missing: Atomic<Int>
    private let mailboxes: [Mailbox]

    init(waitingFor count: Int, _ mailboxes: [Mailbox]) {
        missing = Atomic(count)
        self.mailboxes = mailboxes
    }

    /// A loop has posted everything; to be called once by each.
    func arrive() {
        guard missing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        for mailbox in mailboxes { mailbox.allowClose() }
    }
}

// A stop has two steps, so that a message whose sender was told that it arrived does arrive. First
// every loop stops reading, so that no handler gets another message, and posts what its handler
// sent. Once all have, each finds all that is left for its sockets in its mailbox, sends it, and
// queues the close frames behind.
extension EventLoop {
    mutating func beginStop() {
        stage = .quieting
        for slot in 0..<slots.used where slots[slot].state == .open { setInterest(slot) }
    }

    /// Goes on to the second step once every loop is through with the first, which takes each a
    /// turn: whoever waits for the end of the loops waits for that in any case.
    mutating func advanceStop(_ handler: inout some SocketHandler & ~Copyable) {
        guard let stopping, stopping.mayClose, stage != .closing else { return }
        deliverNudges(&handler)
        stage = .closing
        for slot in 0..<slots.used { closeIfStopped(slot) }
    }

    /// At the end of the turn in which reading ended, or of a later one if there was no room.
    mutating func announceQuiet() {
        guard let stopping else { return }
        let isPosted = (0..<outboxes.count).allSatisfy { outboxes[$0].records.isEmpty }
        guard isPosted || now >= stopping.deadlineMilliseconds else { return }
        stage = .quiet
        stopping.barrier.arrive()
    }

    /// Closes a socket with the stop's code, if that is what the loop is about.
    mutating func closeIfStopped(_ slot: Int) {
        guard let stopping, stage == .closing else { return }
        let code = CloseCode(rawValue: stopping.code)
        beginClose(
            slot, code, ClosePayload.bytes(code, reason: "".utf8.span), then: .closing)
    }
}
