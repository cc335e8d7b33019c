import Relay
import Signalling
import WebSocket

// What the server hears and does, and what the reference makes of it.
extension ModelTrial {
    // MARK: Messages

    func hear(_ wire: ModelWire) {
        guard wire.isHeard, !wire.toServer.isEmpty else { return }
        let message = wire.toServer.removeFirst()
        wire.heard = message
        wire.loop?.receive(message.text, from: wire)
    }

    /// The server reads until nothing is left, or it reads no more.
    func hearAll(_ wire: ModelWire) {
        while wire.isHeard, !wire.toServer.isEmpty { hear(wire) }
    }

    private func wasHeard(_ wire: ModelWire, _ text: String, _ asked: [LoopAction]) throws {
        guard let message = wire.heard, message.text == text else {
            throw Mismatch("another message came than was sent: \(text)")
        }
        if case .resume = message.content {} else { takePlace(wire) }
        guard wire.isOpen else {
            tally["moved", default: 0] += 1
            wire.party?.state = .moving
            return
        }
        wire.heard = nil
        try handle(message, wire, asked)
    }

    private func handle(
        _ message: ModelMessage, _ wire: ModelWire, _ asked: [LoopAction]
    ) throws {
        guard let party = wire.party else { return }
        defer { wire.hasSpoken = true }
        guard party.isV1 else {
            if !party.hasEnded { handleClassic(message, party) }
            return
        }
        if case .resume(let resume) = message.content, !wire.hasSpoken {
            return try handle(resume, message, wire, asked)
        }
        guard party.isAttached(to: wire), party.doom == nil else { return }
        let error = answer(message, party)
        tally[error ?? message.action, default: 0] += 1
        if let error {
            let event = ModelEvent.error(code: error, action: message.action, ack: message.number)
            rooms.tell(party, event, of: party.connection)
        } else {
            rooms.tell(party, .ack(message.number), of: party.connection)
        }
    }

    private func handleClassic(_ message: ModelMessage, _ party: ModelParty) {
        switch message.content {
        case .join(let room, let peerID):
            for event in rooms.join(party, room, peerID: peerID).events {
                rooms.tell(party, event, of: party.connection)
            }
        case .send(let target): _ = rooms.send(party, to: target, message.number)
        default: break
        }
    }

    /// - Returns: The error's code; nil where the message is carried out.
    private func answer(_ message: ModelMessage, _ party: ModelParty) -> String? {
        switch message.content {
        case .join(let room, let peerID):
            let (error, events) = rooms.join(party, room, peerID: peerID)
            for event in events { rooms.tell(party, event, of: party.connection) }
            return error
        case .leave(let room): rooms.leave(party, room)
        case .send(let target):
            return rooms.send(party, to: target, message.number) ? nil : "unknown_target"
        case .broadcast(let room):
            return rooms.broadcast(party, room, message.number) ? nil : "unknown_target"
        case .ping: rooms.tell(party, .pong, of: party.connection)
        case .refresh(let token):
            guard token.isOfSamePeer(as: party.token) else { return "invalid_token" }
            rooms.accept(token, party)
        case .resume, .lateResume: return "bad_request"
        }
        return nil
    }

    // MARK: Places

    /// Connections of the same client and subject; who is away keeps nobody out.
    private func connections(_ token: ModelToken) -> Int {
        wires.count { wire in
            !wire.isClosed && wire.party?.token.isOfSamePeer(as: token) == true
        }
    }

    func isFull(for token: ModelToken) -> Bool {
        setting.subjectMax > 0 && token.subject != nil
            && connections(token) >= setting.subjectMax
    }

    /// A connection that resumes nothing has the first of its subject who went away leave, where
    /// they are too many.
    func takePlace(_ wire: ModelWire) {
        guard setting.subjectMax > 0, !wire.hasPlace, let token = wire.party?.token,
            token.subject != nil
        else { return }
        wire.hasPlace = true
        let away = parties.filter { $0.isAway && $0.token.isOfSamePeer(as: token) }
            .sorted { $0.awayOrder < $1.awayOrder }
        let surplus = connections(token) + away.count - setting.subjectMax
        for party in away.prefix(max(0, surplus)) {
            tally["made_room", default: 0] += 1
            rooms.end(party, reason: "lost")
        }
    }

    // MARK: Resuming

    private func handle(
        _ resume: ModelResume, _ message: ModelMessage, _ wire: ModelWire,
        _ asked: [LoopAction]
    ) throws {
        guard let fresh = wire.party else { return }
        let old = candidate(resume, fresh)
        let isCertain = old.map { isKept($0, resume.seq) } ?? false
        let isPossible = old.map { $0.doom == nil && resume.seq <= $0.sent } ?? false
        let isResumed = wire.resumedAt != nil
        guard isResumed ? isPossible : !isCertain else {
            throw Mismatch(
                "a resume after \(resume.seq) of \(old?.sent ?? 0) "
                    + (isResumed ? "succeeded" : "failed"))
        }
        if let old, case .attached(let other) = old.state {
            guard asked.contains(.close(other.socket, .replaced)) else {
                throw Mismatch("\(old.connection) was resumed and its old socket stays open")
            }
        }
        tally[isResumed ? "resumed" : "resume_failed", default: 0] += 1
        wire.hasPlace = isResumed
        guard isResumed, let old else {
            if let old { rooms.end(old, reason: old.doom == .replaced ? "replaced" : "lost") }
            takePlace(wire)
            let event = ModelEvent.error(
                code: "resume_failed", action: "resume", ack: message.number)
            rooms.tell(fresh, event, of: fresh.connection)
            return
        }
        try takeOver(old, wire, fresh, message)
    }

    /// The session that a resume is good for, apart from what is kept of it.
    private func candidate(_ resume: ModelResume, _ fresh: ModelParty) -> ModelParty? {
        guard let old = resume.party, old.secret == resume.secret, !old.hasEnded,
            old.token.isOfSamePeer(as: fresh.token), !revoked.contains(fresh.token.id)
        else { return nil }
        if case .moving = old.state { return nil }
        return old
    }

    private func isKept(_ party: ModelParty, _ seq: Int) -> Bool {
        party.doom == nil && seq <= party.sent && party.log.count - seq <= setting.keptMax
    }

    private func takeOver(
        _ old: ModelParty, _ wire: ModelWire, _ fresh: ModelParty, _ message: ModelMessage
    ) throws {
        guard wire.resumedAt == old.log.count else {
            throw Mismatch("resumed at \(wire.resumedAt ?? -1) in place of \(old.log.count)")
        }
        old.secret = wire.secret
        tally["outlived", default: 0] += old.isUnclaimed ? 1 : 0
        old.isUnclaimed = false
        old.state = .attached(wire)
        old.sent = wire.seq
        wire.party = old
        fresh.state = .ended
        rooms.accept(fresh.token, old)
        for (room, _) in old.rooms {
            rooms.tell(old, rooms.state(old, room), of: old.connection)
        }
        rooms.tell(old, .ack(message.number), of: old.connection)
    }

    // MARK: Ends

    func noticeEnd(of wire: ModelWire) {
        if case .peerClosed = wire.clientEnd { hearAll(wire) }
        guard wire.isOpen || wire.isClosed else { return }
        orphans.removeAll { $0 === wire }
        if wire.isHeard, let end = wire.clientEnd { wire.close(end) }
    }

    private func wasClosed(_ wire: ModelWire, _ end: SocketEnd) {
        guard let party = wire.party, !party.hasEnded else { return }
        let isForGood = end == .peerClosed(code: 1000)
        if !party.isV1 {
            rooms.end(party, reason: isForGood ? "closed" : "lost")
        } else if party.isAttached(to: wire) {
            if isForGood {
                rooms.end(party, reason: "closed")
            } else if end == .closedByUs(.revoked) {
                rooms.end(party, reason: "kicked")
            } else {
                rooms.detach(party, now: now, loop: wire.socket.loop)
            }
        }
    }

    // MARK: Turns

    /// Makes of a call of a handler what the reference makes of it.
    func follow(_ call: LoopCall, _ loop: Loop, _ asked: [LoopAction]) throws {
        switch call {
        case .opened(let wire as ModelWire): try arrived(wire, asked)
        case .received(let wire as ModelWire, let text): try wasHeard(wire, text, asked)
        case .nudged(let wire as ModelWire): try wasNudged(wire, asked)
        case .closed(let wire as ModelWire, let end): wasClosed(wire, end)
        case .told(let note): wasTold(note, loop, asked)
        case .ticked: break
        default: throw Mismatch("the trial knows no such client: \(call)")
        }
    }

    private func wasNudged(_ wire: ModelWire, _ asked: [LoopAction]) throws {
        guard let party = wire.party, party.isAttached(to: wire), let doom = party.doom else {
            return
        }
        guard asked.closed.contains(wire.socket) else {
            throw Mismatch("\(party.connection) was replaced and its socket stays open")
        }
        rooms.end(party, reason: doom == .replaced ? "replaced" : "lost")
    }

    /// A connection stands at its loop: a new one, which the reference does not know yet, or one
    /// that moved.
    private func arrived(_ wire: ModelWire, _ asked: [LoopAction]) throws {
        guard let party = wire.party else { return }
        if !party.hasEnded { party.state = .attached(wire) }
        let isWelcome = !party.hasEnded && !revoked.contains(party.token.id)
        guard asked.closed.isEmpty == isWelcome else {
            throw Mismatch("\(party.connection) is closed on its way, or is not: \(asked)")
        }
        if !isWelcome { rooms.end(party, reason: "kicked") }
    }

    // MARK: Notes and time

    private func wasTold(_ note: RelayNote, _ loop: Loop, _ asked: [LoopAction]) {
        switch note {
        case .kick(let connection):
            for party in parties where party.connection == connection.text && !party.hasEnded {
                let closed = asked.closed.map { hub.net.client($0) as? ModelWire }
                if party.isV1 || closed.contains(where: { $0?.party === party }) {
                    rooms.end(party, reason: "kicked")
                }
            }
        case .rightsChanged:
            let gone = parties.filter {
                !$0.hasEnded && revoked.contains($0.token.id) && isTold($0, loop)
            }
            rooms.endTogether(gone.map { ($0, "kicked") }) { self.isGone($0) }
        case .draining, .cluster: break
        }
    }

    /// Whether the loop is the one to end this party, or has ended it.
    private func isTold(_ party: ModelParty, _ loop: Loop) -> Bool {
        switch party.state {
        case .attached(let wire): wire.isOpen && wire.socket.loop == loop.index
        case .away(_, let last): last == loop.index || isGone(party)
        case .moving, .ended: false
        }
    }

    private func isGone(_ party: ModelParty) -> Bool {
        !hub.service.rooms().contains { room in
            room.members.contains { $0.connectionID == party.connection }
        }
    }

    func tick(seconds: Int) {
        for second in 0..<max(1, seconds) {
            hub.tick(seconds: seconds > 0 || second > 0 ? 1 : 0)
            let due = parties.compactMap { party -> (ModelParty, reason: String)? in
                guard case .away(let until, _) = party.state else { return nil }
                if let doom = party.doom {
                    return (party, doom == .replaced ? "replaced" : "lost")
                }
                return now >= until ? (party, "lost") : nil
            }
            rooms.endTogether(due) { self.isGone($0) }
        }
    }
}

extension [LoopAction] {
    /// The sockets that are to be closed.
    fileprivate var closed: [SocketID] {
        compactMap { if case .close(let socket, _) = $0 { socket } else { nil } }
    }
}
