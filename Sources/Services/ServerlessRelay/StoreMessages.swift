internal import Access
package import Admission
package import Identifiers
internal import Rooms
package import Signalling
internal import Tables

// What clients say about rooms and about themselves.
extension Store {
    // MARK: Joining

    /// Makes a session a member of a room that its token grants, tells whom it concerns, and
    /// answers with `ack`, where there is one, here and below. `name` is what people see, and `sdp`
    /// the value as it stood in the message.
    ///
    /// - Returns: Why it may not join; then nobody was told anything.
    package func join(
        _ session: SessionView, room: RoomName, peerID: PeerID, name: String?, sdp: [UInt8]?,
        ack: KeptEvent?, in invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        let item = session.item
        let roomName = RoomItem.Name(item.grant.token.clientID, room)
        let isV1 = item.isV1
        let member = RoomMember(
            connection: item.connection,
            route: isV1 ? .v1(subject: item.grant.namedSubject) : .classic(address: 0),
            peerID: peerID, name: name)
        let entered: Entered
        if let room = try currentRoom(roomName, of: item) {
            entered = Entered(room: room, wasIn: true)
        } else {
            guard mayEnter(roomName.room, item) else { return .tooManyRooms }
            if let sdp { try keep(sdp: sdp, of: item.connection, joining: roomName) }
            switch try enter(roomName, member, hasSDP: sdp != nil, in: invoked) {
            case .success(let success): entered = success
            case .failure(let error): return error
            }
        }
        return try settle(entered, item, (item.connection, sdp), ack: ack, in: invoked)
    }

    /// A room of which the session is a member, as both its items say.
    private func currentRoom(
        _ name: RoomItem.Name, of session: SessionItem
    ) throws(StoreFault) -> RoomItem? {
        guard session.isIn(name.room) else { return nil }
        let room = try room(name)
        return room.room.member(session.connection) == nil ? nil : room
    }

    /// Tells of a join: the joiner is told in the update by which its session learns of the room,
    /// so that nobody's payload can find it half in.
    ///
    /// - Returns: Why it may not stay.
    private func settle(
        _ entered: Entered, _ session: SessionItem, _ sdp: KnownSDP, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        let connection = session.connection
        var room = entered.room
        if let older = entered.replaced { try expel(older, in: invoked) }
        let others = room.others(than: connection)
        let known = try sessions(of: others)
        if let living = try evictDead(others, known: known, of: room, in: invoked) { room = living }
        let latest = room
        let gateway = session.gateway
        var isOneTooMany = false
        let outcome = try change(connection, known: session, in: invoked) {
            session throws(StoreFault) in
            // Of several joins at a time each may have found that there was room for one.
            isOneTooMany = !mayEnter(latest.name.room, session)
            guard !isOneTooMany else { return nil }
            var change = SessionChange(gateway: gateway)
            if let events = try news(of: latest, for: session, sdp: sdp) {
                change.events = events
                change.told = [(latest.name.room, SessionItem.Told(latest))]
                change.isOfTheseRooms = true
                change.forgotten = forgettable(session, but: latest.name.room)
            }
            if let ack { change.events.append(ack) }
            return change
        }
        switch outcome {
        case .nothing where isOneTooMany: room = try withdraw(connection, from: room)
        case .over, .moved:
            guard !entered.wasIn else { return nil }
            room = try withdraw(connection, from: room)
        case .overfull:
            try conclude(session, .lost, code: 1013, text: "the queue is full", in: invoked)
            return nil
        case .done, .nothing: break
        }
        try tell(room, but: connection, known: known, sdp: sdp, in: invoked)
        try deliver(outcome, in: invoked)
        return isOneTooMany ? .tooManyRooms : nil
    }

    private func mayEnter(_ room: RoomName, _ session: SessionItem) -> Bool {
        let roomsMax = limits.roomsPerConnectionMax
        return roomsMax == 0 || session.isIn(room) || session.rooms.count < roomsMax
    }

    /// Its session has ended or lost its connection meanwhile, and never learnt that it was in.
    private func withdraw(
        _ connection: ConnectionID, from room: RoomItem
    ) throws(StoreFault) -> RoomItem {
        guard let own = room.room.member(connection) else { return room }
        let session = try session(connection)
        if let session, session.ended == nil, session.isIn(room.name.room) { return room }
        return try takeOut(
            connection, own.attribute, order: Int64(own.order), from: room.name,
            session?.ended ?? .lost)
    }

    /// Ends the session of a member in whose place another is.
    private func expel(_ older: RoomMember, in invoked: Invoked) throws(StoreFault) {
        guard let session = try session(older.connection) else { return }
        try conclude(
            session, .replaced, code: 4509,
            text: "a newer connection of this peer took its place", in: invoked)
    }

    /// What a session need not remember of rooms that it has left.
    private func forgettable(_ session: SessionItem, but room: RoomName) -> [RoomName] {
        let left = session.told.filter { $0.key != room && $0.value.hasLeft }
        guard left.count > 16 else { return [] }
        return left.sorted { $0.value.version < $1.value.version }.prefix(left.count - 16)
            .map(\.key)
    }

    // MARK: Leaving

    package func leave(
        _ session: SessionView, rooms: [RoomName], reason: LeaveReason, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) {
        try leave(session.item, rooms, reason, ack: ack, in: invoked)
    }

    /// From now on this token counts; rooms that it does not grant are left.
    package func refresh(
        _ session: SessionView, grant: TokenGrant, ack: KeptEvent?, in invoked: Invoked
    ) throws(StoreFault) {
        let uncovered = session.item.rooms.keys.filter { !grant.covers(room: $0) }
        try leave(session.item, uncovered.sorted(), .left, grant, ack: ack, in: invoked)
    }

    func leave(
        _ session: SessionItem, _ rooms: [RoomName], _ reason: LeaveReason,
        _ grant: TokenGrant? = nil, ack: KeptEvent?, in invoked: Invoked
    ) throws(StoreFault) {
        var left: [RoomItem] = []
        for room in rooms {
            guard let own = session.told[room]?.member(session.connection) else { continue }
            let attribute = RoomMember.attribute(
                session.dialect, session.connection, own.peerID)
            left.append(
                try takeOut(
                    session.connection, attribute, order: own.order,
                    from: RoomItem.Name(session.grant.token.clientID, room), reason))
        }
        let gateway = session.gateway
        let gone = left
        let outcome = try change(session.connection, known: session, in: invoked) { session in
            var change = SessionChange(grant: grant, gateway: gateway)
            for room in gone where (session.told[room.name.room]?.version ?? 0) < room.version {
                change.told.append((room.name.room, .init(leftAt: room.version)))
            }
            if let ack { change.events = [ack] }
            return change
        }
        for room in left { try tell(room, but: session.connection, in: invoked) }
        if case .overfull = outcome {
            try conclude(session, .lost, code: 1013, text: "the queue is full", in: invoked)
        }
        try deliver(outcome, in: invoked)
    }

    // MARK: Its own

    /// Tells a session what concerns it alone, if it is at the connection where it was. What tells
    /// of the end of a token, which is `noticed`, is told once.
    package func append(
        _ session: SessionView, events: [KeptEvent], noticed: Int64? = nil, in invoked: Invoked
    ) throws(StoreFault) {
        let gateway = session.gateway
        let outcome = try change(session.connection, known: session.item, in: invoked) { session in
            guard noticed == nil || session.noticed != noticed else { return nil }
            return SessionChange(events: events, noticed: noticed, gateway: gateway)
        }
        if case .overfull = outcome {
            try conclude(session.item, .lost, code: 1013, text: "the queue is full", in: invoked)
        }
        try deliver(outcome, in: invoked)
    }
}
