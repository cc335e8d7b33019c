internal import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import WebSocket

// What a node of a cluster hears of its rooms and its members in them.
extension ClusterHandler where Sockets: ~Copyable {
    // MARK: Versions

    /// Has the loops see a version of a room, and its members of this node be told of it.
    mutating func show(
        _ place: RoomPlace, _ room: Room, _ elsewhere: [ConnectionID: Incarnation],
        _ news: [ToldNews]
    ) {
        let second = commons.monotonicSeconds
        let stays = stays
        let seen = room.mapped { member in
            let stay = Stay(member.connection, place)
            var home = elsewhere[member.connection]?.raw
            if home == nil || home == line.home.raw {
                home = self.home(of: stay, place, hasArrived: home == nil)
            }
            let isHere =
                home == nil || home == RoomMember.arrivingHome
                || home == RoomMember.landingHome
            let own = isHere ? stays[stay] : nil
            return RoomMember(
                connection: member.connection, route: own?.route(member.route) ?? member.route,
                peerID: member.peerID, name: member.name, joinedAt: own?.joinedAt ?? second,
                order: member.order,
                home: home ?? (own == nil ? RoomMember.leavingHome : 0))
        }
        forgetArrivals(place, but: seen.members)
        let key = key(of: place)
        let membership = commons.rooms.replace(key, with: seen) {
            self.tell(news, of: place, seen.members, speaking: .v1)
        }
        seats[place] =
            seen.members.isEmpty ? nil : Seat(key: key, membership: membership)
        tell(news, of: place, seen.members, speaking: .classic)
    }

    /// Has members of this node be told of their room, which is as they know it.
    mutating func tell(_ news: [ToldNews], of place: RoomPlace) {
        let members = commons.rooms.tell(key(of: place)) { members in
            self.tell(news, of: place, members, speaking: .v1)
        }
        tell(news, of: place, members, speaking: .classic)
    }

    private mutating func tell(
        _ news: [ToldNews], of place: RoomPlace, _ members: [RoomMember],
        speaking dialect: Dialect
    ) {
        sockets.speaker = place.clientID
        for item in news {
            let member = members.first { $0.connection == item.connection }
            guard let member, member.dialect == dialect else { continue }
            relay.tell(item, of: place.name, to: member, &sockets)
        }
    }

    // MARK: Members

    mutating func admitted(_ connection: ConnectionID, _ place: RoomPlace) {
        let stay = Stay(connection, place)
        guard let own = stays[stay], joining.remove(stay) != nil else { return }
        let key = key(of: place)
        let membership = commons.rooms.membership(of: connection, in: key)
        if let socket = own.socket {
            // Gone again already, it is about to hear of that.
            return tell(membership.map { .admitted(place, $0) } ?? .refused, socket)
        }
        change(connection) { handler, session, conversation in
            guard conversation.outstanding.isJoining(place) else { return }
            let message = conversation.outstanding.change?.message
            conversation.outstanding.change = nil
            guard let membership else { return }
            conversation.rooms.append(.init(key: key, membership: membership, place: place))
            if let message { handler.relay.acknowledge(message, session, &handler.sockets) }
        }
    }

    mutating func refused(
        _ connection: ConnectionID, _ place: RoomPlace, _ error: SignalError
    ) {
        let stay = Stay(connection, place)
        joining.remove(stay)
        guard let own = stays.removeValue(forKey: stay) else { return }
        if let socket = own.socket {
            relay.figures.noteRefused(error)
            return tell(.refused, socket)
        }
        change(connection) { handler, session, conversation in
            guard conversation.outstanding.isJoining(place) else { return }
            let message = conversation.outstanding.change?.message
            conversation.outstanding.change = nil
            if let message { handler.relay.refuse(error, message, session, &handler.sockets) }
            // Who is away and in no room has nothing to come back for.
            if conversation.rooms.isEmpty, conversation.outstanding.resume == nil {
                handler.mustKnock = true
                handler.relay.handle(
                    .endAway(.lost), session, &conversation, &handler.sockets)
            }
        }
    }

    mutating func left(_ connection: ConnectionID, _ place: RoomPlace) {
        // Or it is at another node by now.
        guard stays.removeValue(forKey: Stay(connection, place)) != nil else { return }
        forget(connection, place)
        change(connection) { handler, session, conversation in
            guard let change = conversation.outstanding.change, !change.isJoin else { return }
            conversation.outstanding.change = change.without(place)
            guard conversation.outstanding.change == nil, let message = change.message else {
                return
            }
            handler.relay.acknowledge(message, session, &handler.sockets)
        }
    }

    private mutating func forget(_ connection: ConnectionID, _ place: RoomPlace) {
        landing[Stay(connection, place)] = nil
        seats[place]?.membership = nil
        commons.rooms.forget(connection, key(of: place))
    }

    /// Somebody else took a member out, which ends all that it is in.
    mutating func ended(_ connection: ConnectionID, _ place: RoomPlace, _ reason: LeaveReason) {
        let stay = Stay(connection, place)
        joining.remove(stay)
        guard let own = stays.removeValue(forKey: stay) else { return }
        forget(connection, place)
        if let socket = own.socket { return tell(.expelled(reason), socket) }
        change(connection) { handler, session, conversation in
            if conversation.outstanding.isJoining(place) { conversation.outstanding.change = nil }
            if reason == .replaced {
                let nudge = session.handle(.replace, handler.commons).nudge
                handler.relay.wake(nudge, &handler.sockets)
            } else {
                handler.end(session, &conversation, reason, .restarting)
            }
        }
    }

    /// Changes a session, if it is still there, and has it go on if nothing is left to wait for.
    mutating func change(
        _ connection: ConnectionID,
        _ body: (inout Self, V1Session, inout Conversation) -> Void
    ) {
        guard let session = commons.sessions.session(connection) else { return }
        session.conversation.withLock { conversation in
            let wasHeld = conversation.outstanding.change != nil
            body(&self, session, &conversation)
            settleIfAnswered(session, &conversation)
            if conversation.outstanding.isEmpty, let resume = conversation.outstanding.resume {
                conversation.outstanding.resume = nil
                self.tell(.resume(resume), resume.socket)
            } else if wasHeld, conversation.outstanding.change == nil {
                if let socket = session.socket { self.tell(.goOn, socket) }
            }
        }
    }

    // MARK: Ends

    /// - Returns: Whether a connection of this node was found, and closed.
    mutating func kick(_ connection: ConnectionID) -> Bool {
        let code = CloseCode.revoked
        if let session = commons.sessions.session(connection) {
            session.conversation.withLock { end(session, &$0, .kicked, code) }
            return true
        }
        let own = stays.first { $0.key.connection == connection }?.value
        guard let socket = own?.socket else { return false }
        sockets.close(socket, code, reason: "closed by the operator")
        return true
    }

    mutating func end(
        _ session: V1Session, _ conversation: inout Conversation, _ reason: LeaveReason,
        _ code: CloseCode
    ) {
        mustKnock = true
        let effects = relay.handle(.end(reason), session, &conversation, &sockets)
        guard let socket = effects.close else { return }
        let why: StaticString =
            reason == .kicked ? "closed by the operator" : "taken out by another node"
        sockets.close(SocketID(raw: socket), code, reason: why)
    }

    /// This node was declared dead, and nobody here is in any room. What loops still ask for is of
    /// the next life: leaves of those whom it does not know are passed over.
    mutating func die() {
        stays = [:]
        joining = []
        seats = [:]
        tickets = [:]
        lines.removeAll()
        noteTaken(sends: 0)
        resumes = AskedResumes()
        draining?.forgetUnderWay()
        shelved([])
        endComingBack()
        (giving, arriving, landing) = ([:], [:], [:])
        commons.rooms.removeAll()
        // What the others would say, nobody hears any more.
        for answer in kicks.values { answer(.silent([])) }
        kicks = [:]
        for session in commons.sessions.all {
            session.conversation.withLock { conversation in
                // One that is going from loop to loop is in no room, and may go on.
                guard session.stream.withLock({ $0.session.phase }) != .moving else { return }
                end(session, &conversation, .lost, .restarting)
            }
        }
        ports.tellLoops(
            .cluster(ClusterAnswer(.closeAll(.restarting, endsSessions: true))))
    }
}

extension RelayHandler {
    /// Tells one member of this process something of its room.
    fileprivate mutating func tell(
        _ item: ToldNews, of room: RoomName, to member: RoomMember,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let sdp = item.sdp ?? []
        let range = item.sdp.map { 0..<$0.count }
        let event = composer.event(item.news, of: room, sdp: range, in: sdp.span)
        deliver(event, to: member, &loop)
        composer.reuse(event)
        // As in `announce`.
        if case .joined(let joiner) = item.news, joiner.peerID == member.peerID,
            let socket = socket(of: member)
        {
            loop.probe(socket, secondsMax: Self.probeSecondsMax)
        }
    }
}
