import Cluster
import Identifiers
import Signalling
import TestSupport

/// Several nodes whose members talk in one room, over lines that lose, double and reorder, while
/// members move from node to node and nodes die. What the room's document says is given.
struct PayloadNet {
    struct Node {
        var isAlive = true
        var source: PayloadSource
        var inbox: PayloadInbox
        var lines: [Incarnation: ClusterLine] = [:]
        /// Which version of the room it knows.
        var known = 0
        var dead: Set<Incarnation> = []
        var open: [UInt64: Sending] = [:]
        /// Sessions whose clients are attached.
        var clients: Set<ConnectionID> = []
        /// Sessions that take what comes, attached or not.
        var sessions: Set<ConnectionID> = []
        var givers: [ConnectionID: HandOverGiver] = [:]
        var takers: [ConnectionID: HandOverTaker] = [:]
        var attempts: [UInt64: ConnectionID] = [:]
        /// Who asked for a session that is on its way here.
        var asking: [(node: Incarnation, mail: HandOverMail)] = []
    }

    struct Sending {
        let sender: ConnectionID
        let count: Int
        /// Nil for the whole room.
        let target: ConnectionID?
        let expected: Set<ConnectionID>
        /// Of how many deaths its node knew.
        let deaths: Int
    }

    struct Heard: Hashable {
        let sender: ConnectionID
        let count: Int
    }

    /// A member's session, wherever it is.
    struct Session {
        var heard: [Heard] = []
        var count = 0
        /// The home that its client knows.
        var home: Incarnation
        var isLost = false
    }

    enum Event {
        case frame(ClusterFrame, to: Incarnation)
        case learn(Int, at: Incarnation)
        case died(Incarnation, at: Incarnation)
        case adopt(ConnectionID, from: Incarnation, at: Incarnation)
        case strip(Incarnation)
        case frozen(ConnectionID, HandOverState, at: Incarnation)
    }

    enum Mark: CaseIterable {
        case kept, unknown, full, parked, moved, early, died, toItself
        case given, refused, elsewhere, failed, released, ended, asked, pieces
    }

    static let room = RoomPlace(
        digest: RoomDigest(bytes: Array(repeating: 7, count: 32)), clientID: "a", name: "r")

    var random: SeededGenerator
    var nodes: [Incarnation: Node] = [:]
    var sessions: [ConnectionID: Session] = [:]
    /// The homes of members, by version.
    var versions: [[ConnectionID: Incarnation]] = [[:]]
    var events: [(due: Int, event: Event)] = []
    var now = 0
    var isCalm = false
    var lastTicket: UInt64 = 0
    var faults: [String] = []
    var marks: Set<Mark> = []
    var lastAttempt: UInt64 = 0
    /// A broadcast may have been on its way through a node that died; those don't count.
    var kept: [Sending] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        var limits = PayloadSource.Limits()
        limits.payloadsMax = 12
        limits.bytesMax = 400
        let all = (1...3).map { Incarnation(raw: $0) }
        for node in all {
            nodes[node] = Node(source: PayloadSource(limits), inbox: PayloadInbox(at: node))
            for other in all where other != node {
                nodes[node]?.lines[other] = ClusterLine(from: node, to: other)
            }
        }
        for id: UInt64 in 1...6 {
            let home = all[Int(id) % 3]
            sessions[ConnectionID(raw: id)] = Session(home: home)
            nodes[home]?.clients.insert(ConnectionID(raw: id))
            nodes[home]?.sessions.insert(ConnectionID(raw: id))
            versions[0][ConnectionID(raw: id)] = home
        }
    }

    mutating func later(_ most: Int = 8) -> Int {
        now + 1 + Int.random(in: 0...(isCalm ? 1 : most), using: &random)
    }

    var living: [Incarnation] { nodes.keys.filter { nodes[$0]?.isAlive == true }.sorted() }

    /// What this node thinks where members are.
    func view(_ node: Incarnation) -> [ConnectionID: Incarnation] {
        guard let state = nodes[node] else { return [:] }
        return versions[state.known].filter { !state.dead.contains($0.value) }
    }

    mutating func run() {
        for _ in 0..<250 { step() }
        isCalm = true
        for _ in 0..<160 { step() }
        check()
    }

    private mutating func step() {
        now += 1
        if !isCalm {
            for _ in 0..<Int.random(in: 0...3, using: &random) { talk() }
            if Int.random(in: 0...14, using: &random) == 0 { beginMove() }
            if now > 60, Int.random(in: 0...150, using: &random) == 0, living.count > 2 {
                kill(living[now % 3])
            }
        }
        for node in living {
            for connection in nodes[node]?.givers.keys.sorted() ?? [] {
                guard nodes[node]?.source.awaitSettled(connection) == true else { continue }
                give(.settled, connection, at: node)
            }
        }
        while let index = events.indices.filter({ events[$0].due <= now })
            .randomElement(using: &random)
        {
            perform(events.remove(at: index).event)
        }
        for node in living {
            if now % 5 == 0, let outcome = nodes[node]?.source.tick() { perform(outcome, at: node) }
            publish(node)
        }
        for connection in sessions.keys {
            for isOpen in [\Node.clients, \Node.sessions]
            where living.filter({ nodes[$0]?[keyPath: isOpen].contains(connection) == true }).count
                > 1
            {
                faults.append("\(connection.raw) is at two nodes")
            }
        }
    }

    private mutating func publish(_ node: Incarnation) {
        for (other, taken) in nodes[node]?.inbox.takeUnsaid() ?? [] {
            if let number = nodes[node]?.lines[other]?.push(.queued(taken.names)) {
                nodes[node]?.inbox.noteAnswered(taken, of: other, as: number)
            }
        }
        for other in nodes[node]?.lines.keys.sorted() ?? [] {
            if Int.random(in: 0...3, using: &random) == 0 { nodes[node]?.lines[other]?.tick() }
            while let bytes = nodes[node]?.lines[other]?.nextFrame() {
                guard let frame = try? ClusterFrame(bytes) else {
                    faults.append("a frame can't be read")
                    continue
                }
                let copies = isCalm ? 1 : [0, 1, 1, 1, 2].randomElement(using: &random) ?? 1
                for _ in 0..<copies { events.append((later(), .frame(frame, to: other))) }
            }
        }
    }

    // MARK: Talking

    private mutating func talk() {
        guard let sender = sessions.keys.sorted().randomElement(using: &random),
            let node = living.first(where: { nodes[$0]?.clients.contains(sender) == true })
        else { return }
        let view = view(node)
        guard view[sender] == node else { return }
        let others = view.filter { $0.key != sender }
        let viaBus = others.filter { $0.value == node && !isDirect($0.key, at: node) }
        sessions[sender]?.count += 1
        let count = sessions[sender]?.count ?? 0
        var target: OutgoingPayload.Target = .members([])
        var homes: [Incarnation: [ConnectionID]] = [:]
        if Int.random(in: 0...2, using: &random) > 0 {
            guard let other = others.keys.sorted().randomElement(using: &random),
                let home = others[other]
            else { return }
            if home == node, viaBus[other] == nil {
                return hear(other, Heard(sender: sender, count: count))
            }
            target = .member(other, at: home)
        } else {
            homes = Dictionary(grouping: others.keys.sorted()) { others[$0] ?? node }
            homes[node] = viaBus.isEmpty ? nil : viaBus.keys.sorted()
        }
        lastTicket += 1
        let payload = OutgoingPayload(
            room: Self.room, sender: sender, target: target,
            event: [UInt8(truncatingIfNeeded: sender.raw)]
                + [8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
                + Array(repeating: 0, count: Int.random(in: 0...60, using: &random)),
            ticket: lastTicket)
        let revision = Revision(raw: UInt64(nodes[node]?.known ?? 0))
        switch nodes[node]?.source.send(payload, at: revision, to: homes) {
        case .taken(let outcome):
            let deaths = nodes[node]?.dead.count ?? 0
            var sending = Sending(
                sender: sender, count: count, target: nil,
                expected: Set(others.keys), deaths: deaths)
            if case .member(let other, _) = target {
                sending = Sending(
                    sender: sender, count: count, target: other, expected: [other],
                    deaths: deaths)
            } else {
                for (other, home) in others where home == node && viaBus[other] == nil {
                    hear(other, Heard(sender: sender, count: count))
                }
            }
            nodes[node]?.open[lastTicket] = sending
            perform(outcome, at: node)
        case .full: marks.insert(.full)
        case nil: break
        }
    }

    func isOpen(_ connection: ConnectionID, at node: Incarnation) -> Bool {
        nodes[node]?.sessions.contains(connection) == true
    }

    /// As the relay does without asking anybody.
    private mutating func isDirect(_ connection: ConnectionID, at node: Incarnation) -> Bool {
        isOpen(connection, at: node) && nodes[node]?.source.awaitClear(connection) == true
    }

    private mutating func hear(_ connection: ConnectionID, _ heard: Heard) {
        guard let session = sessions[connection] else { return }
        if session.heard.contains(heard) { faults.append("\(connection.raw): doubled \(heard)") }
        let last = session.heard.last { $0.sender == heard.sender }
        if let last, last.count > heard.count {
            faults.append("\(connection.raw): \(heard) behind \(last)")
        }
        sessions[connection]?.heard.append(heard)
    }

    mutating func perform(_ outcome: PayloadSource.Outcome, at node: Incarnation) {
        for parcel in outcome.parcels {
            guard parcel.node != node else {
                marks.insert(.toItself)
                take(parcel.payload, from: node, at: node)
                continue
            }
            nodes[node]?.lines[parcel.node]?.push(.payload(parcel.payload))
        }
        for answer in outcome.answers {
            guard let sending = nodes[node]?.open.removeValue(forKey: answer.ticket) else {
                faults.append("\(answer.ticket) was answered twice")
                continue
            }
            marks.insert(answer.isKept ? .kept : .unknown)
            if answer.isKept, sending.deaths == nodes.count - living.count || sending.target != nil
            {
                kept.append(sending)
            }
        }
    }

    /// What is kept was heard by all who still are there.
    private mutating func check(_ sending: Sending) {
        let heard = Heard(sender: sending.sender, count: sending.count)
        for connection in sending.expected.sorted() {
            guard let session = sessions[connection], !session.isLost,
                !session.heard.contains(heard)
            else { continue }
            faults.append("\(connection.raw): kept and never heard \(heard)")
        }
    }

    // MARK: Hearing

    mutating func take(
        _ payload: PayloadMail, from source: Incarnation, at node: Incarnation
    ) {
        let known = nodes[node]?.known ?? 0
        let steps = nodes[node]?.inbox.take(payload, from: source) { $1.raw <= UInt64(known) }
        perform(steps ?? [], at: node)
    }

    mutating func perform(_ steps: [PayloadInbox.Step], at node: Incarnation) {
        for step in steps {
            switch step {
            case .lookUp:
                marks.insert(.parked)
                events.append((later(), .learn(versions.count - 1, at: node)))
            case .answer(let answer, _, _, _):
                if case .moved(let moves) = answer, moves.contains(where: { $0.home == node }) {
                    marks.insert(.early)
                }
                say(step, at: node)
            case .deliver(let payload, let receipt): deliver(payload, receipt, at: node)
            }
        }
    }

    private mutating func deliver(
        _ payload: PayloadMail, _ receipt: PayloadInbox.Receipt, at node: Incarnation
    ) {
        let event = Array(payload.event)
        let heard = Heard(
            sender: ConnectionID(raw: UInt64(event[0])), count: Int(event[1]) << 8 | Int(event[2]))
        var isTaken = false
        for target in receipt.targets where isOpen(target, at: node) {
            isTaken = true
            hear(target, heard)
        }
        if isTaken, receipt.isWhole, receipt.source != node {
            nodes[node]?.inbox.noteTaken(receipt)
            return
        }
        guard let step = nodes[node]?.inbox.answer(to: receipt, isTaken: isTaken) else { return }
        if let number = say(step, at: node), isTaken {
            nodes[node]?.inbox.noteAnswered(.init(receipt), of: receipt.source, as: number)
        }
    }

    @discardableResult
    private mutating func say(_ step: PayloadInbox.Step, at node: Incarnation) -> UInt64? {
        guard case .answer(let answer, let number, let target, let source) = step else {
            return nil
        }
        if case .moved = answer { marks.insert(.moved) }
        if source == node {
            if let outcome = nodes[node]?.source.take(answer, to: number, for: target, from: node) {
                perform(outcome, at: node)
            }
            return nil
        }
        return nodes[node]?.lines[source]?.push(
            .answer(number: number, target: target, answer))
    }

    mutating func receive(_ frame: ClusterFrame, at node: Incarnation) {
        guard living.contains(node), let arrival = nodes[node]?.lines[frame.sender]?.receive(frame)
        else { return }
        if let last = arrival.answered.last {
            nodes[node]?.inbox.confirmed(upTo: last, by: frame.sender)
        }
        for mail in arrival.mails {
            switch mail {
            case .payload(let payload): take(payload, from: frame.sender, at: node)
            case .answer(let number, let target, let answer):
                if let outcome = nodes[node]?.source.take(
                    answer, to: number, for: target, from: frame.sender)
                {
                    perform(outcome, at: node)
                }
            case .queued(let names):
                if let outcome = nodes[node]?.source.take(queued: names, from: frame.sender) {
                    perform(outcome, at: node)
                }
            case .handOver(let mail): take(mail, from: frame.sender, at: node)
            default: faults.append("nobody said that")
            }
        }
    }

    private mutating func check() {
        for sending in kept { check(sending) }
        for node in living {
            guard let state = nodes[node] else { continue }
            if !state.open.isEmpty {
                faults.append("\(node.raw): never answered \(state.open.count)")
            }
            if !state.source.isIdle { faults.append("\(node.raw) is not idle") }
            if !state.givers.isEmpty || !state.takers.isEmpty || !state.asking.isEmpty {
                faults.append("\(node.raw) gives or takes still")
            }
        }
        for (connection, session) in sessions {
            let homes = living.filter { nodes[$0]?.clients.contains(connection) == true }
            if session.isLost, living.count == nodes.count {
                faults.append("\(connection.raw) was lost, and nobody died")
            }
            if homes.count != (session.isLost ? 0 : 1) {
                faults.append("\(connection.raw) is at \(homes)")
            }
            if versions.last?[connection] != homes.first {
                faults.append(
                    "\(connection.raw) is elsewhere in the document than at \(homes)")
            }
        }
    }
}
