import Cluster
import Rooms
import Signalling

/// A process with one node, and what of a relay matters: who is connected, and what they are told.
struct ModelHost {
    enum Event {
        case answer(StoreAnswer, request: UInt64)
        case frame([UInt8], to: Incarnation)
        case delivered(PayloadInbox.Receipt, isTaken: Bool)
        case kicked(ConnectionID, wasHere: Bool)
        case reborn
    }

    struct View {
        let room: Room
        let elsewhere: [ConnectionID: Incarnation]
    }

    let name: String
    var node: ClusterNode
    /// Milliseconds by which its clock is ahead.
    let clock: Int64
    var isRunning = true
    var isLeaving = false
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

    init(name: String, _ node: ClusterNode, clock: Int64) {
        self.name = name
        self.node = node
        self.clock = clock
    }

    static func configuration(_ name: String, setting: String = "a") -> ClusterNode.Configuration {
        ClusterNode.Configuration(
            nodeName: name, alike: [("issuer", setting)], membersPerRoomMax: ModelNet.membersMax,
            timing: .model)
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
