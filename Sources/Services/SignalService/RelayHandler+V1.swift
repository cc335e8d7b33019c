internal import Bytes
internal import Locking
internal import Rooms
internal import Signalling
internal import Tokens
internal import WebSocket

// What v1 clients say (PROTOCOL §3).
extension RelayHandler {
    mutating func receivedV1(
        _ text: Span<UInt8>, _ slot: Int, _ session: V1Session,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let isFirst = !connections[slot].hasSpoken
        connections[slot].hasSpoken = true
        let envelope: V1Envelope
        do throws(MessageFault) {
            envelope = try v1Reader.read(text)
        } catch {
            return endUnreadable(slot, &loop)
        }
        if isFirst {
            if case .success(.resume(let resume)) = envelope.content {
                return self.resume(resume, envelope, text, slot, session, &loop)
            }
            takePlace(slot, &loop)
        }
        switch envelope.content {
        case .success(.refreshToken) where !mayRefresh(session):
            return end(slot, .tooFast, reason: "too many tokens", .kept, &loop)
        case .success(.joinRoom(let join)) where !connections[slot].isSettled:
            let grants = session.conversation.withLock { $0.grant.covers(room: join.room) }
            let key = commons.key(clientID: session.clientID, room: join.room)
            if grants, move(slot, to: key, redeliver: text, &loop) { return }
        default: break
        }
        handle(envelope, text, slot, session, &loop)
    }

    private func mayRefresh(_ session: V1Session) -> Bool {
        let now = commons.ports.monotonicMilliseconds()
        return session.conversation.withLock {
            $0.refreshes.take(Conversation.refreshRate, at: now) == nil
        }
    }

    /// Carries a message out and answers it, unless its socket is the session's no longer.
    private mutating func handle(
        _ envelope: V1Envelope, _ text: Span<UInt8>, _ slot: Int, _ session: V1Session,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let socket = connections[slot].socket
        session.conversation.withLock { conversation in
            guard conversation.isAttached(to: socket), !session.isReplaced else { return }
            do throws(SignalError) {
                let message = try envelope.content.get()
                let reachesOthers = try self.perform(message, text, session, &conversation, &loop)
                self.figures.note(RelayFigures.Action(message))
                // Should the session go on at another loop, nothing may overtake this.
                if reachesOthers { loop.postNow() }
                self.acknowledge(envelope, text, session, &loop)
            } catch {
                self.connections[slot].refusedMessages &+= 1
                self.refuse(error, envelope, text, session, &loop)
            }
        }
    }

    mutating func acknowledge(
        _ envelope: V1Envelope, _ text: Span<UInt8>, _ session: V1Session,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let ack = envelope.ack else { return }
        composer.ack(ack, of: text)
        session.take(composer, commons, &loop)
    }

    mutating func refuse(
        _ error: SignalError, _ envelope: V1Envelope, _ text: Span<UInt8>, _ session: V1Session,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        figures.noteRefused(error)
        composer.error(
            error, envelope.complaint, action: envelope.action, ack: envelope.ack, of: text)
        session.take(composer, commons, &loop)
    }

    /// - Returns: Whether classic members of other loops were sent something.
    private mutating func perform(
        _ message: V1Message, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Bool {
        switch message {
        case .sendPayload(let payload):
            return try deliver(payload, text, session, conversation, &loop)
        case .broadcast(let broadcast):
            return try tellAll(broadcast, text, session, conversation, &loop)
        case .joinRoom(let join): return try enter(join, text, session, &conversation, &loop)
        case .leaveRoom(let room):
            let key = commons.key(clientID: session.clientID, room: room)
            if let index = conversation.index(of: key) {
                leave(session, conversation.rooms.remove(at: index), .left, &loop)
            }
        case .refreshToken(let token): try refresh(token, session, &conversation, &loop)
        case .resume: throw .badRequest  // Good only as the first message of a connection.
        case .ping:
            composer.pong()
            session.take(composer, commons, &loop)
        }
        return false
    }

    // MARK: Payloads

    private mutating func deliver(
        _ payload: SendPayload, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Bool {
        for room in conversation.rooms {
            let address = commons.rooms.address(
                of: payload.target, sharing: room.membership, with: session.connection)
            guard let address else { continue }
            composer.delivered(payload, of: text, from: session.connection)
            let members = text.extracting(payload.members)
            switch address {
            case .classic(let raw):
                let socket = SocketID(raw: raw)
                loop.send(
                    to: socket, head: composer.head.span, body: members, tail: composer.tail.span)
                return socket.loop != loop.index
            case .v1:
                let target = commons.sessions.session(payload.target)
                if target?.take(composer.head.span, members, commons, &loop) == true {
                    return false
                }
            }
        }
        throw .unknownTarget
    }

    private mutating func tellAll(
        _ broadcast: Broadcast, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Bool {
        let key = commons.key(clientID: session.clientID, room: broadcast.room)
        guard let index = conversation.index(of: key) else { throw .unknownTarget }
        composer.delivered(whole: broadcast.payload, of: text, from: session.connection)
        let head = composer.head.span
        let nothing = head.extracting(0..<0)
        let membership = conversation.rooms[index].membership
        let commons = commons
        let others = commons.rooms.tell(membership, of: session.connection) { _, others in
            for other in others where other.isV1 {
                commons.sessions.session(other.connection)?.take(head, nothing, commons, &loop)
            }
        }
        guard let others else { throw .unknownTarget }
        var reachesOthers = false
        for address in others.compactMap(\.address) {
            let socket = SocketID(raw: address)
            if socket.loop != loop.index { reachesOthers = true }
            loop.send(to: socket, head: head, body: nothing, tail: composer.tail.span)
        }
        return reachesOthers
    }

    // MARK: Rooms

    private mutating func enter(
        _ join: JoinRoom, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Bool {
        let grant = conversation.grant
        guard grant.covers(room: join.room) else { throw .roomForbidden }
        let key = commons.key(clientID: session.clientID, room: join.room)
        let member = RoomMember(
            connection: session.connection, route: .v1(subject: grant.namedSubject),
            peerID: join.peerID ?? PeerID(session.connection), name: grant.name ?? join.name,
            joinedAt: commons.monotonicSeconds)
        composer.someoneJoined(
            member.connection, peerID: member.peerID, name: member.name, sdp: join.sdp, of: text)
        let roomsJoined = conversation.rooms.count
        guard commons.mayJoin(key, member.connection, roomsJoined: roomsJoined) else {
            throw .tooManyRooms
        }
        let rooms = commons.rooms
        let joined = try rooms.join(member, key) { joined in
            if let older = joined.replaced {
                self.replace(key, .init(member: older, remaining: joined.others), &loop)
            }
            self.announceToV1(joined.own, joined.others, &loop)
            if joined.others.isEmpty {
                self.second.firstToJoin(room: join.room)
                session.take(self.second, self.commons, &loop)
            }
            self.second.roomState(room: join.room, joined.own, joined.others)
            session.take(self.second, self.commons, &loop)
        }
        guard let joined else { return false }
        conversation.rooms.append(.init(key: key, membership: joined.membership))
        return announceToClassic(member, joined.others, &loop)
    }

    /// An older connection of the same peer was taken out of a room; it is to end.
    private mutating func replace(
        _ key: RoomKey, _ left: Room.Left, _ loop: inout some SocketOutput & ~Copyable
    ) {
        commons.sessions.session(left.member.connection)?.stream.withLock { $0.replace(&loop) }
        announceLeft(key, left, .replaced, &loop)
    }

    mutating func leave(
        _ session: V1Session, _ room: Conversation.JoinedRoom, _ reason: LeaveReason,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let rooms = commons.rooms
        rooms.leave(session.connection, room.membership) { key, left in
            self.announceLeft(key, left, reason, &loop)
        }
    }

    // MARK: Tokens

    /// A session token will not do: it is for cookies, and this is no handshake.
    private mutating func refresh(
        _ token: String, _ session: V1Session, _ conversation: inout Conversation,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) {
        let ports = commons.ports
        let now = ports.now()
        guard case .success(let claims) = ports.verify(token, [.access, .legacy], now),
            claims.has(scope: "signal")
        else { throw .invalidToken }
        let grant = TokenGrant(claims)
        guard session.isSamePeer(as: grant.token), commons.allows(grant.token) else {
            throw .invalidToken
        }
        accept(grant, at: now, session, &conversation, &loop)
    }

    /// A new token counts from now on: rooms that it does not grant are left.
    mutating func accept(
        _ grant: TokenGrant, at now: Int64, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) {
        conversation.accept(
            grant, noticeSeconds: commons.configuration.tokenExpiringSeconds, now: now)
        for room in conversation.rooms where !grant.covers(room: room.key.room) {
            leave(session, room, .left, &loop)
        }
        conversation.rooms.removeAll { !grant.covers(room: $0.key.room) }
    }
}
