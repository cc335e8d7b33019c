import Cluster
import Identifiers
import Rooms
import Signalling
import TestSupport

/// What befalls the nodes of a model; what happens in between is chosen by `seed`, so that a
/// sequence without one of its steps still is much the same.
struct ModelStep {
    enum Kind {
        case join(node: Int, peer: Int, isV1: Bool)
        case leave(node: Int, member: Int)
        case kill(node: Int)
        /// It lives, and is taken for dead.
        case suspect(node: Int)
        case cut(from: Int, to: Int)
        case heal
        case vanish
    }

    let kind: Kind
    let seed: UInt64
}

/// What a model has to have met, or it shows nothing.
enum ModelMark: CaseIterable {
    case first, present, joined, left, admitted, refused, replaced, takenOut, empty
    case conflict, silence, lateWrite, oldRead, oldAbsence, purge
    case frameLost, mailDoubled, death, anew, writtenBack, proof
}

enum ModelMail: Sendable {
    case document(RoomDocument, Revision)
    case acknowledged(Revision, BucketEpoch)
}

/// Several nodes with one room, over an imagined store and imagined lines.
struct ModelNet {
    struct Node {
        var incarnation: Incarnation
        var writer: RoomWriter
        var links: [Incarnation: Link<ModelMail>] = [:]
        var clients: [ConnectionID: ModelClient] = [:]
        var isRunning = true
        /// Of whose deaths it has heard.
        var dead: Set<Incarnation>
    }

    enum Event {
        case input(RoomWriter.Input)
        case frame(from: Incarnation, Link<ModelMail>.Frame)
        case renewed
        case restored(BucketEpoch)
        case died(Incarnation)
    }

    static let membersMax = 6
    /// For how many steps a node may go on that was declared dead.
    static let unawareness = 60

    var random = SeededGenerator(seed: 0)
    var store = ModelStore()
    var nodes: [Node] = []
    var events: [(due: Int, to: Incarnation, event: Event)] = []
    var deaths: [(due: Int, node: Incarnation)] = []
    /// When a node that died will write no more.
    var quiets: [Int] = []
    var purges: [(due: Int, revision: Revision)] = []
    var dead: Set<Incarnation> = []
    var cuts: Set<[Int]> = []
    var now = 0
    var isCalm = false
    var isRestoring = false
    var lastNumber: UInt64 = 0
    var faults: [String] = []
    var marks: Set<ModelMark> = []

    init(nodes count: Int) {
        for _ in 0..<count { nodes.append(start()) }
    }

    mutating func number() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    mutating func start() -> Node {
        let incarnation = Incarnation(raw: number())
        let before = BucketEpoch(createdAt: .max, nonce: 0)
        var writer = RoomWriter(
            of: "a", "r", at: incarnation, in: isRestoring ? before : store.epoch,
            membersMax: Self.membersMax, dead: dead)
        // Who starts while others are writing back waits with them.
        if isRestoring { _ = writer.handle(.renewed(store.epoch)) }
        return Node(incarnation: incarnation, writer: writer, dead: dead)
    }

    mutating func chance(_ of: Int) -> Bool {
        !isCalm && Int.random(in: 0..<of, using: &random) == 0
    }

    mutating func later(_ most: Int = 6) -> Int {
        now + 1 + Int.random(in: 0...(isCalm ? 1 : most), using: &random)
    }

    // MARK: Steps

    mutating func take(_ step: ModelStep) {
        random = SeededGenerator(seed: step.seed)
        switch step.kind {
        case .join(let node, let peer, let isV1): join(node, peer, isV1)
        case .leave(let node, let member):
            let ids = nodes[node].clients.keys.sorted()
            if nodes[node].isRunning, !ids.isEmpty { leave(node, ids[member % ids.count]) }
        case .kill(let node): kill(node)
        case .suspect(let node):
            if nodes[node].isRunning { deaths.append((now, nodes[node].incarnation)) }
        case .cut(let from, let to): cuts.insert([from, to])
        case .heal: cuts = []
        case .vanish: vanish()
        }
        for _ in 0..<Int.random(in: 0...12, using: &random) { turn() }
    }

    private mutating func join(_ node: Int, _ peer: Int, _ isV1: Bool) {
        guard nodes[node].isRunning else { return }
        let route: RoomMember.Route = isV1 ? .v1(subject: "a:\(peer % 4)") : .classic(address: 0)
        let member = RoomMember(
            connection: ConnectionID(raw: number()), route: route,
            peerID: PeerID("p\(peer % 3)"))
        nodes[node].clients[member.connection] = ModelClient(member, since: now)
        input(node, .join(member))
    }

    private mutating func leave(_ node: Int, _ connection: ConnectionID) {
        dismiss(node, connection)
        input(node, .leave(connection, .left))
    }

    private mutating func kill(_ node: Int) {
        guard nodes[node].isRunning else { return }
        nodes[node].isRunning = false
        for connection in nodes[node].clients.keys { dismiss(node, connection) }
        deaths.append((now + ModelStore.staleness + 5, nodes[node].incarnation))
    }

    private mutating func vanish() {
        store.vanish()
        isRestoring = true
        purges = []
        for node in nodes where node.isRunning {
            events.append((later(20), node.incarnation, .renewed))
        }
    }

    mutating func dismiss(_ node: Int, _ connection: ConnectionID) {
        guard let client = nodes[node].clients.removeValue(forKey: connection) else { return }
        if let fault = client.fault { faults.append("\(connection.raw): \(fault)") }
    }

    // MARK: Time

    mutating func turn() {
        now += 1
        if store.pass(to: now) { marks.insert(.lateWrite) }
        for purge in purges where purge.due <= now {
            if store.purge(upTo: purge.revision, at: now) { marks.insert(.purge) }
        }
        purges.removeAll { $0.due <= now }
        for _ in quiets.filter({ $0 <= now }) {
            // Whoever started since has to look as well.
            for node in nodes.indices where nodes[node].isRunning { input(node, .recheck) }
        }
        quiets.removeAll { $0 <= now }
        for death in deaths where death.due <= now { declare(death.node) }
        deaths.removeAll { $0.due <= now }
        while let index = events.indices.filter({ events[$0].due <= now })
            .randomElement(using: &random)
        {
            let (_, to, event) = events.remove(at: index)
            if let node = nodes.firstIndex(where: { $0.incarnation == to && $0.isRunning }) {
                perform(event, at: node)
            }
        }
        for node in nodes.indices where nodes[node].isRunning { publish(node) }
        openIfRestored()
    }

    private mutating func declare(_ victim: Incarnation) {
        if dead.insert(victim).inserted {
            marks.insert(.death)
            for node in nodes where node.isRunning {
                // The one that it is about may be the last to learn it.
                let due = later(node.incarnation == victim ? Self.unawareness : 6)
                events.append((due, node.incarnation, .died(victim)))
            }
            quiets.append(now + Self.unawareness + 2 * ModelStore.staleness + 9)
        }
        // Another process takes the place of one that was killed.
        if let node = nodes.firstIndex(where: { $0.incarnation == victim && !$0.isRunning }) {
            nodes[node] = start()
        }
    }

    private mutating func openIfRestored() {
        guard isRestoring else { return }
        let living = nodes.filter { !dead.contains($0.incarnation) }
        guard living.allSatisfy({ $0.isRunning && $0.writer.hasWrittenBack(into: store.epoch) })
        else { return }
        isRestoring = false
        for node in living {
            events.append((later(), node.incarnation, .restored(store.epoch)))
        }
    }

    private mutating func publish(_ node: Int) {
        let from = nodes[node].incarnation
        for to in nodes[node].links.keys.sorted() {
            if Int.random(in: 0...3, using: &random) == 0 { nodes[node].links[to]?.tick() }
            while let frame = nodes[node].links[to]?.nextFrame() {
                let other = nodes.firstIndex { $0.incarnation == to }
                let isCut = other.map { cuts.contains([node, $0]) } ?? true
                let copies = isCut || chance(5) ? 0 : chance(6) ? 2 : 1
                if copies != 1 { marks.insert(copies == 0 ? .frameLost : .mailDoubled) }
                for _ in 0..<copies { events.append((later(), to, .frame(from: from, frame))) }
            }
        }
    }

    private mutating func perform(_ event: Event, at node: Int) {
        switch event {
        case .input(let value): input(node, value)
        case .frame(let from, let frame): receive(frame, from: from, at: node)
        case .renewed: input(node, .renewed(store.epoch))
        case .restored(let epoch):
            guard nodes[node].writer.hasWrittenBack(into: epoch) else { return }
            marks.insert(nodes[node].clients.isEmpty ? .writtenBack : .proof)
            input(node, .restored)
        case .died(let victim):
            if victim == nodes[node].incarnation { return beginAnew(node) }
            nodes[node].links[victim] = nil
            nodes[node].dead.insert(victim)
            input(node, .died(victim))
        }
    }

    /// It was taken for dead, and learns it.
    private mutating func beginAnew(_ node: Int) {
        for connection in nodes[node].clients.keys { dismiss(node, connection) }
        nodes[node] = start()
        marks.insert(.anew)
    }

    private mutating func receive(
        _ frame: Link<ModelMail>.Frame, from other: Incarnation, at node: Int
    ) {
        // A line ends with the nodes at its ends.
        guard !nodes[node].dead.contains(other) else { return }
        let arrival = nodes[node].links[other, default: Link()].receive(frame)
        for mail in arrival.mails {
            switch mail {
            case .document(let document, let revision):
                input(node, .announced(document, revision))
                send(.acknowledged(revision, document.epoch), from: node, to: other)
            case .acknowledged(let revision, let epoch):
                if epoch == nodes[node].writer.epoch {
                    input(node, .acknowledged(revision, by: other))
                }
            }
        }
    }

    mutating func send(_ mail: ModelMail, from node: Int, to other: Incarnation) {
        _ = nodes[node].links[other, default: Link()].send(mail)
    }
}
