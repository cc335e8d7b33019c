package import Cluster
internal import Locking
package import Rooms
package import Sessions
package import Signalling
internal import Synchronization
package import WebSocket

/// What the relay's loops tell what speaks for this node on the bus.
package enum ClusterNote: Sendable {
    /// A connection wants into a room that its token grants; `sdp` is JSON.
    indirect case join(RoomMember, RoomPlace, sdp: [UInt8]?)
    case leave(ConnectionID, RoomPlace, LeaveReason)
    case send(OutgoingPayload, from: SocketID)
    /// So far the socket waits, which has said more than the bus has taken.
    case catchUp(SocketID, ConnectionID)
    /// A resume waits no more, since its session has ended.
    case takeUp(WaitingResume)
    /// A client wants to go on with a session that is not here; and its socket is gone.
    case resume(AskedResume)
    case giveUp(AskedResume)
    /// A session that is to go to another node has lost its socket: all that was said over it
    /// stands before this.
    case lifted(ConnectionID)
    /// A session has ended on its way to or from another node.
    case ended(ConnectionID, LeaveReason)
    /// All sessions are to go to other nodes; told once none is left that could.
    case drain(whenDone: @Sendable () -> Void)
    /// The loops have ended, and all sessions are away: they wait for the next process. Told nil
    /// where others have to take them, or nobody can.
    case shelve(whenDone: @Sendable (NodeShelf?, Shelf.Dropped) -> Void)
    /// What the process before has left, if anything; once. Told what has become of it.
    case putBack(NodeShelf?, whenDone: @Sendable (Relay.PutBack) -> Void)
    /// An operator wants a connection closed that is not at this node; told what became of it.
    case kick(ConnectionID, answer: @Sendable (KickOutcome) -> Void)
    /// An operator wants to see which rooms other nodes have; told once.
    case list(ListingExtent, answer: @Sendable (ListedRooms) -> Void)
    /// Nobody is here any more, and nobody will come.
    case farewell
}

/// Counts of a node of a cluster, for an operator.
package struct ClusterFigures: Equatable, Sendable {
    package init() {}

    /// Payloads of members of this node for other nodes, a broadcast being one.
    package internal(set) var sent = 0
    /// Payloads of members of other nodes for some of this.
    package internal(set) var received = 0
    /// Joins that wait for the other nodes.
    package internal(set) var joining = 0
    /// Payloads that wait for an answer of their targets' nodes.
    package internal(set) var unanswered = 0
    /// Connections that wait for room in the lines to other nodes.
    package internal(set) var waiting = 0
    /// How often a line to another node was full.
    package internal(set) var full = 0
    /// Nodes that live, this one too, as far as it knows.
    package internal(set) var nodes = 1
    /// In which format rooms' documents are written.
    package internal(set) var format: UInt8 = 0
    package internal(set) var counted = ClusterNode.Tally()
    /// All nodes, as this one knows them.
    package internal(set) var roster: [NodeSummary] = []
}

/// Notes wait in the line.
package struct ClusterKnock: Sendable {
    package init() {}
}

/// Between the loops and what speaks for this node on the bus: the one is made before the other.
///
/// The notes wait here, since here their type is known: in the bus' own mailbox, which is generic,
/// each would be moved by code that has to ask what it is.
package final class BusLine: Sendable {
    private struct Waiting: Sendable {
        var notes: [ClusterNote] = []
        var isKnocked = false
        var bytes = 0
        /// Of the bytes, by client, once there are many.
        var shares: [UInt64: Int]?

        mutating func append(_ payload: OutgoingPayload, from socket: SocketID) {
            bytes += payload.cost
            if shares != nil { shares?[payload.room.share, default: 0] += payload.cost }
            notes.append(.send(payload, from: socket))
            if shares == nil, bytes > BusLine.bytesMax / 4 { count() }
        }

        private mutating func count() {
            var shares: [UInt64: Int] = [:]
            for case .send(let payload, _) in notes {
                shares[payload.room.share, default: 0] += payload.cost
            }
            self.shares = shares
        }
    }

    private struct State: Sendable {
        var knock: (@Sendable () -> Void)?
        var standing = NodeStanding.joining(StableCode("starting"))
        var figures = ClusterFigures()
    }

    /// How much the bus may be behind. Whoever has more of it than is left is held while it speaks:
    /// so there is always some for other clients.
    fileprivate static let bytesMax = 16 << 20

    private let state = Lock(State())
    private let isMember = Atomic(false)
    private let incarnation = Atomic<UInt64>(0)
    private let draining = Atomic(false)
    private let stopping = Atomic(false)
    private let others = Atomic(0)
    private let lastTicket = Atomic<UInt64>(0)
    private let waiting = Lock(Waiting())
    private let hasNotes = Atomic(false)
    /// Payloads that the bus has not taken.
    private let untaken = Atomic(0)
    private let hasMuch = Atomic(false)

    /// The newest format that this node reads.
    package let reads: UInt8

    package init(reads: UInt8 = RoomDocument.format) { self.reads = reads }

    /// `knock` has the handler told on the bus' thread, from any thread, that there are notes.
    /// To be called before anybody is admitted.
    package func connect(_ knock: @escaping @Sendable () -> Void) {
        state.withLock { $0.knock = knock }
    }

    // MARK: The loops

    /// It is heard once whoever says it knocks: at the end of its turn, or the bus' thread would
    /// be awake before there is more.
    func tell(_ note: ClusterNote) {
        if case .send(let payload, let socket) = note { return send(payload, from: socket) }
        waiting.withLock { waiting in
            waiting.notes.append(note)
            hasNotes.store(true, ordering: .releasing)
        }
    }

    /// The same for a payload.
    func send(_ payload: OutgoingPayload, from socket: SocketID) {
        let isTight = waiting.withLock { waiting in
            waiting.append(payload, from: socket)
            untaken.add(1, ordering: .relaxed)
            hasNotes.store(true, ordering: .releasing)
            return waiting.shares != nil
        }
        if isTight { hasMuch.store(true, ordering: .relaxed) }
    }

    /// Has the handler told that there are notes, where there are.
    func knock() {
        guard hasNotes.load(ordering: .acquiring) else { return }
        let mustKnock = waiting.withLock { waiting in
            guard !waiting.notes.isEmpty, !waiting.isKnocked else { return false }
            waiting.isKnocked = true
            return true
        }
        guard mustKnock else { return }
        let knock = state.withLock { $0.knock }
        knock?()
    }

    func makeTicket() -> UInt64 { lastTicket.add(1, ordering: .relaxed).newValue }

    /// Whether joins are asked for.
    var admitsJoins: Bool { isMember.load(ordering: .relaxed) && !isDraining }

    /// This node, as secrets name it.
    var home: Incarnation { Incarnation(raw: incarnation.load(ordering: .relaxed)) }

    /// Its sessions go to other nodes.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// They will, soon.
    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    func noteStopping() { stopping.store(true, ordering: .relaxed) }

    func noteDraining() { draining.store(true, ordering: .relaxed) }

    /// So much waits that somebody may have too much of it.
    var isTight: Bool { hasMuch.load(ordering: .relaxed) }

    /// Whether what was said of this `RoomPlace.share`, and the bus has not taken, is too much.
    func isBehind(_ share: UInt64) -> Bool {
        waiting.withLock { waiting in
            (waiting.shares?[share] ?? 0) > Self.bytesMax - waiting.bytes
        }
    }

    /// Nothing waits for the handler.
    var isQuiet: Bool { waiting.withLock { $0.notes.isEmpty } }

    /// Whether something is said that the bus has not taken.
    var isBusy: Bool { untaken.load(ordering: .acquiring) > 0 }

    /// How many other nodes could have them.
    var livingOthers: Int { others.load(ordering: .relaxed) }

    // MARK: The bus' thread

    func note(livingOthers count: Int) { others.store(count, ordering: .relaxed) }

    func live(as home: Incarnation) { incarnation.store(home.raw, ordering: .relaxed) }

    /// What waits goes into `notes`, which is empty and lends its storage to what comes; to be
    /// followed by `noteTaken`.
    func collect(_ notes: inout [ClusterNote]) {
        waiting.withLock { waiting in
            swap(&waiting.notes, &notes)
            waiting.isKnocked = false
            waiting.bytes = 0
            waiting.shares = nil
            // Within, or a note that is told meanwhile would be thought collected.
            hasNotes.store(false, ordering: .relaxed)
        }
        hasMuch.store(false, ordering: .relaxed)
    }

    /// So many are sent, or are for nobody: whoever finds that nothing is left may say more
    /// without the bus.
    func noteTaken(sends count: Int) {
        if count != 0 { untaken.subtract(count, ordering: .releasing) }
    }

    func stand(_ standing: NodeStanding) {
        state.withLock { $0.standing = standing }
        isMember.store(standing == .member, ordering: .relaxed)
    }

    func publish(_ figures: ClusterFigures) { state.withLock { $0.figures = figures } }

    // MARK: Looking

    var figures: ClusterFigures { state.withLock { $0.figures } }
    var standing: NodeStanding { state.withLock { $0.standing } }
}

extension OutgoingPayload {
    /// About what it takes to have it wait.
    fileprivate var cost: Int { event.count + 256 }
}

extension NodeStanding {
    /// Why a node takes no part, by a stable code; nil where it does.
    package var trouble: String? {
        switch self {
        case .joining(let code): code.text
        case .member: nil
        case .cutOff: "cluster_unreachable"
        case .lost: "cluster_lost"
        case .condemned: "declared_dead"
        case .left: "left"
        case .refused: "refused"
        }
    }
}
