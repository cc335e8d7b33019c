internal import Access
internal import Admission
internal import Bytes
internal import Cluster
internal import ICEServers
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import WebSocket

// How v1 sessions begin, lose their sockets, get new ones, and end (docs/protocol.md §3).
extension RelayHandler {
    // MARK: Beginning

    func makeSession(
        _ socket: SocketID, _ admission: SocketAdmission
    ) -> (session: V1Session, secret: SessionSecret) {
        let ports = commons.ports
        let bits = ports.random128()
        let connection = ConnectionID(raw: ports.random64())
        let secret = commons.secret(bits, of: connection)
        let token = admission.token
        let digest = commons.digest(secret)
        let configuration = commons.configuration
        let session = V1Session(
            connection: connection,
            Conversation(
                admission.grant, digest, noticeSeconds: configuration.tokenExpiringSeconds,
                now: ports.now(), milliseconds: ports.monotonicMilliseconds()),
            EventStream(
                Session(
                    attachedTo: socket.raw, limits: configuration.historyLimits,
                    outboundBytesMax: configuration.outboundBytesMax),
                owner: KeptBytes.Owner(
                    connection: connection, client: token.clientID, subject: token.subject)))
        commons.sessions.add(session, secret: digest)
        return (session, secret)
    }

    mutating func welcome(
        _ slot: Int, _ session: V1Session, _ secret: SessionSecret,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let grant = session.conversation.withLock { $0.grant }
        // Between the decision and now a note may have come and found no socket to close.
        guard connections[slot].admission?.mayHaveLostRights == false || commons.allows(grant.token)
        else { return endRevoked(slot, &loop) }
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
                _ = self.handle(.endAway(.lost), session, &conversation, &loop)
            }
        }
    }

    // MARK: Losing the socket

    /// Within this time other nodes of a cluster answer, or are known to be dead.
    private static let answerSecondsMax: Int64 = 60

    /// A session's socket is gone, or on its way out. Nothing happens if it was resumed elsewhere.
    mutating func detach(
        _ session: V1Session, _ socket: SocketID, _ admission: SocketAdmission?, _ fate: Fate,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        session.conversation.withLock { conversation in
            if case .ended(let reason) = fate {
                self.handle(.closed(socket.raw, reason), session, &conversation, &loop)
                return
            }
            let isAway = self.goAway(
                session, socket, isAwaited: conversation.outstanding.resume != nil, &conversation,
                &loop)
            if isAway { admission?.park(session.connection) }
        }
    }

    /// Takes a session off its socket; `isAwaited` says that somebody resumes it as soon as may be.
    ///
    /// - Returns: Whether it waits for its client from now on; its place is to be parked then.
    private mutating func goAway(
        _ session: V1Session, _ socket: SocketID, isAwaited: Bool,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        let graceSeconds = Int64(commons.configuration.resumeGraceSeconds)
        let outstanding = conversation.outstanding
        let isJoining = outstanding.change?.isJoin == true
        let mayWait = graceSeconds > 0 && (!conversation.rooms.isEmpty || isJoining)
        var seconds = mayWait ? graceSeconds : nil
        if isAwaited || seconds == nil && outstanding.stage != .home {
            seconds = max(seconds ?? 0, Self.answerSecondsMax)
        }
        let until = seconds.map { loop.monotonicSeconds + $0 }
        let effects = handle(.lost(socket.raw, until: until), session, &conversation, &loop)
        guard effects.isDone, effects.finished == nil else { return false }
        away[session.connection] = session
        if outstanding.stage == .settling { commons.line?.tell(.lifted(session.connection)) }
        return true
    }

    /// Has a session change, and does what follows but for closing sockets.
    @discardableResult
    mutating func handle(
        _ input: Session.Input, _ session: V1Session, _ conversation: inout Conversation,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Session.Effects {
        let effects = session.handle(input, commons)
        if effects.wasAway { commons.ledger.unpark(session.connection) }
        wake(effects.nudge, &loop)
        if let reason = effects.finished {
            let rooms = conversation.rooms
            conversation.rooms = []
            for room in rooms { leave(session.connection, room, reason, &loop) }
            abandonOutstanding(of: session, &conversation, reason)
            commons.sessions.remove(session, secret: conversation.secret)
        }
        return effects
    }

    func wake(_ socket: UInt64?, _ loop: inout some SocketOutput & ~Copyable) {
        if let socket { loop.nudge(SocketID(raw: socket)) }
    }

    // MARK: Sending on request

    /// Sends what other loops put into a session's stream, and does what they asked for.
    mutating func pump(
        _ slot: Int, _ session: V1Session, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let socket = connections[slot].socket
        let phase = session.stream.withLock { stream -> Session.Phase? in
            guard stream.session.socket == socket.raw else { return nil }
            stream.pump(&loop)
            return stream.session.phase
        }
        switch phase {
        case .doomed(.replaced, _):
            end(
                slot, .replaced, reason: "a newer connection of this peer took its place",
                .kept, &loop)
        case .doomed, .overloaded:
            end(slot, .overloaded, reason: "the queue is full", .kept, &loop)
        default: break
        }
    }

    // MARK: Resuming

    /// The first message of a connection takes over the session of another.
    mutating func resume(
        _ resume: Resume, _ message: AskedMessage, _ slot: Int, _ fresh: V1Session,
        mayAsk: Bool = true, _ loop: inout some SocketOutput & ~Copyable
    ) {
        // Its session has gone, or is about to: its client will find it elsewhere.
        if commons.line?.isDraining == true {
            return end(slot, .restarting, reason: "this node is about to end", .kept, &loop)
        }
        let grant = fresh.conversation.withLock { $0.grant }
        let secret = resume.secret.map(commons.digest)
        var old = secret.flatMap(commons.sessions.session)
        let isAllowed = commons.allows(grant.token)
        if old == nil, isAllowed, mayAsk, ask(for: resume, grant, message, slot, &loop) { return }
        if old === fresh || !isAllowed { old = nil }
        if let session = old, let secret {
            let waiting = WaitingResume(connections[slot].socket, resume, message)
            if wait(for: session, secret, grant, slot, waiting, &loop) { return }
            if !takeOver(session, secret, resume.seq, grant, slot, &loop) { old = nil }
        }
        guard let old else {
            connections[slot].refusedMessages &+= 1
            takePlace(slot, &loop)
            return refuse(.resumeFailed, message, fresh, &loop)
        }
        figures.note(.resume)
        figures.resumed += 1
        acknowledge(message, old, &loop)
        connections[slot].session = old
        connections[slot].connection = old.connection
        connections[slot].isSettled = true
        _ = fresh.conversation.withLock { handle(.end(.replaced), fresh, &$0, &loop) }
    }

    /// Has a resume wait until everything is answered that the session has asked of other nodes: a
    /// client sends again what it does not know to have arrived. Nothing more is heard of the
    /// connection that it replaces.
    private mutating func wait(
        for old: V1Session, _ secret: SecretDigest, _ grant: TokenGrant, _ slot: Int,
        _ waiting: WaitingResume, _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        guard commons.line != nil else { return false }
        let socket = connections[slot].socket
        return old.conversation.withLock { conversation in
            guard conversation.secret == secret, old.isSamePeer(as: grant.token),
                !conversation.outstanding.isEmpty
            else { return false }
            let reason: StaticString = "the session was resumed elsewhere"
            if let earlier = conversation.outstanding.resume?.socket, earlier != socket {
                loop.close(earlier, .replaced, reason: reason)
            }
            if let other = old.socket {
                // At once: should this one be lost before the answer comes, the end of the other
                // must not be the session's.
                let isAway = self.goAway(old, other, isAwaited: true, &conversation, &loop)
                loop.close(other, .replaced, reason: reason)
                guard isAway else { return false }
                if let place = self.connections[slot].admission?.place {
                    self.commons.ledger.putBack(place, old.connection)
                }
            }
            conversation.outstanding.resume = waiting
            self.connections[slot].isResuming = true
            loop.hold(socket)
            return true
        }
    }

    /// Asks the other nodes of a cluster for a session that is not here.
    private mutating func ask(
        for resume: Resume, _ grant: TokenGrant, _ message: AskedMessage, _ slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        guard let line = commons.line, let secret = resume.secret,
            let connection = secret.connection, let home = secret.home
        else { return false }
        let socket = connections[slot].socket
        let claim = SessionClaim(
            commons.digest(secret), clientID: grant.token.clientID, subject: grant.token.subject)
        let asked = AskedResume(
            connection, claim, home: Incarnation(raw: home),
            WaitingResume(socket, resume, message))
        connections[slot].asked = asked
        connections[slot].isResuming = true
        loop.hold(socket)
        line.tell(.resume(asked))
        return true
    }

    /// - Returns: False if the session can't be resumed. If that was for what it no longer keeps,
    ///   it has ended, so that its client can join afresh at once.
    private mutating func takeOver(
        _ old: V1Session, _ secret: SecretDigest, _ seq: UInt64, _ grant: TokenGrant, _ slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        let socket = connections[slot].socket
        let ports = commons.ports
        return old.conversation.withLock { conversation in
            guard conversation.secret == secret, old.isSamePeer(as: grant.token) else {
                return false
            }
            let input = Session.Input.resume(socket.raw, after: seq)
            let effects = self.handle(input, old, &conversation, &loop)
            if let other = effects.close {
                let reason: StaticString = "the session was resumed elsewhere"
                loop.close(SocketID(raw: other), .replaced, reason: reason)
            }
            guard effects.isDone, effects.finished == nil else { return false }
            self.replay(old, &conversation, to: socket, &loop)
            for room in conversation.rooms {
                self.commons.rooms.claim(old.connection, room.membership)
            }
            self.accept(grant, nil, at: ports.now(), old, &conversation, &loop)
            self.sendRoomStates(old, conversation, &loop)
            return true
        }
    }

    /// Sends `resumed`, with a secret for the next time, and then what the client missed.
    private mutating func replay(
        _ session: V1Session, _ conversation: inout Conversation, to socket: SocketID,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let secret = commons.secret(commons.ports.random128(), of: session.connection)
        let digest = commons.digest(secret)
        commons.sessions.renew(session, conversation.secret, digest)
        conversation.secret = digest
        session.stream.withLock { stream in
            let seq = stream.session.history.lastSeq
            let event = self.composer.resumed(session.connection, secret, seq: seq)
            self.tell(event, pastStreamTo: socket, &loop)
            stream.pump(&loop)
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
