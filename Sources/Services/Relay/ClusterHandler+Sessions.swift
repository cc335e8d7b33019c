internal import Admission
internal import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import WebSocket

// Sessions that go from node to node: the node decides, and this is what of it befalls them here.
extension ClusterHandler where Sockets: ~Copyable {
    // MARK: What is done

    mutating func performForSession(_ effect: ClusterNode.Effect) {
        switch effect {
        case .settle(let connection, let claim): settle(connection, claim)
        case .freeze(let connection): freeze(connection)
        case .release(let connection): release(connection)
        case .end(let connection, let reason): end(connection, reason)
        case .forget(let connection): forget(connection)
        case .arrive(_, let record, let places, let graceSeconds):
            arrive(record, places, graceSeconds)
        case .resumable(let connection): resumable(connection)
        case .unresumable(let connection, let claim): unresumable(connection, claim)
        case .undrainable(let connection): draining?.stays(connection)
        case .shelved(let sessions): shelved(sessions)
        case .cameBack(let connection, let isHere): cameBack(connection, isHere: isHere)
        default: break
        }
    }

    // MARK: Asking

    mutating func ask(for asked: AskedResume) {
        // Who is at home here is asked for nowhere, whatever somebody shows for it.
        let session = commons.sessions.session(asked.connection)
        let isOwn = session?.conversation.withLock { conversation in
            conversation.outstanding.stage == .home
                ? session?.matches(asked.claim, conversation) : nil
        }
        if let isOwn {
            guard isOwn == true else { return fail(asked) }
            return tell(.resume(asked.resume), asked.resume.socket)
        }
        if let replaced = resumes.add(asked) {
            let reason: StaticString = "the session was resumed elsewhere"
            sockets.close(replaced.resume.socket, .replaced, reason: reason)
        }
        inputs.append(.resume(asked.connection, asked.claim, home: asked.home))
    }

    mutating func giveUp(_ asked: AskedResume) {
        if resumes.giveUp(asked) { inputs.append(.abandon(asked.connection, asked.claim)) }
    }

    /// It is here. Of those who wait for it the one whose claim is right is heard.
    mutating func resumable(_ connection: ConnectionID) {
        var waiting = resumes.take(connection)
        change(connection) { _, session, conversation in
            if conversation.outstanding.stage == .arriving {
                conversation.outstanding.stage = .home
            }
            guard conversation.outstanding.resume == nil else { return }
            let claim = SessionClaim(
                conversation.secret, clientID: session.clientID, subject: session.subject)
            conversation.outstanding.resume = waiting.removeValue(forKey: claim)?.resume
        }
        fail(waiting)
    }

    mutating func unresumable(_ connection: ConnectionID, _ claim: SessionClaim) {
        if let failed = resumes.fail(connection, claim) { fail(failed) }
    }

    private mutating func fail(_ asked: AskedResume) {
        tell(.unresumable(asked.resume), asked.resume.socket)
    }

    private mutating func fail(_ waiting: [SessionClaim: AskedResume]) {
        for (_, asked) in waiting.sorted(by: { $0.key < $1.key }) { fail(asked) }
    }

    // MARK: Giving

    /// Another node wants a session, since its client is there; without a claim, since this node
    /// has offered it. Whoever waits here to go on with it came before, and gives way as with two
    /// sockets of one node.
    mutating func settle(_ connection: ConnectionID, _ claim: SessionClaim?) {
        guard let session = commons.sessions.session(connection) else { return refuse(connection) }
        session.conversation.withLock { conversation in
            let isOpen = session.stream.withLock {
                $0.session.isAway || $0.session.socket.map($0.session.hears) == true
            }
            guard isOpen, conversation.outstanding.stage == .home,
                claim.map({ session.matches($0, conversation) }) ?? true
            else { return refuse(connection) }
            conversation.outstanding.stage = .settling
            if let resume = conversation.outstanding.resume {
                conversation.outstanding.resume = nil
                tell(.letGo(isDraining: claim == nil), resume.socket)
            }
            if let socket = session.socket {
                tell(.letGo(isDraining: claim == nil), socket)
            } else {
                // What was said over its last socket may not be taken yet.
                line.tell(.lifted(connection))
                mustKnock = true
            }
        }
    }

    private mutating func refuse(_ connection: ConnectionID) {
        inputs.append(.unsettled(connection))
        draining?.isOver(connection)
    }

    mutating func lifted(_ connection: ConnectionID) {
        change(connection) { _, session, conversation in
            guard conversation.outstanding.stage == .settling, session.isAway else { return }
            conversation.outstanding.stage = .lifted
        }
    }

    /// A session may go once nothing of it is unanswered; what it keeps of its rooms is taken down
    /// while they are as its members know them.
    mutating func settleIfAnswered(_ session: V1Session, _ conversation: inout Conversation) {
        guard conversation.outstanding.stage == .lifted, conversation.outstanding.isAnswered,
            session.isAway, !lines.isHeld(session.connection)
        else { return }
        conversation.outstanding.stage = .settled
        let second = Int64(commons.ports.monotonicMilliseconds() / 1000)
        let rooms = commons.roomRecords(of: session.connection, conversation, at: second)
        giving[session.connection] = rooms.map(\.record)
        inputs.append(.settled(session.connection, rooms: rooms.compactMap(\.place)))
    }

    /// From here on nothing is put into it. Its rooms have it elsewhere by now, so that whoever
    /// finds it gone finds where it went.
    mutating func freeze(_ connection: ConnectionID) {
        let rooms = giving.removeValue(forKey: connection)
        guard let rooms, let session = commons.sessions.session(connection) else {
            inputs.append(.sessionEnded(connection, .lost))
            return
        }
        session.conversation.withLock { conversation in
            let resume = conversation.outstanding.resume
            guard conversation.outstanding.stage == .settled,
                let (record, seconds) = takeOut(session, &conversation, rooms)
            else {
                inputs.append(.sessionEnded(connection, .lost))
                return
            }
            // Whoever came meanwhile asks for it at its new home.
            if let resume { tell(.resume(resume), resume.socket) }
            inputs.append(
                .frozen(connection, record, graceSeconds: UInt32(clamping: max(0, seconds))))
        }
    }

    /// A session is none of this relay's any more: nothing is put into it.
    ///
    /// - Returns: What goes on elsewhere, and for how many seconds it waits; nil, and nothing is
    ///   changed, where its client is not away.
    mutating func takeOut(
        _ session: V1Session, _ conversation: inout Conversation, _ rooms: [SessionRecord.Room]
    ) -> (record: SessionRecord, seconds: Int64)? {
        let second = Int64(commons.ports.monotonicMilliseconds() / 1000)
        guard let place = commons.ledger.place(ofAway: session.connection),
            let (history, until) = session.stream.withLock({ $0.give(commons) })
        else { return nil }
        let record = commons.record(session, conversation, rooms, history, place, at: second)
        commons.ledger.unpark(session.connection)
        commons.sessions.remove(session, secret: conversation.secret)
        forgetRooms(&conversation, of: session.connection)
        return (record, until - second)
    }

    mutating func release(_ connection: ConnectionID) {
        giving[connection] = nil
        change(connection) { _, _, conversation in conversation.outstanding.stage = .home }
    }

    /// It is at home elsewhere.
    mutating func forget(_ connection: ConnectionID) {
        giving[connection] = nil
        draining?.isOver(connection)
    }

    // MARK: Taking

    /// A session comes from another node, away. Its rooms have it here already.
    mutating func arrive(
        _ record: SessionRecord, _ places: [RoomPlace], _ graceSeconds: UInt32
    ) {
        let connection = record.connection
        guard places.count == record.rooms.count, commons.sessions.session(connection) == nil else {
            inputs.append(.sessionEnded(connection, .lost))
            return
        }
        let second = commons.ports.monotonicMilliseconds() / 1000
        var rest = places[...]
        let session = commons.putBack(
            record, until: second + Int64(graceSeconds), .arriving
        ) { room, subject in
            guard let place = rest.popFirst() else { return nil }
            stays[Stay(connection, place)] = Own(
                RoomMember(
                    connection: connection, route: .v1(subject: subject), peerID: room.peerID,
                    name: room.name, joinedAt: UInt32(truncatingIfNeeded: second) &- room.age))
            let key = key(of: place)
            return commons.rooms.membership(of: connection, in: key).map {
                .init(key: key, membership: $0, place: place)
            }
        }
        // First, so that a revocation that comes meanwhile finds it, too.
        commons.leave(orphans: [session])
        session.conversation.withLock { conversation in
            let isAllowed = commons.allows(conversation.grant.token)
            guard !isAllowed || !session.isAway else { return }
            let reason = isAllowed ? LeaveReason.lost : .kicked
            if !isAllowed { comingBack?.revoked.insert(connection) }
            forgetRooms(&conversation, of: connection)
            relay.handle(.endAway(reason), session, &conversation, &sockets)
            inputs.append(.sessionEnded(connection, reason))
        }
    }

    // MARK: Ends

    /// It has ended on its way to another node, by itself.
    mutating func ended(_ connection: ConnectionID, _ reason: LeaveReason) {
        giving[connection] = nil
        draining?.isOver(connection)
        inputs.append(.sessionEnded(connection, reason))
    }

    /// A session that was on its way is over, and leaves its rooms without its relay.
    mutating func end(_ connection: ConnectionID, _ reason: LeaveReason) {
        giving[connection] = nil
        draining?.isOver(connection)
        if let session = commons.sessions.session(connection) {
            session.conversation.withLock { conversation in
                forgetRooms(&conversation, of: connection)
                end(session, &conversation, reason, reason == .kicked ? .revoked : .restarting)
            }
        }
        fail(resumes.take(connection))
    }

    /// The node has it leave, or has it elsewhere.
    private mutating func forgetRooms(
        _ conversation: inout Conversation, of connection: ConnectionID
    ) {
        for room in conversation.rooms {
            guard let place = room.place else { continue }
            stays[Stay(connection, place)] = nil
            forgetArrival(of: connection, place)
            landing[Stay(connection, place)] = nil
        }
        conversation.rooms = []
        conversation.outstanding = Outstanding()
    }

    // MARK: Order

    /// How long a member that has come is told nothing past the bus while that is behind: longer
    /// than a loop takes to tell the bus what it has begun to.
    private static var landingMilliseconds: Int64 { 2000 }

    /// How loops see a member of this node; nil as any other.
    mutating func home(of stay: Stay, _ place: RoomPlace, hasArrived: Bool) -> UInt64? {
        guard hasArrived else {
            arriving[place.digest, default: []].insert(stay.connection)
            return RoomMember.arrivingHome
        }
        if forgetArrival(of: stay.connection, place) {
            let until = commons.ports.monotonicMilliseconds() + Self.landingMilliseconds
            landing[stay] = (place, until)
        }
        return landing[stay] == nil ? nil : RoomMember.landingHome
    }

    /// - Returns: Whether it was on its way.
    @discardableResult
    private mutating func forgetArrival(
        of connection: ConnectionID, _ place: RoomPlace
    ) -> Bool {
        guard arriving[place.digest]?.remove(connection) != nil else { return false }
        if arriving[place.digest]?.isEmpty == true { arriving[place.digest] = nil }
        return true
    }

    /// Whoever is no member any more arrives nowhere.
    mutating func forgetArrivals(_ place: RoomPlace, but members: [RoomMember]) {
        guard let waiting = arriving[place.digest] else { return }
        let rest = waiting.intersection(members.map(\.connection))
        arriving[place.digest] = rest.isEmpty ? nil : rest
    }

    mutating func land() {
        guard !landing.isEmpty else { return }
        let now = commons.ports.monotonicMilliseconds()
        for (stay, (place, until)) in landing where now >= until {
            // What waits for room in a line was said before, and may take longer than that.
            guard !lines.holdsPayload(for: stay.connection) else { continue }
            landing[stay] = nil
            commons.rooms.noteLanded(stay.connection, key(of: place))
        }
    }
}
