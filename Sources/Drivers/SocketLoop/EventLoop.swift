import CEpoll
import Glibc
import Monitoring
import WebSocket

/// One thread's epoll loop over its adopted sockets.
///
/// A turn waits, reads and handles what came, tends the timers, tells the handler which sockets
/// ended, sends what is queued (one `send` a socket), frees the dead and posts to other loops.
/// Slots are freed at the end of a turn only, and input buffers are touched by the reading code
/// only, so no callback can pull the ground from under the text it was given.
@safe struct EventLoop: ~Copyable {
    struct Ended {
        let socket: SocketID
        let end: SocketEnd
    }

    /// How far a stop has come.
    enum Stage {
        case running
        /// Nothing more is read; what handlers sent is being posted.
        case quieting
        /// Everything is posted, here.
        case quiet
        /// Everything is posted on every loop, and close frames stand behind it.
        case closing
    }

    static let mailboxKey = UInt64.max
    static let tickMilliseconds: Int64 = 250
    static let drainMilliseconds: UInt32 = 1000
    static let scratchBytes = 1 << 18
    private static let eventCountMax = 512

    package let index: Int
    let limits: SocketLimits
    let rate: MessageRate
    let outboundBytesMax: Int
    let messageBytesMax: Int
    let socketsMax: Int
    let mailboxes: [Mailbox]
    let closers: Closers
    let shares: SocketShares
    private let board: FigureBoard
    let clock: SocketClock
    let poll: Int32
    let scratch: UnsafeMutableRawPointer
    private let events: UnsafeMutablePointer<epoll_event>

    var slots: SlotTable
    var outboxes: Outboxes
    var spare = SpareBuffers()
    var inbox = ByteQueue()
    var dirty: [Int] = []
    var watched: [Int] = []
    var ended: [Ended] = []
    var nudged: [Int] = []
    var released: [Int] = []
    var moves: [RequestedMove] = []
    var dead: [Int] = []
    var stopping: Mailbox.StopRequest?
    var stage = Stage.running

    /// By slot, of sockets that are held.
    var held: [Int: HeldInput] = [:]
    /// By slot: whose share counts what waits there.
    var owners: [(any SocketOwner)?] = []
    /// By slot, how much waits there as `shares` was told, in steps.
    var waiting: [Int: Int] = [:]
    /// The slot whose message is being handled; -1 between messages.
    var speaker = -1
    /// Queued in this turn, or since the last time that what was queued was sent.
    var bytesInTurn = 0

    var figures = LoopFigures()
    /// Messages that handlers were given in this turn.
    var messagesInTurn = 0
    /// Milliseconds on the clock as this turn began.
    var now: Int64
    private var lastSweep: Int64
    private var lastTick: Int64

    /// Owns `poll`, an epoll descriptor; `mailboxes[index]` is its own door.
    init(
        index: Int, poll: Int32, mailboxes: [Mailbox], closers: Closers, shares: SocketShares,
        board: FigureBoard, limits: SocketLimits, clock: SocketClock
    ) {
        self.index = index
        self.poll = poll
        self.mailboxes = mailboxes
        self.closers = closers
        self.shares = shares
        self.board = board
        self.limits = limits
        self.clock = clock
        rate = MessageRate(perSecond: limits.messagesPerSecond, burst: limits.messageBurst)
        outboundBytesMax = limits.outboundBytesMax > 0 ? limits.outboundBytesMax : .max
        let supportedMax = SocketLimits.messageBytesSupportedMax
        let isUnlimited = limits.messageBytesMax <= 0
        messageBytesMax = isUnlimited ? supportedMax : min(limits.messageBytesMax, supportedMax)
        let adoptedMax = limits.socketsPerLoopMax > 0 ? limits.socketsPerLoopMax : .max
        socketsMax = min(adoptedMax, SocketID.slotCountMax)
        // All may move to one loop; what is not used costs addresses alone.
        let (movedMax, isHuge) = socketsMax.multipliedReportingOverflow(by: mailboxes.count)
        let slotsMax = isHuge ? SocketID.slotCountMax : min(movedMax, SocketID.slotCountMax)
        slots = SlotTable(capacity: slotsMax)
        outboxes = Outboxes(count: mailboxes.count)
        unsafe scratch = .allocate(byteCount: Self.scratchBytes, alignment: 64)
        unsafe events = .allocate(capacity: Self.eventCountMax)
        now = clock.milliseconds()
        lastSweep = now
        lastTick = now
    }

    deinit {
        for slot in 0..<slots.used where slots[slot].state != .free {
            closers.close(slots[slot].descriptor)
        }
        unsafe scratch.deallocate()
        unsafe events.deallocate()
        Glibc.close(poll)
    }

    /// Runs until a stop was requested and every socket is gone or the stop's deadline has passed.
    ///
    /// - Parameters:
    ///   - handler: What speaks over this loop's sockets.
    ///   - deliveries: Of every loop, by its index.
    mutating func run<Handler: SocketHandler & ~Copyable>(
        _ handler: inout Handler, _ deliveries: [Deliveries<Handler.Admission, Handler.Note>]
    ) {
        watchMailbox()
        while !isDone {
            turn(&handler, deliveries)
        }
        for slot in 0..<slots.used where slots[slot].state != .free { abandon(slot, .lost) }
        settle(&handler)
        handler.turnEnded()
        for item in deliveries[index].close() { turnAway(item) }
    }

    private var isDone: Bool {
        guard let stopping, stage == .closing else { return false }
        return slots.liveCount == 0 || now >= stopping.deadlineMilliseconds
    }

    /// One turn; it waits for something to come, or for the next look at the clock.
    mutating func turn<Handler: SocketHandler & ~Copyable>(
        _ handler: inout Handler, _ deliveries: [Deliveries<Handler.Admission, Handler.Note>]
    ) {
        let count = unsafe epoll_wait(poll, events, Int32(Self.eventCountMax), timeout)
        precondition(count >= 0 || errno == EINTR, "the loop's own epoll descriptor is broken")
        let began = LoopFigures.microseconds
        now = clock.milliseconds()
        bytesInTurn = 0
        var hasMail = false
        var position = 0
        while position < count {
            let (key, what) = unsafe (events[position].data.u64, events[position].events)
            position += 1
            if key == Self.mailboxKey {
                hasMail = true
            } else {
                react(SocketID(raw: key), to: what, &handler)
            }
        }
        if hasMail { collectMail(&handler, deliveries[index]) }
        if stage != .running { advanceStop(&handler) }
        tendTimers(&handler)
        settle(&handler)
        postOutboxes()
        handler.turnEnded()
        if messagesInTurn > 0 {
            figures.noteTurn(
                messages: messagesInTurn, microseconds: LoopFigures.microseconds &- began)
            messagesInTurn = 0
        }
        if !moves.isEmpty { dispatchMoves(deliveries) }
        if stage == .quieting { announceQuiet() }
    }

    private mutating func react(
        _ id: SocketID, to what: UInt32, _ handler: inout some SocketHandler & ~Copyable
    ) {
        let slot = id.slot
        guard slots[slot].generation == id.generation else { return }
        if what & EPOLLOUT.rawValue != 0 {
            slots[slot].isBlocked = false
            markDirty(slot)
        }
        guard what & ~EPOLLOUT.rawValue != 0 else { return }
        if what & EPOLLIN.rawValue == 0, !isRead(slot) {
            abandon(slot, .lost)  // An error or a hang-up, reported although nothing is read.
        } else {
            readable(slot, &handler)
        }
    }

    /// Tells which sockets ended or were nudged, goes on with those that were released and sends
    /// what is queued, until nothing leads to more.
    private mutating func settle(_ handler: inout some SocketHandler & ~Copyable) {
        repeat {
            var position = 0
            while position < ended.count {
                let one = ended[position]
                position += 1
                handler.closed(one.socket, one.end, &self)
            }
            ended.removeAll(keepingCapacity: true)
            deliverNudges(&handler)
            continueReleased(&handler)
            flushDirty()
        } while !ended.isEmpty || !nudged.isEmpty || !released.isEmpty
        while let slot = dead.popLast() { bury(slot) }
    }

    mutating func flushDirty() {
        var position = 0
        while position < dirty.count {
            let slot = dirty[position]
            position += 1
            slots[slot].isDirty = false
            flush(slot)
        }
        dirty.removeAll(keepingCapacity: true)
    }

    // MARK: Timers

    private mutating func publish() {
        figures.bytesQueued = 0
        for slot in 0..<slots.used { figures.bytesQueued &+= slots[slot].output.count }
        board.publish(figures, of: index)
    }

    /// Until the next second's sweep, or the next tick where sockets need a closer look.
    private var timeout: Int32 {
        var next = lastSweep + 1000
        if !watched.isEmpty { next = min(next, lastTick + Self.tickMilliseconds) }
        if let stopping { next = min(next, stopping.deadlineMilliseconds) }
        return Int32(clamping: max(0, next - now))
    }

    private mutating func tendTimers(_ handler: inout some SocketHandler & ~Copyable) {
        if now >= lastTick + Self.tickMilliseconds {
            let elapsed = now - lastTick
            lastTick = now
            if !watched.isEmpty { tick(elapsedMilliseconds: elapsed, &handler) }
        }
        if now >= lastSweep + 1000 {
            let seconds = (now - lastSweep) / 1000
            lastSweep += seconds * 1000
            sweep(elapsedSeconds: Int(seconds))
            handler.ticked(&self)
            publish()
            outboxes.freeLargeIdle()
        }
    }
}
