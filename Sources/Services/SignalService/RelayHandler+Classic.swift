internal import Locking
internal import Rooms
internal import Signalling
internal import WebSocket

// The classic dialect (PROTOCOL §2).
extension RelayHandler {
    mutating func deliver(
        _ payload: SendPayload, _ text: Span<UInt8>, from slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(MessageFault) {
        // By index: the array of memberships need not be kept alive meanwhile.
        var index = 0
        while index < connections[slot].memberships.count {
            let membership = connections[slot].memberships[index]
            index &+= 1
            switch commons.rooms.address(of: payload.target, sharing: membership) {
            case .classic(let found):
                composer.delivered(payload, of: text, from: connections[slot].connection)
                loop.send(
                    to: SocketID(raw: found), head: composer.head.span,
                    body: text.extracting(payload.members), tail: composer.tail.span)
                return
            case .v1:
                composer.delivered(payload, of: text, from: connections[slot].connection)
                let session = commons.sessions.session(payload.target)
                let members = text.extracting(payload.members)
                let isTaken = session?.take(composer.head.span, members, commons, &loop)
                if isTaken == true { return }
            case nil: continue
            }
        }
        throw .refused(.unknownTarget)
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
        composer.someoneJoined(
            member.connection, peerID: member.peerID, name: member.name, sdp: join.sdp, of: text)
        let roomsJoined = connection.memberships.count
        guard commons.mayJoin(key, member.connection, roomsJoined: roomsJoined) else {
            throw .refused(.tooManyRooms)
        }
        let rooms = commons.rooms
        do throws(SignalError) {
            let joined = try rooms.join(member, key) { joined in
                self.announceToV1(joined.own, joined.others, &loop)
            }
            figures.note(.joinRoom)
            guard let joined else { return }
            connections[slot].memberships.append(joined.membership)
            announceToClassic(member, joined.others, &loop)
            if joined.others.isEmpty { tellFirst(connection.socket, join.room, &loop) }
        } catch {
            throw .refused(error)
        }
    }

    private mutating func tellFirst(
        _ socket: SocketID, _ room: String, _ loop: inout some SocketOutput & ~Copyable
    ) {
        composer.firstToJoin(room: room)
        let head = composer.head.span
        loop.send(to: socket, head: head, body: head.extracting(0..<0), tail: composer.tail.span)
    }

    /// Sends `someone_joined`, which is composed, to classic members who were there before.
    ///
    /// - Returns: Whether some of them belong to other loops.
    @discardableResult
    mutating func announceToClassic(
        _ own: RoomMember, _ others: [RoomMember], _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        var reachesOthers = false
        for other in others {
            guard let address = other.address else { continue }
            let socket = SocketID(raw: address)
            if socket.loop != loop.index { reachesOthers = true }
            loop.send(
                to: socket, head: composer.head.span, body: other.peerID.quoted.span,
                tail: composer.tail.span)
            // Both stay, but a connection that its own peer has left behind must not linger.
            if other.peerID == own.peerID {
                loop.probe(socket, secondsMax: Self.probeSecondsMax)
            }
        }
        return reachesOthers
    }

    /// Puts `someone_joined`, which is composed, into the streams of v1 members who were there
    /// before; the room's table is locked.
    mutating func announceToV1(
        _ own: RoomMember, _ others: [RoomMember], _ loop: inout some SocketOutput & ~Copyable
    ) {
        for other in others where other.isV1 {
            guard let session = commons.sessions.session(other.connection) else { continue }
            session.take(composer.head.span, other.peerID.quoted.span, commons, &loop)
            // Only with a classic one involved do two of the same id stay (PROTOCOL §2).
            if other.peerID == own.peerID, let socket = session.stream.withLock({ $0.socket }) {
                loop.probe(socket, secondsMax: Self.probeSecondsMax)
            }
        }
    }

    /// Puts `someone_left` into the streams of v1 members who are still there; the room's table is
    /// locked.
    mutating func announceLeft(
        _ key: RoomKey, _ left: Room.Left, _ reason: LeaveReason,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard left.remaining.contains(where: \.isV1) else { return }
        second.someoneLeft(room: key.room, left.member, reason)
        for other in left.remaining where other.isV1 {
            commons.sessions.session(other.connection)?.take(second, commons, &loop)
        }
    }

    /// A classic connection leaves all its rooms at once, and has no time to come back in.
    mutating func leaveAll(
        _ slot: Int, _ fate: Fate, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let memberships = connections[slot].memberships
        guard !memberships.isEmpty else { return }
        connections[slot].memberships = []
        let reason = if case .ended(let reason) = fate { reason } else { LeaveReason.lost }
        let rooms = commons.rooms
        for membership in memberships {
            rooms.leave(connections[slot].connection, membership) { key, left in
                self.announceLeft(key, left, reason, &loop)
            }
        }
    }
}
