import Cluster
import Identifiers
import Rooms
import Sessions
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
    /// Who is not answered when it reads another's key.
    var unread: Set<Int> = []
    /// Whose writes come through, and are answered with `unknown` all the same.
    var unanswered: Set<Int> = []
    /// Whose writes to the room do not come through.
    var stuck: Set<Int> = []
    /// Whose frames are lost.
    var mute: Set<Int> = []
    /// Between which frames are lost, from one to the other.
    var cutLines: Set<[Int]> = []
    /// Sessions in the room, by their nodes, and those that say nothing to `settle`.
    var sessions: [Set<UInt64>] = []
    var unsettled: Set<UInt64> = []
    /// Those whose state is a while in coming, until `frozen`.
    var unfrozen: Set<UInt64> = []
    /// What comes for members is put into their queues.
    var delivers = false
    var killed: Set<Int> = []

    init(_ count: Int, membersMax: Int = 0, reads: UInt8 = 1) {
        self.init(reads: Array(repeating: reads, count: count), membersMax: membersMax)
    }

    /// A node for each of these.
    init(reads: [UInt8], membersMax: Int = 0) {
        for (node, reads) in reads.enumerated() {
            let configuration = ClusterNode.Configuration(
                nodeName: "n\(node)", alike: [], membersPerRoomMax: membersMax, reads: reads)
            nodes.append(ClusterNode(configuration, Incarnation(raw: UInt64(node) + 1)))
            said.append([])
            sessions.append([])
            give(node, .tick(0))
            give(node, .bus(.connected(Self.epoch)))
            give(node, .bus(.watchedAll))
        }
        run(6000)
    }

    mutating func run(_ milliseconds: Int64, step: Int64 = 100) {
        let end = now + milliseconds
        while now < end {
            now += step
            for node in nodes.indices { give(node, .tick(now)) }
        }
    }

    mutating func give(_ node: Int, _ input: ClusterNode.Input) {
        guard !killed.contains(node) else { return }
        perform(nodes[node].handle(input), node)
        if case .turnEnded = input { return }
        perform(nodes[node].handle(.turnEnded), node)
    }

    /// Lays something under the room's key.
    mutating func put(_ bytes: [UInt8]) {
        lastRevision += 1
        keys[.room(Self.room.digest)] = (bytes, Revision(raw: lastRevision))
    }

    mutating func put(_ document: RoomDocument) { put(document.encoded) }

    mutating func join(
        _ node: Int, _ id: UInt64, in room: RoomPlace = Self.room, sdp: [UInt8]? = nil
    ) {
        let member = RoomMember(
            connection: ConnectionID(raw: id), route: .v1(subject: nil), peerID: PeerID("p\(id)"))
        sessions[node].insert(id)
        give(node, .join(member, room, sdp: sdp))
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
            if !key.isRoom, unread.contains(node) { return }
            let found = StoreAnswer.found(keys[key]?.bytes, keys[key]?.revision ?? .absent)
            answer(node, cut.contains(node) ? .unknown : found, request)
        case .next(let revision, let request):
            let next = keys.filter { $0.key.isRoom && $0.value.revision > revision }
                .min { $0.value.revision < $1.value.revision }
            guard case .room(let room)? = next?.key, let value = next?.value else {
                return answer(node, .found(nil, .absent), request)
            }
            answer(node, .next(room, value.bytes, value.revision), request)
        case .write(let key, let bytes, let base, let request):
            guard !cut.contains(node) else { return answer(node, .unknown, request) }
            guard keys[key]?.revision ?? .absent == base else {
                return answer(node, .conflict, request)
            }
            if key.isRoom, stuck.contains(node) { return answer(node, .unknown, request) }
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
            for other in nodes.indices
            where nodes[other].incarnation == to && !cutLines.contains([node, other]) {
                give(other, .bus(.frame(bytes)))
            }
        case .heartbeat(let bytes):
            for other in nodes.indices where other != node {
                give(other, .bus(.heartbeat(bytes)))
            }
        default: move(effect, node)
        }
    }

    /// What a relay does with sessions that come and go.
    private mutating func move(_ effect: ClusterNode.Effect, _ node: Int) {
        switch effect {
        case .settle(let connection, _):
            guard !unsettled.contains(connection.raw) else { return }
            let isHere = sessions[node].contains(connection.raw)
            give(
                node,
                isHere
                    ? .settled(connection, rooms: isMember(connection) ? [Self.room] : [])
                    : .unsettled(connection))
        case .freeze(let connection):
            sessions[node].remove(connection.raw)
            if !unfrozen.contains(connection.raw) { frozen(node, connection) }
        case .arrive(let connection, _, _, _): sessions[node].insert(connection.raw)
        case .deliver(let payload):
            guard delivers else { return }
            let isTaken = payload.targets.contains { sessions[node].contains($0.raw) }
            give(node, .delivered(payload.receipt, isTaken: isTaken))
        default: return
        }
    }

    mutating func frozen(_ node: Int, _ connection: ConnectionID) {
        give(node, .frozen(connection, record(of: connection), graceSeconds: 30))
    }

    private func isMember(_ connection: ConnectionID) -> Bool {
        document?.room.member(connection) != nil
    }

    func record(of connection: ConnectionID) -> SessionRecord {
        let member = document?.room.member(connection)
        return SessionRecord(
            connection: connection, clientID: "a", subject: "a:x", address: "",
            secret: SecretDigest(bits: UInt128(connection.raw)),
            token: .init(
                id: "", issuedAt: 0, expiresAt: 0, rooms: [], name: nil, secretDigest: []),
            rooms: member.map { member in
                [
                    .init(
                        room: Self.room.name, peerID: member.peerID, name: nil, order: member.order,
                        age: 0)
                ]
            } ?? [],
            EventHistory(limits: HistoryLimits()), at: 0)
    }

    /// It is heard of no more.
    mutating func kill(_ node: Int) {
        mute.insert(node)
        killed.insert(node)
    }

    mutating func resume(_ node: Int, _ id: UInt64, from home: Int) {
        let claim = Self.claim(UInt128(id))
        give(node, .resume(ConnectionID(raw: id), claim, home: nodes[home].incarnation))
    }

    static func claim(_ bits: UInt128) -> SessionClaim {
        SessionClaim(SecretDigest(bits: bits), clientID: "a", subject: "a:x")
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
        keys[.room(Self.room.digest)].flatMap { try? RoomDocument($0.bytes, upTo: 2) }
    }

    /// Whom those of a node were told to have left, and why.
    func left(_ node: Int) -> [LeaveReason] {
        said[node].compactMap { effect in
            if case .tell(_, _, .left(_, let reason), _) = effect { reason } else { nil }
        }
    }

    /// What came for members of a node.
    func delivered(_ node: Int) -> Int {
        said[node].count { if case .deliver = $0 { true } else { false } }
    }

    var isAtRest: Bool { nodes.allSatisfy(\.isAtRest) }

    func reads(_ node: Int) -> Int {
        said[node].count { if case .read(.room, _) = $0 { true } else { false } }
    }
}

extension StoreKey {
    var isRoom: Bool { if case .room = self { true } else { false } }
}
