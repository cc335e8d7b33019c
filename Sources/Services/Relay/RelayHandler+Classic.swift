internal import Admission
internal import Cluster
internal import Rooms
internal import Signalling
internal import WebSocket

// The classic dialect (docs/protocol.md §2).
extension RelayHandler {
    mutating func pass(
        _ message: SendPayload, _ text: Span<UInt8>, from slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(MessageFault) {
        // By index: the array of memberships need not be kept alive meanwhile.
        var index = 0
        while index < connections[slot].memberships.count {
            let membership = connections[slot].memberships[index]
            index &+= 1
            let sender = connections[slot].connection
            // Where others may take it out, it may be a member no more.
            let address =
                commons.line == nil
                ? commons.rooms.address(of: message.target, sharing: membership)
                : commons.rooms.address(of: message.target, sharing: membership, with: sender)
            guard let address else { continue }
            var home = homeOverBus(address)
            if home == nil {
                if pass(message, text, from: sender, to: address, &loop) != .refused { return }
                // It may have gone to another node since.
                let now =
                    commons.line == nil
                    ? nil
                    : commons.rooms.address(of: message.target, sharing: membership, with: sender)
                if let now { home = homeOverBus(now) }
            }
            guard let home else { continue }
            return send(message, text, to: home, room: index &- 1, from: slot, &loop)
        }
        throw .refused(.unknownTarget)
    }

    /// Nobody is told what becomes of it: classic clients know no answer.
    private mutating func send(
        _ message: SendPayload, _ text: Span<UInt8>, to home: Incarnation, room: Int,
        from slot: Int, _ loop: inout some SocketOutput & ~Copyable
    ) {
        // Field by field: a copy of all would count references to each.
        let sender = connections[slot].connection
        let event = composer.delivered(message.payload, of: text, from: sender)
        send(
            event, of: text, to: .member(message.target, at: home),
            in: connections[slot].places[room], from: sender, connections[slot].socket,
            ticket: nil)
        composer.reuse(event)
        waitIfBehind(slot, &loop)
    }

    mutating func enter(
        _ join: JoinRoom, _ text: Span<UInt8>, _ slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(MessageFault) {
        let connection = connections[slot]
        guard let admission = connection.admission, admission.grant.covers(room: join.room) else {
            throw .refused(.roomForbidden)
        }
        let key = commons.key(clientID: admission.clientID, room: join.room)
        if move(slot, to: key, redeliver: text, &loop) { return }
        let member = RoomMember(
            connection: connection.connection, route: .classic(address: connection.socket.raw),
            peerID: join.peerID ?? PeerID(connection.connection),
            name: admission.grant.name ?? join.name,
            joinedAt: commons.monotonicSeconds)
        let count = connection.memberships.count
        do throws(SignalError) {
            if let line = commons.line {
                return try ask(member, join, key, text, slot, line, &loop)
            }
            let entered = try enter(key, member, join, text, roomsJoined: count, &loop)
            figures.note(.joinRoom)
            if let entered { connections[slot].memberships.append(entered.membership) }
        } catch {
            throw .refused(error)
        }
    }

    /// A classic connection leaves all its rooms at once, and has no time to come back in.
    mutating func leaveAll(
        _ slot: Int, _ fate: Fate, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let reason = if case .ended(let reason) = fate { reason } else { LeaveReason.lost }
        if let line = commons.line { return leaveAll(slot, reason, line) }
        let memberships = connections[slot].memberships
        guard !memberships.isEmpty else { return }
        connections[slot].memberships = []
        for membership in memberships {
            leave(connections[slot].connection, membership, reason, &loop)
        }
    }

    private mutating func leaveAll(_ slot: Int, _ reason: LeaveReason, _ line: BusLine) {
        let connection = connections[slot]
        connections[slot].memberships = []
        connections[slot].places = []
        connections[slot].joining = nil
        for (place, membership) in zip(connection.places, connection.memberships) {
            ask(toLeave: place, connection.connection, membership, reason, line)
        }
        if let place = connection.joining {
            line.tell(.leave(connection.connection, place, reason))
        }
    }
}
