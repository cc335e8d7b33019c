import CEpoll
import Glibc
import Locking
package import Monitoring
import Synchronization
import Threads
package import WebSocket

/// The epoll loops of a process: threads that adopt upgraded sockets and speak RFC 6455 over them.
///
/// Any thread may adopt, tell and stop, but no callback may stop.
package final class SocketLoops<Handler: SocketHandler & ~Copyable>: Sendable {
    let mailboxes: [Mailbox]
    let deliveries: [Deliveries<Handler.Admission, Handler.Note>]
    private let threads: Lock<[OwnThread]>
    private let turn = Atomic<Int>(0)
    let clock: SocketClock
    private let closers = Closers()
    private let shares: SocketShares
    private let board = FigureBoard()

    /// Starts the loops.
    ///
    /// - Parameters:
    ///   - count: How many, 1 to 256: one a core.
    ///   - limits: What one socket may cost.
    ///   - clock: Where the loops read the time.
    ///   - makeHandler: Makes a loop's handler, on the loop's own thread, from the loop's index.
    /// - Throws: `SocketLoopError`; nothing is left running then.
    package init(
        count: Int, limits: SocketLimits, clock: SocketClock = .system,
        makeHandler: @escaping @Sendable (Int) -> Handler
    ) throws(SocketLoopError) {
        precondition(
            count > 0 && count <= SocketID.loopCountMax,
            "1 to \(SocketID.loopCountMax) loops, not \(count)")
        var mailboxes: [Mailbox] = []
        for _ in 0..<count { mailboxes.append(try Mailbox()) }
        self.mailboxes = mailboxes
        self.clock = clock
        shares = SocketShares(limits)
        deliveries = mailboxes.map { Deliveries(waking: $0) }
        threads = Lock([])
        do throws(SocketLoopError) {
            for index in 0..<count {
                let thread = try start(index, limits, makeHandler)
                threads.withLock { $0.append(thread) }
            }
        } catch {
            stop(closing: .goingAway, secondsMax: 0)
            throw error
        }
    }

    deinit { stop(closing: .goingAway, secondsMax: 0) }

    private func start(
        _ index: Int, _ limits: SocketLimits, _ makeHandler: @escaping @Sendable (Int) -> Handler
    ) throws(SocketLoopError) -> OwnThread {
        let poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poll >= 0 else { throw .descriptor(number: errno) }
        do throws(OwnThread.Failure) {
            return try OwnThread(named: "usher-loop-\(index)") {
                [mailboxes, clock, closers, shares, board, deliveries] in
                var loop = EventLoop(
                    index: index, poll: poll, mailboxes: mailboxes, closers: closers,
                    shares: shares, board: board, limits: limits, clock: clock)
                var handler = makeHandler(index)
                loop.run(&handler, deliveries)
            }
        } catch {
            close(poll)
            throw .thread(number: error.number)
        }
    }

    /// Hands a connected socket to a loop, which owns and closes it from now on.
    ///
    /// - Parameters:
    ///   - descriptor: A stream socket whose WebSocket handshake is done; it need not be
    ///     non-blocking. After `stop` it is closed at once.
    ///   - earlyBytes: What came behind the handshake: read before anything else.
    ///   - admission: Given to the handler's `opened`.
    ///   - affinity: Sockets of the same affinity share a loop; nil takes the loops in turn.
    ///   - onClosed: Called once, when the descriptor was closed, on any thread.
    package func adopt(
        _ descriptor: Int32, earlyBytes: [UInt8], admission: Handler.Admission, affinity: Int?,
        onClosed: (@Sendable () -> Void)? = nil
    ) {
        if let onClosed { closers.note(descriptor, onClosed) }
        let place = affinity ?? turn.wrappingAdd(1, ordering: .relaxed).oldValue
        let loop = Mailbox.place(place, among: deliveries.count)
        let item = Deliveries<Handler.Admission, Handler.Note>.Item.socket(
            descriptor: descriptor, earlyBytes: earlyBytes, admission)
        if !deliveries[loop].put(item) { closers.close(descriptor) }
    }

    /// What all loops have counted, up to about a second ago.
    package var figures: LoopFigures { board.total }

    /// Tells every loop's handler; each gets the notes of one thread in order.
    package func tell(_ note: Handler.Note) {
        for delivery in deliveries { _ = delivery.put(.note(note)) }
    }

    /// Ends the conversations in order: every loop stops reading, and posts what its handler sent
    /// to the sockets of others; when all have, each sends its sockets a close frame behind
    /// everything. So what a handler had sent before reaches every socket that reads. Then waits
    /// until all are gone or the time is over, and ends the threads. Returns when everything is
    /// closed; a second call waits for the first.
    ///
    /// - Parameters:
    ///   - code: What the close frames say.
    ///   - secondsMax: How long sockets have to take what is queued and to answer.
    package func stop(closing code: CloseCode, secondsMax: Int) {
        let milliseconds = Int64(clamping: min(max(secondsMax, 0), 1 << 30)) * 1000
        let deadline = clock.milliseconds() + milliseconds
        threads.withLock { threads in
            precondition(!threads.contains { $0.isCurrent }, "a loop can't wait for its own end")
            let barrier = StopBarrier(waitingFor: threads.count, mailboxes)
            let stop = Mailbox.StopRequest(
                code: code.rawValue, deadlineMilliseconds: deadline, barrier: barrier)
            for mailbox in mailboxes { mailbox.requestStop(stop) }
            for thread in threads { thread.join() }
            threads = []
            for mailbox in mailboxes { mailbox.close() }
            // A loop that never started has not emptied its deliveries.
            for item in deliveries.flatMap({ $0.close() }) {
                switch item {
                case .socket(let descriptor, _, _): closers.close(descriptor)
                case .moved(let moved, _): closers.close(moved.descriptor)
                case .note: break
                }
            }
        }
    }
}
