import Admission
import AdmissionSupport
import Locking
import Relay
import Signalling
import WebSocket

// What the server hears and does, and what the reference makes of it.
extension ModelTrial {
    // MARK: Messages

    func hear(_ wire: ModelWire) throws {
        guard let socket = wire.socket, wire.closing == nil, !wire.toServer.isEmpty else { return }
        let message = wire.toServer.removeFirst()
        let bytes = Array(message.text.utf8)
        let loop = net.loop(of: socket)
        let closes = try net.call(loop) { $0.received(bytes.span, from: socket, &$1) }
        if case .resume = message.content {} else { takePlace(wire) }
        if wire.socket == nil {
            wire.moving = message
            tally["moved", default: 0] += 1
            wire.party?.state = .moving
        } else {
            try handle(message, wire, closes)
        }
    }

    private func handle(
        _ message: ModelMessage, _ wire: ModelWire, _ closes: [ModelNet.Close]
    ) throws {
        guard let party = wire.party else { return }
        defer { wire.hasSpoken = true }
        guard party.isV1 else {
            if !party.hasEnded { handleClassic(message, party) }
            return
        }
        if case .resume(let resume) = message.content, !wire.hasSpoken {
            return try handle(resume, message, wire, closes)
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
            !wire.isReleased && wire.party?.token.isOfSamePeer(as: token) == true
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
        _ closes: [ModelNet.Close]
    ) throws {
        guard let fresh = wire.party else { return }
        let old = candidate(resume, fresh)
        let isCertain = old.map { isKept($0, resume.seq) } ?? false
        let isPossible = old.map { $0.doom == nil && resume.seq <= $0.sent } ?? false
        let isResumed = wire.resumed != nil
        guard isResumed ? isPossible : !isCertain else {
            throw Mismatch(
                "a resume after \(resume.seq) of \(old?.sent ?? 0) "
                    + (isResumed ? "succeeded" : "failed"))
        }
        if let old, case .attached(let other) = old.state {
            guard closes.contains(where: { $0.wire === other && $0.code == .replaced }) else {
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
        guard let resumed = wire.resumed, resumed.seq == old.log.count else {
            throw Mismatch("resumed at \(wire.resumed?.seq ?? -1) in place of \(old.log.count)")
        }
        old.secret = resumed.secret
        tally["outlived", default: 0] += old.isUnclaimed ? 1 : 0
        old.isUnclaimed = false
        old.state = .attached(wire)
        old.sent = wire.lastSent
        wire.party = old
        fresh.state = .ended
        rooms.accept(fresh.token, old)
        for (room, _) in old.rooms {
            rooms.tell(old, rooms.state(old, room), of: old.connection)
        }
        rooms.tell(old, .ack(message.number), of: old.connection)
    }

    // MARK: Ends

    func noticeEnd(of wire: ModelWire) throws {
        guard let socket = wire.socket else {
            if wire.isReleased { orphans.removeAll { $0 === wire } }
            return
        }
        if case .peerClosed = wire.clientEnd {
            while !wire.toServer.isEmpty, wire.closing == nil, wire.socket != nil {
                try hear(wire)
            }
            guard wire.socket != nil else { return }
        }
        orphans.removeAll { $0 === wire }
        guard wire.closing == nil, let end = wire.clientEnd else { return }
        try net.call(net.loop(of: socket)) { $0.closed(socket, end, &$1) }
        wasClosed(wire, end, loop: socket.loop)
        net.release(wire)
    }

    private func wasClosed(_ wire: ModelWire, _ end: SocketEnd, loop: Int) {
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
                rooms.detach(party, now: now, loop: loop)
            }
        }
    }

    // MARK: Turns

    func endTurn(_ loop: ModelLoop) throws {
        while !loop.nudges.isEmpty || !loop.closed.isEmpty {
            let nudges = loop.nudges
            loop.nudges = []
            for socket in nudges { try nudge(socket, loop) }
            let closed = loop.closed
            loop.closed = []
            for wire in closed {
                guard let socket = wire.socket, let code = wire.closing else { continue }
                try net.call(loop) { $0.closed(socket, .closedByUs(code), &$1) }
                wasClosed(wire, .closedByUs(code), loop: socket.loop)
                net.release(wire)
            }
        }
        net.post(loop)
    }

    private func nudge(_ socket: SocketID, _ loop: ModelLoop) throws {
        guard let wire = net.wires[socket], wire.closing == nil else { return }
        let closes = try net.call(loop) { $0.nudged(socket, &$1) }
        guard let party = wire.party, party.isAttached(to: wire), let doom = party.doom else {
            return
        }
        guard closes.contains(where: { $0.wire === wire }) else {
            throw Mismatch("\(party.connection) was replaced and its socket stays open")
        }
        rooms.end(party, reason: doom == .replaced ? "replaced" : "lost")
    }

    func collect(_ loop: ModelLoop, _ count: Int) throws {
        for _ in 0..<min(count, loop.mailbox.count) {
            switch loop.mailbox.removeFirst() {
            case .send(let socket, let text): try net.send(socket, text)
            case .close(let socket, let code): net.close(socket, code, loop)
            case .nudge(let socket): try nudge(socket, loop)
            case .arrival(let wire, let admission): try arrive(wire, admission, loop)
            case .note(let note): try tell(note, loop)
            }
        }
    }

    private func arrive(
        _ wire: ModelWire, _ admission: SocketAdmission, _ loop: ModelLoop
    ) throws {
        let socket = net.adopt(wire, loop)
        let closes = try net.call(loop) { $0.opened(socket, admission, &$1) }
        guard let party = wire.party, let message = wire.moving else { return }
        wire.moving = nil
        if !party.hasEnded { party.state = .attached(wire) }
        let isWelcome = !party.hasEnded && !revoked.contains(party.token.id)
        guard closes.isEmpty == isWelcome else {
            throw Mismatch("\(party.connection) is closed on its way, or is not: \(closes)")
        }
        guard isWelcome else { return rooms.end(party, reason: "kicked") }
        wire.toServer.insert(message, at: 0)
        try hear(wire)
    }

    // MARK: Notes and time

    private func tell(_ note: RelayNote, _ loop: ModelLoop) throws {
        let closes = try net.call(loop) { $0.told(note, &$1) }
        switch note {
        case .kick(let connection):
            for party in parties where party.connection == connection.text && !party.hasEnded {
                if party.isV1 || closes.contains(where: { $0.wire?.party === party }) {
                    rooms.end(party, reason: "kicked")
                }
            }
        case .rightsChanged:
            let gone = parties.filter {
                !$0.hasEnded && revoked.contains($0.token.id) && isTold($0, loop)
            }
            rooms.endTogether(gone.map { ($0, "kicked") }) { self.isGone($0) }
        case .draining: break
        }
    }

    /// Whether the loop is the one to end this party, or has ended it.
    private func isTold(_ party: ModelParty, _ loop: ModelLoop) -> Bool {
        switch party.state {
        case .attached(let wire):
            wire.socket?.loop == loop.output.index && net.wires[wire.socket ?? .init(raw: 0)] != nil
        case .away(_, let last): last == loop.output.index || isGone(party)
        case .moving, .ended: false
        }
    }

    private func isGone(_ party: ModelParty) -> Bool {
        !service.rooms().contains { room in
            room.members.contains { $0.connectionID == party.connection }
        }
    }

    func tick(seconds: Int) throws {
        for second in 0..<max(1, seconds) {
            let isLater = seconds > 0 || second > 0
            world.state.withLock {
                $0.now += isLater ? 1 : 0
                $0.milliseconds += isLater ? 1000 : 0
            }
            for loop in net.loops {
                loop.output.monotonicSeconds += isLater ? 1 : 0
            }
            for loop in net.loops { try net.call(loop) { $0.ticked(&$1) } }
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
