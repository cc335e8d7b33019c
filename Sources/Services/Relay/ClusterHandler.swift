internal import Admission
internal import Bytes
package import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
package import WebSocket

/// What the relay's handler on the bus asks of the world; each closure is called by its thread.
package struct ClusterPorts: Sendable {
    /// Tells one loop's handler, and those of all loops; without waiting.
    package let tellLoop: @Sendable (RelayNote, _ loop: Int) -> Void
    package let tellLoops: @Sendable (RelayNote) -> Void
    /// How this node stands in the cluster has changed: for the log, and to end the process where
    /// it may not take part.
    package let stands: @Sendable (NodeStanding) -> Void

    package init(
        tellLoop: @escaping @Sendable (RelayNote, Int) -> Void,
        tellLoops: @escaping @Sendable (RelayNote) -> Void,
        stands: @escaping @Sendable (NodeStanding) -> Void
    ) {
        self.tellLoop = tellLoop
        self.tellLoops = tellLoops
        self.stands = stands
    }
}

/// Speaks for one node on the bus: has `ClusterNode` decide, and does what comes of it, at the bus
/// and here.
///
/// v1 sessions are told and changed from this thread, under their locks, as by any loop; what a
/// loop alone knows, classic connections and who is held, is changed by notes to that loop. All
/// that is to reach sockets is posted before the notes of the same turn: so nobody who is let in
/// says a word before others were told of it.
package struct ClusterHandler<Sockets: SocketPost & ~Copyable>: BusHandler, ~Copyable {
    package typealias Note = ClusterKnock

    private static var spareMax: Int { 1024 }

    let commons: RelayCommons
    let line: BusLine
    let ports: ClusterPorts
    private(set) var node: ClusterNode
    /// Composes and tells; no socket is its own.
    var relay: RelayHandler
    var sockets: Sockets
    /// Members of this node, and those who are about to be or have not left yet.
    var stays: [Stay: Own] = [:]
    var joining: Set<Stay> = []
    /// Of the rooms that members of this node are in.
    var seats: [RoomPlace: Seat] = [:] { didSet { lastSeat = nil } }
    /// What was looked up there last.
    var lastSeat: (place: RoomPlace, membership: Membership)?
    /// Whose payload an answer is for.
    var tickets: [UInt64: ConnectionID] = [:]
    var kicks: [UInt64: @Sendable (KickOutcome) -> Void] = [:]
    var listings: [UInt64: PendingListing] = [:]
    var lines = FullLines()
    /// How many payloads waited in these when the loops were last told what is taken.
    private var held = 0
    /// What clients want to go on with that is at other nodes.
    var resumes = AskedResumes()
    /// What rooms sessions are in that may go to another node.
    var giving: [ConnectionID: [SessionRecord.Room]] = [:]
    /// Members that have come from another node: for those of the first, by their rooms, the node
    /// may have something, and for the others the mailbox, until then on the loops' clock, in
    /// milliseconds.
    var arriving: [RoomDigest: Set<ConnectionID>] = [:]
    var landing: [Stay: (place: RoomPlace, until: Int64)] = [:]
    /// Nil where the node is not about to end.
    var draining: Draining?
    /// Who hears what waits for the next process, until that is known.
    var shelving: Shelving?
    /// Sessions that the process before has left, and that are not all here.
    var comingBack: ComingBack?
    var figures = ClusterFigures()
    /// What follows from what was done, for the node.
    var inputs: [ClusterNode.Input] = []
    /// Storage for the next of them, and for notes of the next turn.
    private var following: [ClusterNode.Input] = []
    private var spare: [ClusterNote] = []
    /// Nodes to which the lines have room again.
    private var roomy: [Incarnation] = []
    private var notes: [(note: ClusterAnswer, loop: Int)] = []
    private var ticks = 0
    /// It has asked itself for something, as a loop would.
    var mustKnock = false

    init(
        _ commons: RelayCommons, _ line: BusLine, _ ports: ClusterPorts,
        _ node: consuming ClusterNode, _ sockets: consuming Sockets
    ) {
        self.commons = commons
        self.line = line
        self.ports = ports
        self.node = node
        self.sockets = sockets
        relay = RelayHandler(commons)
        line.live(as: self.node.incarnation)
    }

    // MARK: What comes

    package mutating func told(_: ClusterKnock, _ bus: inout some BusOutput & ~Copyable) {
        var notes: [ClusterNote] = []
        swap(&notes, &spare)
        line.collect(&notes)
        var sends = 0
        for note in notes {
            if note.isPayload { sends += 1 }
            take(note, &bus)
            follow(&bus)
        }
        noteTaken(sends: sends)
        // What a burst took is given back.
        guard notes.capacity <= Self.spareMax else { return }
        notes.removeAll(keepingCapacity: true)
        spare = notes
    }

    /// So many have come; what waits for room in a line is not taken yet.
    mutating func noteTaken(sends count: Int) {
        line.noteTaken(sends: count + held - lines.payloads)
        held = lines.payloads
    }

    private mutating func take(_ note: ClusterNote, _ bus: inout some BusOutput & ~Copyable) {
        switch note {
        case .send(let payload, let socket):
            if lines.hold(note, of: payload.sender) {
                if lines.moves(payload.sender, to: socket) { tell(.full, socket) }
                return
            }
            send(payload, from: socket, &bus)
        case .join(let member, let place, let sdp):
            if lines.hold(note, of: member.connection) { return }
            stays[Stay(member.connection, place)] = Own(member)
            joining.insert(Stay(member.connection, place))
            handle(.join(member, place, sdp: sdp), &bus)
        case .leave(let connection, let place, let reason):
            if lines.hold(note, of: connection) { return }
            // None of an earlier life of this node.
            guard stays[Stay(connection, place)] != nil else { return }
            joining.remove(Stay(connection, place))
            handle(.leave(connection, place, reason), &bus)
        case .catchUp(let socket, let connection):
            // What waits may be of a socket that it had before.
            if lines.isHeld(connection) {
                _ = lines.moves(connection, to: socket)
            } else {
                tell(.hasRoom, socket)
            }
        case .takeUp(let resume): tell(.resume(resume), resume.socket)
        case .resume(let asked): ask(for: asked)
        case .giveUp(let asked): giveUp(asked)
        case .lifted(let connection): lifted(connection)
        case .ended(let connection, let reason): ended(connection, reason)
        case .drain(let whenDone): drain(whenDone)
        case .shelve(let whenDone): shelve(whenDone)
        case .putBack(let shelf, let whenDone): putBack(shelf, whenDone)
        case .kick(let connection, let answer):
            let ticket = line.makeTicket()
            kicks[ticket] = answer
            handle(.kick(connection, ticket: ticket), &bus)
        case .list(let extent, let answer): list(extent, answer)
        case .farewell: handle(.farewell, &bus)
        }
    }

    package mutating func heard(_ event: BusEvent, _ bus: inout some BusOutput & ~Copyable) {
        handle(.bus(event), &bus)
    }

    package mutating func ticked(_ bus: inout some BusOutput & ~Copyable) {
        node.isBackedUp = bus.isBackedUp
        node.isStopping = line.isStopping
        handle(.tick(bus.monotonicMilliseconds), &bus)
        land()
        drainMore()
        follow(&bus)
        line.note(livingOthers: node.livingOthers)
        mustKnock = true
        ticks += 1
        guard ticks.isMultiple(of: 10) else { return }
        node.report = NodeReport(
            connections: UInt32(clamping: commons.ledger.total),
            sessions: UInt32(clamping: commons.sessions.count),
            rooms: UInt32(clamping: commons.rooms.count),
            messages: UInt64(clamping: commons.figures.total.received.reduce(0, +)),
            natsServer: bus.server ?? "",
            storeMilliseconds: bus.storeMilliseconds.map { UInt32(clamping: $0) })
        figures.joining = joining.count
        figures.unanswered = tickets.count
        figures.waiting = lines.heldCount
        figures.nodes = node.livingCount
        figures.format = node.format
        figures.counted = node.counted
        figures.roster = node.roster
        line.publish(figures)
        commons.figures.publish(relay.figures, of: sockets.index)
    }

    package mutating func turnEnded(_ bus: inout some BusOutput & ~Copyable) {
        while let other = roomy.popLast() { goOn(over: other, &bus) }
        if draining?.hasNext == true {
            drainMore()
            follow(&bus)
        }
        handle(.turnEnded, &bus)
        sockets.postNow()
        for (note, loop) in notes { ports.tellLoop(.cluster(note), loop) }
        notes.removeAll(keepingCapacity: true)
        guard mustKnock else { return }
        mustKnock = false
        line.knock()
    }

    private mutating func handle(
        _ input: ClusterNode.Input, _ bus: inout some BusOutput & ~Copyable
    ) {
        do { perform(node.handle(input), &bus) }
        follow(&bus)
    }

    /// Hands in what follows from what was done; never before all is.
    private mutating func follow(_ bus: inout some BusOutput & ~Copyable) {
        while !inputs.isEmpty {
            swap(&inputs, &following)
            // What was taken first: of a session that goes, its new home is told what it took.
            for isDelivered in [true, false] {
                for input in following where input.isDelivered == isDelivered {
                    let effects = node.handle(input)
                    if !effects.isEmpty { perform(effects, &bus) }
                }
            }
            following.removeAll(keepingCapacity: following.capacity <= Self.spareMax)
        }
    }

    private mutating func send(
        _ payload: OutgoingPayload, from socket: SocketID,
        _ bus: inout some BusOutput & ~Copyable
    ) {
        switch node.send(payload) {
        case .taken(let effects):
            figures.sent += 1
            if let ticket = payload.ticket { tickets[ticket] = payload.sender }
            if !effects.isEmpty { perform(effects, &bus) }
        case .full(let other):
            figures.full += 1
            lines.refuse(payload, from: socket, over: other)
            tell(.full, socket)
        }
    }

    func key(of place: RoomPlace) -> RoomKey {
        seats[place]?.key ?? commons.key(of: place)
    }

    /// At the end of the turn.
    mutating func tell(_ kind: ClusterAnswer.Kind, _ socket: SocketID) {
        notes.append((ClusterAnswer(kind, for: socket), socket.loop))
    }

    // MARK: What is done

    private mutating func perform(
        _ effects: [ClusterNode.Effect], _ bus: inout some BusOutput & ~Copyable
    ) {
        var position = 0
        /// Of which room the news that follow have been told.
        var shown: RoomPlace?
        while position < effects.count {
            let effect = effects[position]
            position += 1
            switch effect {
            case .room(let place, let room, let elsewhere):
                shown = place
                show(place, room, elsewhere, Self.news(of: place, effects[position...]))
            case .tell(let connection, let place, let news, let sdp):
                if place == shown { continue }
                tell([ToldNews(connection: connection, news: news, sdp: sdp)], of: place)
            // There are more of these than of all others.
            case .deliver(let payload): hand(on: payload)
            default:
                // Who arrives is told of what has changed on its way.
                if case .arrive = effect { shown = nil }
                perform(effect, &bus)
            }
        }
    }

    /// What members are told of one version of a room, wherever it stands among what else follows
    /// from it: a resume between the two would be told of what its `room_state` has.
    static func news(
        of place: RoomPlace, _ effects: ArraySlice<ClusterNode.Effect>
    ) -> [ToldNews] {
        var result: [ToldNews] = []
        for effect in effects {
            switch effect {
            case .room, .arrive: return result
            case .tell(let connection, place, let news, let sdp):
                result.append(ToldNews(connection: connection, news: news, sdp: sdp))
            default: break
            }
        }
        return result
    }

    private mutating func perform(
        _ effect: ClusterNode.Effect, _ bus: inout some BusOutput & ~Copyable
    ) {
        switch effect {
        case .read(let key, let request): bus.read(key, request: request)
        case .next(let revision, let request): bus.next(after: revision, request: request)
        case .write(let key, let bytes, let base, let request):
            bus.write(key, bytes, from: base, request: request)
        case .purge(let key, let revision): bus.purge(key, upTo: revision)
        case .listen(let incarnation): bus.listen(as: incarnation)
        case .frame(let bytes, let other): bus.send(bytes, to: other)
        case .heartbeat(let bytes): bus.heartbeat(bytes)
        case .admitted(let connection, let place): admitted(connection, place)
        case .refused(let connection, let place, let error): refused(connection, place, error)
        case .left(let connection, let place): left(connection, place)
        case .ended(let connection, let place, let reason): ended(connection, place, reason)
        case .answered(let ticket, let isKept): answered(ticket, isKept: isKept)
        case .kick(let connection):
            inputs.append(.kicked(connection, wasHere: kick(connection)))
        case .kickAnswered(let ticket, let outcome):
            kicks.removeValue(forKey: ticket)?(outcome)
        case .listHere, .listedPage, .listDone: performListing(effect)
        case .hasRoom(let other): roomy.append(other)
        case .standing(let standing): stand(standing)
        default: performForSession(effect)
        }
    }

    private mutating func hand(on payload: IncomingPayload) {
        let isTaken = deliver(payload)
        if isTaken, node.noteTaken(payload.receipt) { return }
        inputs.append(.delivered(payload.receipt, isTaken: isTaken))
    }

    /// Whoever waited for room goes on, as far as there is some.
    private mutating func goOn(
        over other: Incarnation, _ bus: inout some BusOutput & ~Copyable
    ) {
        for sender in lines.senders(over: other) {
            for note in lines.release(sender.connection) { take(note, &bus) }
            guard !lines.isHeld(sender.connection) else { continue }
            tell(.hasRoom, sender.socket)
            change(sender.connection) { _, _, _ in }
        }
        noteTaken(sends: 0)
    }

    private mutating func stand(_ standing: NodeStanding) {
        line.note(livingOthers: node.livingOthers)
        line.stand(standing)
        switch standing {
        case .lost:
            ports.tellLoops(
                .cluster(ClusterAnswer(.closeAll(.overloaded, endsSessions: false))))
        case .condemned:
            die()
            let next = Incarnation(raw: commons.ports.random64())
            line.live(as: next)
            inputs.append(.reborn(next))
        case .joining, .member, .cutOff, .left, .refused: break
        }
        ports.stands(standing)
    }
}

/// What one member is told of its room.
struct ToldNews {
    let connection: ConnectionID
    let news: RoomNews
    /// The joiner's, as JSON.
    let sdp: [UInt8]?
}

extension ClusterNode.Input {
    fileprivate var isDelivered: Bool { if case .delivered = self { true } else { false } }
}
