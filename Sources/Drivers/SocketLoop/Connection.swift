import WebSocket

/// One socket of a loop. 128 bytes; buffers exist only while something is pending.
struct Connection: ~Copyable {
    /// Handlers know a socket only while it is `open`; what follows is the loop's own affair.
    enum State: UInt8 {
        case free
        case open
        /// On its way to another loop: it departs at the end of the turn.
        case moving
        /// Our close frame is queued; what is unsent goes out, the peer's close frame is awaited.
        case closing
        /// Nothing more is to be read; when the queue is empty, our side is shut down, or the
        /// socket closed.
        case shutting
        /// Our side is shut down; unread bytes are drained, lest a reset eat the close frame.
        case draining
        /// To be closed at the end of the turn.
        case dead
    }

    /// Why what a socket sends waits; while it is open.
    struct Waits {
        private var bits: UInt8 = 0

        var isEmpty: Bool { bits == 0 }
        /// Over the rate or without room it is not read.
        var allowsReading: Bool { bits & 0b101 == 0 }
        /// It is over the message rate.
        var rate: Bool {
            get { bits & 0b1 != 0 }
            set { bits = newValue ? bits | 0b1 : bits & ~0b1 }
        }
        /// Its handler holds it.
        var hold: Bool {
            get { bits & 0b10 != 0 }
            set { bits = newValue ? bits | 0b10 : bits & ~0b10 }
        }
        /// It is held, and as much waits as may.
        var room: Bool {
            get { bits & 0b100 != 0 }
            set { bits = newValue ? bits | 0b100 : bits & ~0b100 }
        }
    }

    /// Frames that the kernel has not taken yet.
    var output = ByteQueue()
    /// Received bytes that are not a whole frame yet, or that wait (see `waits`). While closing, at
    /// most what has come of a frame's header or of a close frame.
    var partial = ByteQueue()
    /// The fragments of an unfinished message, unmasked.
    var fragments = ByteQueue()
    /// When the message rate will have been paid for, in microseconds (the generic cell rate
    /// algorithm's theoretical arrival time).
    var paidUntil: Int64 = 0

    var descriptor: Int32 = -1
    var generation: UInt32 = 0
    /// How much of the frame at the front of `output` is still to be sent, if it was begun.
    var begunFrameBytes: UInt32 = 0
    /// How much of the payload of the data frame at the front of `partial` is unmasked and checked.
    /// While closing: how much is still to come of a frame that is dropped.
    var checkedBytes: UInt32 = 0
    /// While open and `isProbed`: until when to hear something. Later: how long the state may last.
    var deadline: UInt32 = 0
    var overRateSinceSeconds: UInt32 = 0
    /// Seconds since the last ping; stands still while reads are paused.
    var pingClockSeconds: UInt16 = 0
    /// For how long there has been an unfinished message, or frame; stands still like the other.
    var unfinishedSeconds: UInt16 = 0
    var unansweredPings: UInt8 = 0
    var state = State.free
    var waits = Waits()
    var order = FragmentOrder()
    var utf8 = UTF8Validator()
    /// What epoll was told to report.
    var interest: UInt8 = 0

    /// Whether it is in the loop's `dirty` list: its queue is to be sent in this turn.
    var isDirty = false
    /// Whether it is in the loop's `watched` list.
    var isWatched = false
    /// Whether it is in the loop's `nudged` list.
    var isNudged = false
    /// Whether it is in the loop's `released` list.
    var isReleased = false
    /// Whether the kernel takes no more for now.
    var isBlocked = false
    var isOverRate = false
    var isProbed = false
    /// Whether the loop has told of what waits at it (`SocketShares`).
    var isCounted = false
    /// Whether the peer's side of the stream has ended.
    var hasEnded = false
    /// Whether both have sent a close frame and nothing came behind the peer's.
    var hasParted = false
}

/// The connections of a loop by slot, and which slots are free.
///
/// The storage is reserved at once and touched as it is used, so that a pointer into it stays good
/// and an unused slot costs no memory.
@safe struct SlotTable: ~Copyable {
    private let base: UnsafeMutablePointer<Connection>
    private let capacity: Int
    private var freed: [UInt32] = []
    /// Slots below this were used at least once.
    private(set) var used = 0

    init(capacity: Int) {
        self.capacity = capacity
        unsafe base = .allocate(capacity: capacity)
    }

    deinit {
        unsafe base.deinitialize(count: used)
        unsafe base.deallocate()
    }

    var liveCount: Int { used - freed.count }

    subscript(slot: Int) -> Connection {
        _read {
            precondition(slot >= 0 && slot < used, "no such slot")
            yield unsafe base[slot]
        }
        _modify {
            precondition(slot >= 0 && slot < used, "no such slot")
            yield unsafe &base[slot]
        }
    }

    /// A free slot with a generation of its own, or nil when all are taken.
    mutating func take() -> Int? {
        let slot: Int
        if let again = freed.popLast() {
            slot = Int(again)
        } else if used < capacity {
            slot = used
            unsafe (base + slot).initialize(to: Connection())
            used += 1
        } else {
            return nil
        }
        self[slot].generation &+= 1
        return slot
    }

    /// Frees a slot and all it holds; its generation and its place in the loop's lists stay.
    mutating func give(_ slot: Int) {
        var fresh = Connection()
        fresh.generation = self[slot].generation
        fresh.isDirty = self[slot].isDirty
        fresh.isWatched = self[slot].isWatched
        self[slot] = fresh
        freed.append(UInt32(slot))
    }

    /// The slot of a socket that is open, if this id still names one.
    func find(_ id: SocketID) -> Int? {
        let slot = id.slot
        guard slot < used else { return nil }
        guard self[slot].generation == id.generation, self[slot].state == .open else { return nil }
        return slot
    }
}
