import Cluster
import Rooms
import Signalling

/// A process with one node, and what of a relay matters: who is connected, and what they are told.
struct ModelHost {
    enum Event {
        case answer(StoreAnswer, request: UInt64)
        case frame([UInt8], to: Incarnation)
        case kicked(ConnectionID, wasHere: Bool)
        case reborn
    }

    struct View {
        let room: Room
        let elsewhere: [ConnectionID: Incarnation]
    }

    let name: String
    var node: ClusterNode
    /// Milliseconds by which its clock is ahead, and of each how many thousandths it counts.
    let clock: Int64
    let rate: Int64
    /// The newest format that it reads, and that its next process will.
    let reads: UInt8
    var nextReads: UInt8
    var isRunning = true
    var isLeaving = false
    /// When it last heard that a write was accepted.
    var reachedAt = 0
    /// It stopped for good.
    var hasEnded = false
    var frozenUntil = 0
    var lagsUntil = 0
    var restartAt: Int?
    var connectAt: Int?
    var isConnected = false
    var isStoreCut = false
    var epoch: BucketEpoch?
    var clients: [ConnectionID: ModelClient] = [:]
    var views: [RoomDigest: View] = [:]
    var events: [(due: Int, event: Event)] = []
    /// In their order.
    var watched: [BusEvent] = []
    var heartbeats: [[UInt8]] = []
    /// What follows from what was done, in the same turn.
    var following: [ClusterNode.Input] = []
    /// Since when others are to take its sessions, and whom nobody would.
    var drainsSince: Int?
    var undrainable: Set<ConnectionID> = []
    /// Since when it waits for the others to end, and when it looks at the shelf.
    var shelvesSince: Int?
    var looksAt: Int?
    var hasLooked = false

    init(name: String, _ node: ClusterNode, clock: Int64, rate: Int64) {
        self.name = name
        self.node = node
        self.clock = clock
        self.rate = rate
        (reads, nextReads) = (node.configuration.reads, node.configuration.reads)
    }

    static func configuration(
        _ name: String, setting: String, reads: UInt8, awaitsShelf: Bool
    ) -> ClusterNode.Configuration {
        var configuration = ClusterNode.Configuration(
            nodeName: name, alike: [("issuer", setting)], membersPerRoomMax: ModelNet.membersMax,
            reads: reads, timing: .model)
        configuration.awaitsShelf = awaitsShelf
        return configuration
    }
}

/// What was said to others, and what became of it.
struct ModelPayload {
    let sender: ConnectionID
    let senderHome: Incarnation
    let place: RoomPlace
    /// Nil for all.
    let target: ConnectionID?
    /// Who was elsewhere as the sender's node knew it, and where.
    let targets: [ConnectionID: Incarnation]
    var delivered: Set<ConnectionID> = []
    var isKept: Bool?
}
