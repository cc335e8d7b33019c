internal import Admission
package import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
package import Signalling
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
    package typealias Note = ClusterNote

    /// One connection in one room.
    struct Stay: Hashable {
        let connection: ConnectionID
        let room: RoomDigest

        init(_ connection: ConnectionID, _ place: RoomPlace) {
            self.connection = connection
            room = place.digest
        }
    }

    let commons: RelayCommons
    let line: BusLine
    let ports: ClusterPorts
    private(set) var node: ClusterNode
    /// Composes and tells; no socket is its own.
    var relay: RelayHandler
    var sockets: Sockets
    /// Members of this node, and those who are about to be or have not left yet, as only this node
    /// knows them.
    var stays: [Stay: RoomMember] = [:]
    var joining: Set<Stay> = []
    /// How the loops name the rooms that members of this node are in.
    var keys: [RoomDigest: RoomKey] = [:]
    /// Whose payload an answer is for.
    var tickets: [UInt64: ConnectionID] = [:]
    var kicks: [UInt64: @Sendable (Bool) -> Void] = [:]
    var lines = FullLines()
    var figures = ClusterFigures()
    private var inputs: [ClusterNode.Input] = []
    /// Nodes to which the lines have room again.
    private var roomy: [Incarnation] = []
    private var notes: [(note: ClusterAnswer, loop: Int)] = []
    private var ticks = 0

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
    }

    // MARK: What comes

    package mutating func told(_ note: ClusterNote, _ bus: inout some BusOutput & ~Copyable) {
        if case .send(let payload, _) = note { line.noteTaken(payload) }
        take(note, &bus)
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
            stays[Stay(member.connection, place)] = member
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
        case .takeUp(let resume): tell(.resume(resume.text), resume.socket)
        case .kick(let connection, let answer):
            let ticket = line.makeTicket()
            kicks[ticket] = answer
            handle(.kick(connection, ticket: ticket), &bus)
        case .farewell: handle(.farewell, &bus)
        }
    }

    package mutating func heard(_ event: BusEvent, _ bus: inout some BusOutput & ~Copyable) {
        handle(.bus(event), &bus)
    }

    package mutating func ticked(_ bus: inout some BusOutput & ~Copyable) {
        handle(.tick(bus.monotonicMilliseconds), &bus)
        ticks += 1
        guard ticks.isMultiple(of: 10) else { return }
        node.counts = (
            UInt32(clamping: commons.ledger.total), UInt32(clamping: commons.sessions.count),
            UInt32(clamping: commons.rooms.count)
        )
        figures.joining = joining.count
        figures.unanswered = tickets.count
        figures.waiting = lines.heldCount
        line.publish(figures)
        commons.figures.publish(relay.figures, of: sockets.index)
    }

    package mutating func turnEnded(_ bus: inout some BusOutput & ~Copyable) {
        while let other = roomy.popLast() { goOn(over: other, &bus) }
        handle(.turnEnded, &bus)
        sockets.postNow()
        for (note, loop) in notes { ports.tellLoop(.cluster(note), loop) }
        notes.removeAll(keepingCapacity: true)
    }

    private mutating func handle(
        _ input: ClusterNode.Input, _ bus: inout some BusOutput & ~Copyable
    ) {
        do { perform(node.handle(input), &bus) }
        // What follows from what was done. It is never handed in before all is.
        while !inputs.isEmpty {
            let following = inputs
            inputs = []
            for input in following { perform(node.handle(input), &bus) }
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
            perform(effects, &bus)
        case .full(let other):
            figures.full += 1
            lines.refuse(payload, from: socket, over: other)
            tell(.full, socket)
        }
    }

    func key(of place: RoomPlace) -> RoomKey {
        keys[place.digest] ?? commons.key(of: place)
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
        while position < effects.count {
            let effect = effects[position]
            position += 1
            switch effect {
            case .room(let place, let room, let elsewhere):
                let news = Self.news(of: place, effects, &position)
                show(place, room, elsewhere, news)
            case .tell(_, let place, _, _):
                position -= 1
                let news = Self.news(of: place, effects, &position)
                tell(news, of: place)
            default: perform(effect, &bus)
            }
        }
    }

    /// What members are told of one version of a room, which stands together.
    private static func news(
        of place: RoomPlace, _ effects: [ClusterNode.Effect], _ position: inout Int
    ) -> [ToldNews] {
        var result: [ToldNews] = []
        while position < effects.count,
            case .tell(let connection, let other, let news, let sdp) = effects[position],
            other == place
        {
            result.append(ToldNews(connection: connection, news: news, sdp: sdp))
            position += 1
        }
        return result
    }

    private mutating func perform(
        _ effect: ClusterNode.Effect, _ bus: inout some BusOutput & ~Copyable
    ) {
        switch effect {
        case .read(let key, let request): bus.read(key, request: request)
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
        case .deliver(let payload):
            let isTaken = deliver(payload)
            inputs.append(.delivered(payload.receipt, isTaken: isTaken))
        case .answered(let ticket, let isKept): answered(ticket, isKept: isKept)
        case .kick(let connection):
            inputs.append(.kicked(connection, wasHere: kick(connection)))
        case .kickAnswered(let ticket, let wasThere):
            kicks.removeValue(forKey: ticket)?(wasThere)
        case .hasRoom(let other): roomy.append(other)
        case .standing(let standing): stand(standing)
        case .room, .tell: break
        }
    }

    /// Whoever waited for room goes on, as far as there is some.
    private mutating func goOn(
        over other: Incarnation, _ bus: inout some BusOutput & ~Copyable
    ) {
        for sender in lines.senders(over: other) {
            for note in lines.release(sender.connection) { take(note, &bus) }
            if !lines.isHeld(sender.connection) { tell(.hasRoom, sender.socket) }
        }
    }

    private mutating func stand(_ standing: NodeStanding) {
        line.stand(standing)
        switch standing {
        case .lost:
            ports.tellLoops(
                .cluster(ClusterAnswer(.closeAll(.overloaded, endsSessions: false))))
        case .condemned:
            die()
            inputs.append(.reborn(Incarnation(raw: commons.ports.random64())))
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

extension Relay {
    /// What speaks for this node on the bus: to be made on that one's thread, once. `sockets` are
    /// those of the loops.
    package func makeClusterHandler<Sockets: SocketPost & ~Copyable>(
        _ node: consuming ClusterNode, _ ports: ClusterPorts, _ sockets: consuming Sockets
    ) -> ClusterHandler<Sockets> {
        guard let line = commons.line else {
            preconditionFailure("a relay without a line is no node of a cluster")
        }
        return ClusterHandler(commons, line, ports, node, sockets)
    }

    /// How this node stands in its cluster; nil for a process of its own.
    package var standing: NodeStanding? { commons.line?.standing }

    /// Nil for a process of its own.
    package var clusterFigures: ClusterFigures? { commons.line?.figures }

    /// Leaves the cluster, after `shelve`; `ClusterPorts.stands` hears when that is done.
    package func farewell() { commons.line?.tell(.farewell) }

    /// Closes a connection for good, at whatever node it is; `answer` hears on the bus' thread
    /// whether there was one, and not at all where the process ends before.
    package func kick(
        _ connection: ConnectionID, answer: @escaping @Sendable (Bool) -> Void
    ) {
        guard let line = commons.line else { return answer(false) }
        line.tell(.kick(connection, answer: answer))
    }
}
