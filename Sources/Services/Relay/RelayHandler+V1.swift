internal import Access
internal import Admission
internal import Bytes
internal import Cluster
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
                return self.resume(
                    resume, AskedMessage(envelope, text), slot, session, &loop)
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
            guard session.hears(socket), conversation.outstanding.resume == nil,
                conversation.outstanding.stage == .home
            else { return }
            do throws(SignalError) {
                let message = try envelope.content.get()
                let outcome = try self.perform(
                    message, envelope, text, session, &conversation, &loop)
                self.figures.note(RelayFigures.Action(message))
                // Should the session go on at another loop, nothing may overtake this.
                if outcome == .posted { loop.postNow() }
                if outcome != .asked { self.acknowledge(envelope, text, session, &loop) }
                self.waitIfBehind(slot, &loop)
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

    /// How far a message was carried out.
    enum Outcome: Equatable {
        case done
        /// Done, and something is on its way to sockets of other loops.
        case posted
        /// Others have been asked, and its sender is told later.
        case asked
    }

    private mutating func perform(
        _ message: V1Message, _ envelope: V1Envelope, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Outcome {
        switch message {
        case .sendPayload(let payload):
            return try pass(payload, envelope, text, session, &conversation, &loop)
        case .broadcast(let broadcast):
            return try tellAll(broadcast, envelope, text, session, &conversation, &loop)
        case .joinRoom(let join):
            return try enter(join, envelope, text, session, &conversation, &loop)
        case .leaveRoom(let room):
            let key = commons.key(clientID: session.clientID, room: room)
            guard let index = conversation.index(of: key) else { return .done }
            let room = conversation.rooms.remove(at: index)
            if commons.line != nil {
                let asked = AskedMessage(envelope, text)
                ask(toLeave: [room], asked, session, &conversation, &loop)
                return .asked
            }
            leave(session.connection, room, .left, &loop)
        case .refreshToken(let token):
            let asked = commons.line == nil ? nil : AskedMessage(envelope, text)
            return try refresh(token, asked, session, &conversation, &loop)
        case .resume: throw .badRequest  // Good only as the first message of a connection.
        case .ping: tell(composer.pong(), to: session, &loop)
        }
        return .done
    }

    // MARK: Payloads

    private mutating func pass(
        _ message: SendPayload, _ envelope: V1Envelope, _ text: Span<UInt8>,
        _ session: V1Session, _ conversation: inout Conversation,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Outcome {
        for room in conversation.rooms {
            let address = commons.rooms.address(
                of: message.target, sharing: room.membership, with: session.connection)
            guard let address else { continue }
            var home = homeOverBus(address)
            if home == nil {
                let delivery = pass(message, text, from: session.connection, to: address, &loop)
                if delivery != .refused { return delivery == .posted ? .posted : .done }
                // It may have gone to another node since.
                let now =
                    room.place == nil
                    ? nil
                    : commons.rooms.address(
                        of: message.target, sharing: room.membership, with: session.connection)
                if let now { home = homeOverBus(now) }
            }
            guard let home, let place = room.place else { continue }
            let event = composer.delivered(message.payload, of: text, from: session.connection)
            let outcome = send(
                event, of: text, to: .member(message.target, at: home), in: place, from: session,
                envelope, &conversation)
            composer.reuse(event)
            return outcome
        }
        throw .unknownTarget
    }

    private mutating func tellAll(
        _ broadcast: Broadcast, _ envelope: V1Envelope, _ text: Span<UInt8>,
        _ session: V1Session, _ conversation: inout Conversation,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Outcome {
        let key = commons.key(clientID: session.clientID, room: broadcast.room)
        guard let index = conversation.index(of: key) else { throw .unknownTarget }
        let membership = conversation.rooms[index].membership
        let event = composer.delivered(broadcast.payload, of: text, from: session.connection)
        let rooms = commons.rooms
        var distant: [ConnectionID] = []
        let others = rooms.tell(membership, of: session.connection) { _, others in
            let near = self.near(others, others: &distant)
            self.announce(event, of: text, to: near, speaking: .v1, &loop)
        }
        let isPosted = announce(event, of: text, to: others ?? [], speaking: .classic, &loop)
        var outcome = isPosted ? Outcome.posted : .done
        if !distant.isEmpty, let place = conversation.rooms[index].place {
            if isPosted { loop.postNow() }
            outcome = send(
                event, of: text, to: .members(distant), in: place, from: session, envelope,
                &conversation)
        }
        composer.reuse(event)
        guard others != nil else { throw .unknownTarget }
        return outcome
    }

    /// Who of these gets what a loop has for all directly; the others get it over the bus.
    private func near(
        _ members: [RoomMember], others: inout [ConnectionID]
    ) -> [RoomMember] {
        guard let line = commons.line else { return members }
        let isBusy = line.isBusy
        others = members.filter { $0.isOverBus(whileBusy: isBusy) }.map(\.connection)
        return others.isEmpty ? members : members.filter { !$0.isOverBus(whileBusy: isBusy) }
    }

    // MARK: Rooms

    private mutating func enter(
        _ join: JoinRoom, _ envelope: V1Envelope, _ text: Span<UInt8>, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Outcome {
        let grant = conversation.grant
        guard grant.covers(room: join.room) else { throw .roomForbidden }
        let key = commons.key(clientID: session.clientID, room: join.room)
        let member = RoomMember(
            connection: session.connection, route: .v1(subject: grant.namedSubject),
            peerID: join.peerID ?? PeerID(session.connection), name: grant.name ?? join.name,
            joinedAt: commons.monotonicSeconds)
        if let line = commons.line {
            return try ask(
                member, join, key, envelope, text, session, &conversation, line, &loop)
        }
        let count = conversation.rooms.count
        let entered = try enter(key, member, join, text, roomsJoined: count, &loop)
        guard let entered else { return .done }
        conversation.rooms.append(.init(key: key, membership: entered.membership))
        return entered.isPosted ? .posted : .done
    }

    // MARK: Tokens

    /// A session token will not do: it is for cookies, and this is no handshake.
    private mutating func refresh(
        _ token: String, _ asked: AskedMessage?, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Outcome {
        let ports = commons.ports
        let now = ports.now()
        let verified = try? ports.tokens.verified(ByteText(token), [.access, .legacy], now: now)
        guard let claims = verified, claims.has(scope: "signal") else { throw .invalidToken }
        let grant = TokenGrant(claims)
        guard session.isSamePeer(as: grant.token), commons.allows(grant.token) else {
            throw .invalidToken
        }
        return accept(grant, asked, at: now, session, &conversation, &loop)
    }

    /// A new token counts from now on: rooms that it does not grant are left. In a cluster, `asked`
    /// is acknowledged when they are.
    @discardableResult
    mutating func accept(
        _ grant: TokenGrant, _ asked: AskedMessage?, at now: Int64, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) -> Outcome {
        conversation.accept(
            grant, noticeSeconds: commons.configuration.tokenExpiringSeconds, now: now)
        let forbidden = conversation.rooms.filter { !grant.covers(room: $0.key.room) }
        guard !forbidden.isEmpty else { return .done }
        conversation.rooms.removeAll { !grant.covers(room: $0.key.room) }
        if commons.line != nil {
            ask(toLeave: forbidden, asked, session, &conversation, &loop)
            return .asked
        }
        for room in forbidden { leave(session.connection, room, .left, &loop) }
        return .done
    }
}
