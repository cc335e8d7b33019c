import Cluster
import Identifiers
import Rooms
import Signalling

/// Some whole nodes over a store that answers at once and lines that lose nothing.
struct ClusterScene {
    static let epoch = BucketEpoch(createdAt: 1, nonce: 1 << 20)
    static let room = RoomPlace(
        digest: RoomDigest(bytes: Array(repeating: 1, count: 32)), clientID: "a", name: "r")

    var nodes: [ClusterNode] = []
    /// What each said to its relay, and asked of the bus.
    var said: [[ClusterNode.Effect]] = []
    var keys: [StoreKey: (bytes: [UInt8], revision: Revision)] = [:]
    var lastRevision: UInt64 = 1 << 20
    var now: Int64 = 0
    /// Whose requests are answered with `unknown`.
    var cut: Set<Int> = []
    /// Whose writes come through, and are answered with `unknown` all the same.
    var unanswered: Set<Int> = []
    /// Whose frames are lost.
    var mute: Set<Int> = []

    init(_ count: Int, membersMax: Int = 0) {
        for node in 0..<count {
            let configuration = ClusterNode.Configuration(
                nodeName: "n\(node)", alike: [], membersPerRoomMax: membersMax)
            nodes.append(ClusterNode(configuration, Incarnation(raw: UInt64(node) + 1)))
            said.append([])
            give(node, .tick(0))
            give(node, .bus(.connected(Self.epoch)))
            give(node, .bus(.watchedAll))
        }
        run(6000)
    }

    mutating func run(_ milliseconds: Int64) {
        let end = now + milliseconds
        while now < end {
            now += 100
            for node in nodes.indices { give(node, .tick(now)) }
        }
    }

    mutating func give(_ node: Int, _ input: ClusterNode.Input) {
        perform(nodes[node].handle(input), node)
        if case .turnEnded = input { return }
        perform(nodes[node].handle(.turnEnded), node)
    }

    mutating func join(_ node: Int, _ id: UInt64, sdp: [UInt8]? = nil) {
        let member = RoomMember(
            connection: ConnectionID(raw: id), route: .v1(subject: nil), peerID: PeerID("p\(id)"))
        give(node, .join(member, Self.room, sdp: sdp))
    }

    mutating func say(_ node: Int, _ sender: UInt64, to target: UInt64, at home: Int) -> Bool {
        let payload = OutgoingPayload(
            room: Self.room, sender: ConnectionID(raw: sender),
            target: .member(ConnectionID(raw: target), at: nodes[home].incarnation), event: [7],
            ticket: 1)
        guard case .taken(let effects) = nodes[node].send(payload) else { return false }
        perform(effects + nodes[node].handle(.turnEnded), node)
        return true
    }

    private mutating func perform(_ effects: [ClusterNode.Effect], _ node: Int) {
        for effect in effects {
            said[node].append(effect)
            perform(effect, node)
        }
    }

    private mutating func perform(_ effect: ClusterNode.Effect, _ node: Int) {
        switch effect {
        case .read(let key, let request):
            let found = StoreAnswer.found(keys[key]?.bytes, keys[key]?.revision ?? .absent)
            answer(node, cut.contains(node) ? .unknown : found, request)
        case .write(let key, let bytes, let base, let request):
            guard !cut.contains(node) else { return answer(node, .unknown, request) }
            guard keys[key]?.revision ?? .absent == base else {
                return answer(node, .conflict, request)
            }
            lastRevision += 1
            let revision = Revision(raw: lastRevision)
            keys[key] = (bytes, revision)
            if !key.isRoom {
                for node in nodes.indices { give(node, .bus(.watched(key, bytes, revision))) }
            }
            answer(node, unanswered.contains(node) ? .unknown : .accepted(revision), request)
        case .purge(let key, _): keys[key] = nil
        case .frame(let bytes, let to):
            guard !mute.contains(node) else { return }
            for other in nodes.indices where nodes[other].incarnation == to {
                give(other, .bus(.frame(bytes)))
            }
        case .heartbeat(let bytes):
            for other in nodes.indices where other != node {
                give(other, .bus(.heartbeat(bytes)))
            }
        default: return
        }
    }

    private mutating func answer(_ node: Int, _ answer: StoreAnswer, _ request: UInt64) {
        give(node, .bus(.answer(answer, request: request)))
    }

    // MARK: Looking

    func has(_ node: Int, _ effect: ClusterNode.Effect) -> Bool { said[node].contains(effect) }

    func admitted(_ id: UInt64) -> ClusterNode.Effect {
        .admitted(ConnectionID(raw: id), Self.room)
    }

    var document: RoomDocument? {
        keys[.room(Self.room.digest)].flatMap { try? RoomDocument($0.bytes) }
    }

    func reads(_ node: Int) -> Int {
        said[node].count { if case .read(.room, _) = $0 { true } else { false } }
    }
}

extension StoreKey {
    var isRoom: Bool { if case .room = self { true } else { false } }
}
