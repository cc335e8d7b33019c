internal import Access
internal import Admission
internal import Bytes
internal import Locking
internal import Rooms
internal import Signalling
internal import Tokens
internal import WebSocket

// What v1 clients say (docs/protocol.md §3).
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
            guard session.hears(socket) else { return }
            do throws(SignalError) {
                let message = try envelope.content.get()
                let isPosted = try self.perform(message, text, session, &conversation, &loop)
                self.figures.note(RelayFigures.Action(message))
                // Should the session go on at another loop, nothing may overtake this.
                if isPosted { loop.postNow() }
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
        tell(composer.ack(ack, of: text), to: session, &loop)
    }

    mutating func refuse(
        _ error: SignalError, _ envelope: V1Envelope, _ text: Span<UInt8>, _ session: V1Session,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        figures.noteRefused(error)
        let event = composer.error(
            error, envelope.complaint, action: envelope.action, ack: envelope.ack, of: text)
        tell(event, to: session, &loop)
    }

    /// - Returns: Whether something is on its way to sockets of other loops.
    private mutating func perform(
        _ message: V1Message, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Bool {
        switch message {
        case .sendPayload(let payload):
            return try pass(payload, text, session, conversation, &loop)
        case .broadcast(let broadcast):
            return try tellAll(broadcast, text, session, conversation, &loop)
        case .joinRoom(let join): return try enter(join, text, session, &conversation, &loop)
        case .leaveRoom(let room):
            let key = commons.key(clientID: session.clientID, room: room)
            if let index = conversation.index(of: key) {
                let membership = conversation.rooms.remove(at: index).membership
                leave(session.connection, membership, .left, &loop)
            }
        case .refreshToken(let token): try refresh(token, session, &conversation, &loop)
        case .resume: throw .badRequest  // Good only as the first message of a connection.
        case .ping: tell(composer.pong(), to: session, &loop)
        }
        return false
    }

    // MARK: Payloads

    private mutating func pass(
        _ message: SendPayload, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Bool {
        for room in conversation.rooms {
            let address = commons.rooms.address(
                of: message.target, sharing: room.membership, with: session.connection)
            guard let address else { continue }
            let delivery = pass(message, text, from: session.connection, to: address, &loop)
            if delivery != .refused { return delivery == .posted }
        }
        throw .unknownTarget
    }

    private mutating func tellAll(
        _ broadcast: Broadcast, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Bool {
        let key = commons.key(clientID: session.clientID, room: broadcast.room)
        guard let index = conversation.index(of: key) else { throw .unknownTarget }
        let membership = conversation.rooms[index].membership
        let event = composer.delivered(broadcast.payload, of: text, from: session.connection)
        let rooms = commons.rooms
        let others = rooms.tell(membership, of: session.connection) { _, others in
            self.announce(event, of: text, to: others, speaking: .v1, &loop)
        }
        let isPosted = announce(event, of: text, to: others ?? [], speaking: .classic, &loop)
        composer.reuse(event)
        guard others != nil else { throw .unknownTarget }
        return isPosted
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
        let count = conversation.rooms.count
        let entered = try enter(key, member, join, text, roomsJoined: count, &loop)
        guard let entered else { return false }
        conversation.rooms.append(.init(key: key, membership: entered.membership))
        return entered.isPosted
    }

    // MARK: Tokens

    /// A session token will not do: it is for cookies, and this is no handshake.
    private mutating func refresh(
        _ token: String, _ session: V1Session, _ conversation: inout Conversation,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) {
        let ports = commons.ports
        let now = ports.now()
        let verified = try? ports.tokens.verified(ByteText(token), [.access, .legacy], now: now)
        guard let claims = verified, claims.has(scope: "signal") else { throw .invalidToken }
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
            leave(session.connection, room.membership, .left, &loop)
        }
        conversation.rooms.removeAll { !grant.covers(room: $0.key.room) }
    }
}
