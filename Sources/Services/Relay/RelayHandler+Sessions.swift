internal import Access
internal import Admission
internal import Bytes
internal import ICEServers
internal import Locking
internal import Rooms
internal import Signalling
internal import WebSocket

// How v1 sessions begin, lose their sockets, get new ones, and end (PROTOCOL §3).
extension RelayHandler {
    // MARK: Beginning

    func makeSession(_ socket: SocketID, _ admission: SocketAdmission) -> V1Session {
        let ports = commons.ports
        let secret = SessionSecret(high: ports.random64(), low: ports.random64())
        let connection = ConnectionID(raw: ports.random64())
        let token = admission.token
        let session = V1Session(
            connection: connection,
            Conversation(
                socket, admission.grant, secret,
                noticeSeconds: commons.configuration.tokenExpiringSeconds, now: ports.now(),
                milliseconds: ports.monotonicMilliseconds()),
            EventStream(
                limits: commons.configuration.historyLimits, socket: socket,
                owner: KeptBytes.Owner(
                    connection: connection, client: ByteText(token.clientID),
                    subject: ByteText(token.subject))))
        commons.sessions.add(session, secret: secret)
        return session
    }

    mutating func welcome(
        _ slot: Int, _ session: V1Session, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let (grant, secret) = session.conversation.withLock { ($0.grant, $0.secret) }
        // Between the decision and now a note may have come and found no socket to close.
        guard commons.allows(grant.token) else { return endRevoked(slot, &loop) }
        let configuration = commons.configuration
        let now = commons.ports.now()
        let ice = commons.ports.iceServers(grant.token.subject, now)
        let event = composer.welcome(
            session.connection, secret, expiresAt: grant.expiresAt, now: now,
            iceServers: ice.json, iceServersExpireAt: ice.expiresAt,
            .init(
                messageBytesMax: configuration.maxMessageBytes,
                roomsMax: configuration.roomsPerConnectionMax,
                pingIntervalSeconds: configuration.pingIntervalSeconds))
        tell(event, pastStreamTo: connections[slot].socket, &loop)
    }

    /// A connection that is new, and resumes nothing, has a place of its own. Over a limit the
    /// sessions of clients who are away make room for it: no conversation may be locked.
    mutating func takePlace(_ slot: Int, _ loop: inout some SocketOutput & ~Copyable) {
        guard let place = connections[slot].admission?.place else { return }
        for connection in commons.ledger.settle(place) {
            guard let session = commons.sessions.session(connection) else { continue }
            session.conversation.withLock { conversation in
                guard case .detached = conversation.state else { return }
                self.finish(session, &conversation, .lost, &loop)
            }
        }
    }

    // MARK: Losing the socket

    /// A session's socket is gone, or on its way out. Nothing happens if it was resumed elsewhere.
    mutating func detach(
        _ session: V1Session, _ socket: SocketID, _ admission: SocketAdmission?, _ fate: Fate,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let graceSeconds = Int64(commons.configuration.resumeGraceSeconds)
        let until = loop.monotonicSeconds + graceSeconds
        session.conversation.withLock { conversation in
            guard conversation.isAttached(to: socket) else { return }
            if case .ended(let reason) = fate {
                return self.finish(session, &conversation, reason, &loop)
            }
            guard graceSeconds > 0, !conversation.rooms.isEmpty else {
                return self.finish(session, &conversation, .lost, &loop)
            }
            conversation.state = .detached(until: until)
            admission?.park(session.connection)
            let (losers, request) = session.stream.withLock { stream in
                (stream.detach(self.commons), stream.request)
            }
            self.commons.letGo(losers)
            if let reason = Self.reason(request) {
                self.finish(session, &conversation, reason, &loop)
            } else {
                self.away.append(session)
            }
        }
    }

    /// Why a session that is asked to end leaves its rooms; nil where it may go on.
    static func reason(_ request: EventStream.EndRequest?) -> LeaveReason? {
        switch request {
        case .replaced: .replaced
        case .overfull: .lost
        case .overloaded, nil: nil
        }
    }

    /// Ends a session: it is in no room any more, and nobody can resume it.
    mutating func finish(
        _ session: V1Session, _ conversation: inout Conversation, _ reason: LeaveReason,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        if case .detached = conversation.state { commons.ledger.unpark(session.connection) }
        conversation.state = .ended
        let rooms = conversation.rooms
        conversation.rooms = []
        for room in rooms { leave(session.connection, room.membership, reason, &loop) }
        commons.sessions.remove(session, secret: conversation.secret)
        session.stream.withLock { $0.end(commons) }
    }

    // MARK: Sending on request

    /// Sends what other loops put into a session's stream, and does what they asked for.
    mutating func pump(
        _ slot: Int, _ session: V1Session, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let socket = connections[slot].socket
        let request = session.stream.withLock { stream -> EventStream.EndRequest? in
            guard stream.socket == socket else { return nil }
            stream.pump(&loop)
            return stream.request
        }
        let tooSlow: StaticString = "the queue is full"
        switch request {
        case .replaced:
            end(
                slot, .replaced, reason: "a newer connection of this peer took its place",
                .ended(.replaced), &loop)
        case .overloaded: end(slot, .overloaded, reason: tooSlow, .kept, &loop)
        case .overfull: end(slot, .overloaded, reason: tooSlow, .ended(.lost), &loop)
        case nil: break
        }
    }

    // MARK: Resuming

    /// The first message of a connection takes over the session of another.
    mutating func resume(
        _ resume: Resume, _ envelope: V1Envelope, _ text: Span<UInt8>, _ slot: Int,
        _ fresh: V1Session, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let grant = fresh.conversation.withLock { $0.grant }
        let old = resume.secret.flatMap { commons.sessions.session($0) }
        guard let old, old !== fresh, commons.allows(grant.token),
            takeOver(old, resume, grant, slot, &loop)
        else {
            connections[slot].refusedMessages &+= 1
            takePlace(slot, &loop)
            return refuse(.resumeFailed, envelope, text, fresh, &loop)
        }
        figures.note(.resume)
        figures.resumed += 1
        acknowledge(envelope, text, old, &loop)
        connections[slot].session = old
        connections[slot].connection = old.connection
        connections[slot].isSettled = true
        fresh.conversation.withLock { finish(fresh, &$0, .replaced, &loop) }
    }

    /// - Returns: False if the session can't be resumed. If that was for what it no longer keeps,
    ///   it has ended, so that its client can join afresh at once.
    private mutating func takeOver(
        _ old: V1Session, _ resume: Resume, _ grant: TokenGrant, _ slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        let socket = connections[slot].socket
        let ports = commons.ports
        let secret = SessionSecret(high: ports.random64(), low: ports.random64())
        return old.conversation.withLock { conversation in
            guard conversation.secret == resume.secret, old.isSamePeer(as: grant.token) else {
                return false
            }
            switch conversation.state {
            case .attached(let other):
                loop.close(other, .replaced, reason: "the session was resumed elsewhere")
            case .detached: break
            case .moving, .ended: return false
            }
            guard self.attach(old, socket, secret, after: resume.seq, &loop) else {
                let request = old.stream.withLock { $0.request }
                self.finish(old, &conversation, Self.reason(request) ?? .lost, &loop)
                return false
            }
            if case .detached = conversation.state { self.commons.ledger.unpark(old.connection) }
            self.commons.sessions.renew(old, conversation.secret, secret)
            conversation.secret = secret
            conversation.state = .attached(socket)
            self.accept(grant, at: ports.now(), old, &conversation, &loop)
            self.sendRoomStates(old, conversation, &loop)
            return true
        }
    }

    /// Sends `resumed` and what came after event `seq`, in one go, so that nothing comes between.
    private mutating func attach(
        _ session: V1Session, _ socket: SocketID, _ secret: SessionSecret, after seq: UInt64,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        session.stream.withLock { stream in
            guard stream.reattach(socket, after: seq, self.commons) else { return false }
            let seq = stream.history.lastSeq
            let event = self.composer.resumed(session.connection, secret, seq: seq)
            self.tell(event, pastStreamTo: socket, &loop)
            stream.pump(&loop)
            return true
        }
    }

    private mutating func sendRoomStates(
        _ session: V1Session, _ conversation: Conversation,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let rooms = commons.rooms
        for room in conversation.rooms {
            let name = room.key.room
            _ = rooms.tell(room.membership, of: session.connection) { own, others in
                let state = RoomNews.state(own: own, others: others)
                self.tell(self.composer.event(state, of: name), to: session, &loop)
            }
        }
    }
}
