internal import Access
internal import Admission
internal import Bytes
internal import Identifiers
internal import Locking
internal import Sessions
internal import Signalling
internal import Synchronization
package import WebSocket

// What time alone brings about, and what other threads tell.
extension RelayHandler {
    package mutating func ticked(_ loop: inout some SocketOutput & ~Copyable) {
        let now = loop.monotonicSeconds
        let wallClock = commons.ports.now()
        for slot in connections.indices
        where connections[slot].admission != nil && !connections[slot].isEnding {
            checkAge(slot, now, &loop)
            if let session = connections[slot].session, !connections[slot].isEnding {
                checkToken(slot, session, wallClock, &loop)
            }
        }
        sweepAway(now, &loop)
        commons.figures.publish(figures, of: loop.index)
    }

    private mutating func checkAge(
        _ slot: Int, _ now: Int64, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let configuration = commons.configuration
        let age = now - connections[slot].openedAt
        let isV1 = connections[slot].session != nil
        let ageMax = isV1 ? configuration.maxV1AgeSeconds : configuration.maxAgeSeconds
        let firstMax = configuration.firstMessageSeconds
        if ageMax > 0, age >= Int64(ageMax) {
            end(slot, .goingAway, reason: "maximum age", .kept, &loop)
        } else if !connections[slot].hasSpoken, firstMax > 0, age >= Int64(firstMax) {
            end(slot, .noPong, reason: "no first message in time", .kept, &loop)
        }
    }

    /// A v1 client is told before its token ends, and closed when it does.
    private mutating func checkToken(
        _ slot: Int, _ session: V1Session, _ wallClock: Int64,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let socket = connections[slot].socket
        let seconds = commons.configuration.historySeconds
        let oldest = seconds > 0 ? loop.monotonicSeconds - Int64(seconds) : 0
        let hasExpired = session.conversation.withLock { conversation in
            guard session.hears(socket) else { return false }
            if wallClock >= conversation.grant.expiresAt { return true }
            commons.yield(session.stream.withLock { $0.trim(before: oldest, commons) })
            if let noticeAt = conversation.noticeAt, wallClock >= noticeAt {
                conversation.noteNoticed()
                let expiresAt = conversation.grant.expiresAt
                self.tell(self.composer.tokenExpiring(expiresAt: expiresAt), to: session, &loop)
            }
            return false
        }
        if hasExpired { end(slot, .tokenExpired, reason: "the token expired", .kept, &loop) }
    }

    /// Ends the sessions whose clients did not come back in time, or can't any more.
    private mutating func sweepAway(_ now: Int64, _ loop: inout some SocketOutput & ~Copyable) {
        // Nobody can come back to a process that stops; the next one gives everybody their time.
        let now = commons.isStopping.load(ordering: .relaxed) ? .min : now
        adoptOrphans()
        let sessions = away.values
        away = [:]
        for session in sessions {
            let isKept = session.conversation.withLock { conversation in
                self.handle(.tick(now), session, &conversation, &loop)
                return session.stream.withLock { $0.session.isAway }
            }
            if isKept { away[session.connection] = session }
        }
    }

    /// Keeps what no loop keeps yet from before a restart.
    private mutating func adoptOrphans() {
        for session in commons.takeOrphans() { away[session.connection] = session }
    }

    // MARK: Notes

    package mutating func told(
        _ note: RelayNote, _ loop: inout some SocketOutput & ~Copyable
    ) {
        switch note {
        case .rightsChanged: checkRights(&loop)
        case .kick(let connection): kick(connection, &loop)
        case .cluster(let answer): told(answer, &loop)
        case .draining(let seconds):
            let event = composer.draining(withinSeconds: seconds)
            for connection in connections where !connection.isEnding {
                guard let session = connection.session else { continue }
                if session.socket == connection.socket { deliver(event, to: session, &loop) }
            }
            composer.reuse(event)
        }
    }

    private mutating func checkRights(_ loop: inout some SocketOutput & ~Copyable) {
        let commons = commons
        var clients: [ClientID: ClientStanding?] = [:]
        let mayStay = { (token: RevocableToken) -> Bool in
            let client = clients[token.clientID] ?? commons.ports.client(token.clientID)
            clients[token.clientID] = .some(client)
            return commons.allows(token, of: client)
        }
        for slot in connections.indices {
            guard let admission = connections[slot].admission else { continue }
            let token =
                connections[slot].session?.conversation.withLock { $0.grant.token }
                ?? admission.token
            if !mayStay(token) { endRevoked(slot, &loop) }
        }
        adoptOrphans()
        for session in away.values {
            session.conversation.withLock { conversation in
                guard !mayStay(conversation.grant.token) else { return }
                self.handle(.endAway(.kicked), session, &conversation, &loop)
            }
        }
    }

    /// A session may be going from one loop to another while every loop is told: so the first to
    /// find it ends it, wherever it is attached.
    private mutating func kick(
        _ connection: ConnectionID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let reason: StaticString = "closed by the operator"
        if let session = commons.sessions.session(connection) {
            session.conversation.withLock { conversation in
                let effects = self.handle(.end(.kicked), session, &conversation, &loop)
                guard let socket = effects.close else { return }
                loop.close(SocketID(raw: socket), .revoked, reason: reason)
            }
        } else if let slot = connections.firstIndex(where: {
            $0.connection == connection && $0.admission != nil && $0.session == nil
        }) {
            end(slot, .revoked, reason: reason, .ended(.kicked), &loop)
        }
    }
}
