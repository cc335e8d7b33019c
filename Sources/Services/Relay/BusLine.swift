package import Cluster
internal import Locking
package import Rooms
package import Signalling
internal import Synchronization
package import WebSocket

/// What the relay's loops tell what speaks for this node on the bus.
package enum ClusterNote: Sendable {
    /// A connection wants into a room that its token grants; `sdp` is JSON.
    case join(RoomMember, RoomPlace, sdp: [UInt8]?)
    case leave(ConnectionID, RoomPlace, LeaveReason)
    case send(OutgoingPayload, from: SocketID)
    /// So far the socket waits, which has said more than the bus has taken.
    case catchUp(SocketID, ConnectionID)
    /// A resume waits no more, since its session has ended.
    case takeUp(WaitingResume)
    /// An operator wants a connection closed that is not at this node; told whether there was one.
    case kick(ConnectionID, answer: @Sendable (Bool) -> Void)
    /// Nobody is here any more, and nobody will come.
    case farewell
}

/// Counts of a node of a cluster, for an operator.
package struct ClusterFigures: Equatable, Sendable {
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
}

/// Between the loops and what speaks for this node on the bus: the one is made before the other.
package final class BusLine: Sendable {
    private struct State: Sendable {
        var tell: (@Sendable (ClusterNote) -> Void)?
        var standing = NodeStanding.joining(StaticStringCode("starting"))
        var figures = ClusterFigures()
    }

    /// While the bus is behind by more, those who speak are held.
    private static let bytesMax = 16 << 20

    private let state = Lock(State())
    private let isMember = Atomic(false)
    private let lastTicket = Atomic<UInt64>(0)
    private let bytes = Atomic(0)

    package init() {}

    /// `tell` hands notes to the handler on the bus' thread, from any thread, in the order of each.
    /// To be called before anybody is admitted.
    package func connect(_ tell: @escaping @Sendable (ClusterNote) -> Void) {
        state.withLock { $0.tell = tell }
    }

    // MARK: The loops

    func tell(_ note: ClusterNote) {
        if case .send(let payload, _) = note { bytes.add(payload.cost, ordering: .relaxed) }
        let tell = state.withLock { $0.tell }
        tell?(note)
    }

    func makeTicket() -> UInt64 { lastTicket.add(1, ordering: .relaxed).newValue }

    /// Whether joins are asked for.
    var admitsJoins: Bool { isMember.load(ordering: .relaxed) }

    /// Whether more is said than the bus has taken.
    var isBehind: Bool { bytes.load(ordering: .relaxed) > Self.bytesMax }

    // MARK: The bus' thread

    func noteTaken(_ payload: OutgoingPayload) {
        bytes.subtract(payload.cost, ordering: .relaxed)
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
