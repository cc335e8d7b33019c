internal import Admission
internal import Bytes
internal import Locking
internal import Rooms
internal import Signalling
internal import Tables

/// What several threads find.
final class Gathered<Value: Sendable>: Sendable {
    private let values = Lock<[Value]>([])

    func add(_ value: Value) { values.withLock { $0.append(value) } }
    var all: [Value] { values.withLock { $0 } }
}

// What members are told of their room is the difference of two versions, and nobody composes it in
// any other way: so whoever comes next tells what a killed function has not.
extension Store {
    /// The `sdp` of a joiner, where it is known without asking.
    typealias KnownSDP = (connection: ConnectionID, sdp: [UInt8]?)

    /// Tells the members of a room, but for one, what has changed up to this version. `known` are
    /// sessions of members, as they were read a moment ago.
    func tell(
        _ room: RoomItem, but connection: ConnectionID?,
        known: [ConnectionID: SessionItem] = [:], sdp: KnownSDP? = nil, in invoked: Invoked
    ) throws(StoreFault) {
        var room = room
        var known = known
        var connection = connection
        // Each time somebody has died meanwhile, whose leaving has to be told as well, and to all.
        for _ in 0...StoreLimits.membersMax {
            let dead = tellOnce(room, but: connection, known: known, sdp: sdp, in: invoked)
            guard !dead.isEmpty else { return }
            guard let next = try evictDead(dead, of: room, in: invoked.nested) else { return }
            room = next
            known = [:]
            connection = nil
        }
    }

    /// - Returns: The members who can't be told since they are gone.
    private func tellOnce(
        _ room: RoomItem, but connection: ConnectionID?, known: [ConnectionID: SessionItem],
        sdp: KnownSDP?, in invoked: Invoked
    ) -> [RoomMember] {
        let members = room.others(than: connection)
        let dead = Gathered<RoomMember>()
        let told = SessionItem.Told(room)
        let invoked = invoked.nested
        ports.concurrently(members.count) { index in
            let member = members[index]
            do throws(StoreFault) {
                let session = known[member.connection]
                let isAlive = try tell(
                    room, to: member.connection, told, known: session, sdp: sdp, in: invoked)
                if !isAlive { dead.add(member) }
            } catch {
                ports.log("member_not_told", [("connection", member.connection.text)])
                _ = timers.after(1, Self.lapseBody(member.connection))
            }
        }
        return dead.all
    }

    /// Tells one member, and sends it.
    ///
    /// - Returns: False where its session is over.
    func tell(
        _ room: RoomItem, to connection: ConnectionID, _ told: SessionItem.Told? = nil,
        known: SessionItem? = nil, sdp: KnownSDP? = nil, in invoked: Invoked
    ) throws(StoreFault) -> Bool {
        var known = known
        if known == nil { known = try session(connection) }
        guard let session = known, session.end(at: ports.now()) == nil else { return false }
        let outcome = try change(connection, known: session, in: invoked) {
            session throws(StoreFault) in
            guard let events = try news(of: room, for: session, sdp: sdp) else { return nil }
            return SessionChange(
                events: events, told: [(room.name.room, told ?? SessionItem.Told(room))])
        }
        switch outcome {
        case .over: return false
        case .overfull:
            try conclude(session, .lost, code: 1013, text: "the queue is full", in: invoked)
            return false
        default: return try deliver(outcome, in: invoked)
        }
    }

    /// What a session has to be told of its room, which may be nothing but the version; nil where
    /// it need not even note that, or is no member.
    func news(
        of room: RoomItem, for session: SessionItem, sdp: KnownSDP? = nil
    ) throws(StoreFault) -> [KeptEvent]? {
        let told = session.told[room.name.room]
        if let told, told.version >= room.version { return nil }
        guard let own = room.room.member(session.connection) else { return nil }
        let news = RoomNews.between(
            told?.room ?? Room(), room.room, for: session.connection, reason: room.reason)
        var composer = EventComposer()
        var events: [KeptEvent] = []
        for item in news {
            var offer: [UInt8]?
            if case .joined(let member) = item { offer = try self.sdp(of: member, room, sdp) }
            let text = offer ?? []
            let event = composer.event(
                item, of: room.name.room, sdp: offer.map { 0..<$0.count }, in: text.span)
            events.append(KeptEvent(event, to: own.peerID))
            composer.reuse(event)
        }
        // In classic nobody is told who left, and nothing depends on that it is noted.
        if events.isEmpty, told != nil, !session.isV1 { return nil }
        return events
    }

    private func sdp(
        of member: RoomMember, _ room: RoomItem, _ known: KnownSDP?
    ) throws(StoreFault) -> [UInt8]? {
        guard room.offerers.contains(member.connection) else { return nil }
        if let known, known.connection == member.connection { return known.sdp }
        let item = try get(room.name.sdpKey(member.connection))
        guard let item, (item["ttl"]?.number ?? 0) > ports.now() else { return nil }
        return item["sdp"]?.bytes
    }

    /// Keeps what a joiner said, for whoever tells of it.
    func keep(
        sdp: [UInt8], of connection: ConnectionID, joining name: RoomItem.Name
    ) throws(StoreFault) {
        try put(
            name.sdpKey(connection),
            ["sdp": .bytes(sdp), "ttl": .number(ports.now() + Self.keptSeconds)])
    }
}
