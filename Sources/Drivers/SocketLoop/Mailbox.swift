import CEpoll
import Glibc
import Locking

/// The door of a loop: what other threads put here, the loop collects on its next turn.
///
/// What other loops send travels as records (`LoopRecord`), in the order each of them posted it.
final class Mailbox: Sendable {
    struct StopRequest: Sendable {
        let code: UInt16
        /// On the loop's clock.
        let deadlineMilliseconds: Int64
        /// Where a loop says that it is quiet.
        let barrier: StopBarrier
        /// Whether all loops are.
        var mayClose = false
    }

    private struct Contents: ~Copyable {
        var records = ByteQueue()
        var lent = LentBytes()
        var stop: StopRequest?
        /// Whether the loop was woken and has not collected since.
        var isWoken = false
        var isClosed = false
    }

    /// Readable when something was put in.
    let event: Int32
    private let contents = Lock(Contents())

    /// Which of `count` loops an affinity stands for.
    static func place(_ affinity: Int, among count: Int) -> Int {
        Int(UInt(bitPattern: affinity) % UInt(count))
    }

    init() throws(SocketLoopError) {
        event = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard event >= 0 else { throw .descriptor(number: errno) }
    }

    /// Wakes the loop, which has something to collect elsewhere.
    func wake() {
        if contents.withLock({ Self.mustWake(&$0) }) { signal() }
    }

    /// What waits here for the loop, in bytes.
    struct Backlog {
        var waiting = 0
        /// What is lent is held whole, also for other loops.
        var held = 0
    }

    /// Moves all of `outbox` in, and what is lent with it. Returns what waits here now.
    func post(_ outbox: inout ByteQueue, _ lent: inout LentBytes) -> Backlog {
        let (backlog, wakes) = contents.withLock { contents in
            if contents.isClosed {
                outbox.removeAll()
                lent.removeAll()
                return (Backlog(), false)
            }
            if contents.records.isEmpty {
                swap(&contents.records, &outbox)
            } else {
                let bytes = unsafe UnsafeRawBufferPointer(start: outbox.start, count: outbox.count)
                // Without room the records stay in the outbox, and are tried again next turn.
                guard unsafe contents.records.append(bytes) else {
                    return (Backlog(waiting: .max, held: .max), false)
                }
                outbox.removeAll()
            }
            contents.lent.take(&lent)
            let records = contents.records.count
            let backlog = Backlog(
                waiting: records &+ contents.lent.partBytes, held: records &+ contents.lent.count)
            return (backlog, Self.mustWake(&contents))
        }
        if wakes { signal() }
        return backlog
    }

    func requestStop(_ stop: StopRequest) {
        contents.withLock { $0.stop = stop }
        wake()
    }

    /// Every loop is quiet, so what waits here now is all that is to be sent.
    func allowClose() {
        contents.withLock { $0.stop?.mayClose = true }
        wake()
    }

    /// The loop has come: whoever puts something in from now on wakes it again.
    func noteCome() {
        var value: UInt64 = 0
        unsafe read(event, &value, 8)
        contents.withLock { $0.isWoken = false }
    }

    /// Takes what waits; `inbox` and `lent` must be empty.
    func collect(_ inbox: inout ByteQueue, _ lent: inout LentBytes) -> StopRequest? {
        contents.withLock { contents in
            swap(&contents.records, &inbox)
            swap(&contents.lent, &lent)
            return contents.stop
        }
    }

    /// Takes nothing any more. The loop must have ended.
    func close() {
        contents.withLock { contents in
            contents.isClosed = true
            contents.stop = nil  // Its barrier holds this mailbox, which would keep its descriptor.
        }
    }

    deinit { Glibc.close(event) }

    private static func mustWake(_ contents: inout Contents) -> Bool {
        guard !contents.isWoken, !contents.isClosed else { return false }
        contents.isWoken = true
        return true
    }

    /// With the lock let go: the loop that it wakes asks for it at once.
    private func signal() {
        var one: UInt64 = 1
        unsafe write(event, &one, 8)
    }
}

/// What other threads hand to a loop: sockets and notes, in the order of handing.
final class Deliveries<Admission: Sendable, Note: Sendable>: Sendable {
    enum Item: Sendable {
        case socket(descriptor: Int32, earlyBytes: [UInt8], Admission)
        case moved(MovedSocket, Admission)
        case note(Note)
    }

    private struct Contents {
        var items: [Item] = []
        var isClosed = false
    }

    private let mailbox: Mailbox
    private let contents = Lock(Contents())

    init(waking mailbox: Mailbox) { self.mailbox = mailbox }

    /// False when the loop has ended: the item was not taken.
    func put(_ item: Item) -> Bool {
        let isTaken = contents.withLock { contents in
            guard !contents.isClosed else { return false }
            contents.items.append(item)
            return true
        }
        if isTaken { mailbox.wake() }
        return isTaken
    }

    func collect() -> [Item] {
        contents.withLock { contents in
            let items = contents.items
            contents.items = []
            return items
        }
    }

    /// Takes no more, and gives back what nobody collected.
    func close() -> [Item] {
        contents.withLock { contents in
            contents.isClosed = true
            let items = contents.items
            contents.items = []
            return items
        }
    }
}
