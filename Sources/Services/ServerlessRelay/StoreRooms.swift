internal import Admission
internal import Bytes
internal import Rooms
internal import Signalling
internal import Tables

// Who is in a room is decided by single updates of its item, and what they mean by `Room`.
extension Store {
    /// A room is forgotten when nothing has changed for so long after the time that a member can be
    /// in it without a resume, which counts as a change.
    static let daySeconds: Int64 = 86_400

    /// When a session is over of which nobody hears again.
    var untilAtMost: Int64 {
        ports.now() + Int64(limits.connectionSeconds + limits.resumeGraceSeconds)
    }

    private var membersMax: Int {
        limits.roomMembersMax > 0
            ? min(limits.roomMembersMax, StoreLimits.membersMax) : StoreLimits.membersMax
    }

    /// What an update of a room may need. An order is never given twice, even to members of
    /// different rooms of one name: a new one begins with the time.
    private func roomValues(_ more: [ByteText: ItemValue]) -> [ByteText: ItemValue] {
        let values: [ByteText: ItemValue] = [
            ":start": .number(ports.now() * 1000), ":zero": .number(0), ":one": .number(1),
            ":none": .list([]), ":ttl": .number(untilAtMost + Self.daySeconds),
            ":max": .number(Int64(membersMax)),
        ]
        return values.merging(more) { $1 }
    }

    // MARK: Joining

    struct Entered {
        var room: RoomItem
        var replaced: RoomMember?
        /// It was a member before.
        var wasIn = false
    }

    /// Makes a connection a member of a room, or says why not.
    func enter(
        _ name: RoomItem.Name, _ member: RoomMember, hasSDP: Bool, in invoked: Invoked
    ) throws(StoreFault) -> Result<Entered, SignalError> {
        var attempt = 0
        while mayTry(&attempt, in: invoked) {
            let write = joining(name, member, hasSDP: hasSDP)
            let outcome = try self.write(write) { item in
                RoomItem(item, name).room.member(member.connection) != nil
            }
            guard case .refused(let old)? = outcome else {
                guard case .done(let new)? = outcome else { return .failure(.roomFull) }
                let room = RoomItem(new, name)
                return .success(Entered(room: try withoutSuperseded(room)))
            }
            let room = RoomItem(old, name)
            if room.room.member(member.connection) != nil {
                return .success(Entered(room: room, wasIn: true))
            }
            switch Self.decision(on: member, in: room, membersMax: membersMax) {
            case .success(let older?):
                if let new = try replace(name, older, with: member, hasSDP: hasSDP) {
                    return .success(Entered(room: new, replaced: older))
                }
            // Somebody has left meanwhile, or stands there who is none any more.
            case .success(nil): _ = try withoutSuperseded(room)
            case .failure(let error):
                let suspects =
                    error == .peerIDTaken
                    ? room.room.members.filter { $0.attribute == member.attribute }
                    : room.room.members
                guard try evictDead(suspects, of: room, in: invoked) != nil else {
                    return .failure(error)
                }
            }
        }
        throw .unavailable("a room is changed too often")
    }

    /// Whom a joiner replaces, if anybody, or why it may not join.
    private static func decision(
        on member: RoomMember, in room: RoomItem, membersMax: Int
    ) -> Result<RoomMember?, SignalError> {
        var room = room.room
        do throws(SignalError) {
            return .success(try room.join(member, membersMax: membersMax)?.replaced)
        } catch {
            return .failure(error)
        }
    }

    private func joining(_ name: RoomItem.Name, _ member: RoomMember, hasSDP: Bool) -> TableWrite {
        let names = Self.names(of: member.attribute)
        let values = roomValues([":m": member.value(hasSDP: hasSDP)])
        let set = """
            SET #m = :m, #o = if_not_exists(#order, :start) + :one, \
            #order = if_not_exists(#order, :start) + :one, \
            #count = if_not_exists(#count, :zero) + :one, \
            #gone = if_not_exists(#gone, :none), #ttl = :ttl
            """
        let condition =
            "attribute_not_exists(#m) AND (attribute_not_exists(#count) OR #count < :max)"
        return TableWrite(
            name.key, .update(expression(set, values, names: names)),
            if: expression(condition, values, names: names))
    }

    private func replace(
        _ name: RoomItem.Name, _ older: RoomMember, with member: RoomMember, hasSDP: Bool
    ) throws(StoreFault) -> RoomItem? {
        let names = Self.names(of: member.attribute)
        let gone = RoomItem.Gone(
            connection: older.connection, order: Int64(older.order), reason: .replaced)
        let values = roomValues([
            ":m": member.value(hasSDP: hasSDP), ":gone": .list([gone.value]),
            ":c": .text(ByteText(older.connection.text)), ":order": .number(Int64(older.order)),
        ])
        let set = """
            SET #m = :m, #o = #order + :one, #order = #order + :one, \
            #gone = list_append(#gone, :gone), #ttl = :ttl
            """
        let write = TableWrite(
            name.key, .update(expression(set, values, names: names)),
            if: expression("#m.#c = :c AND #o = :order", values, names: names))
        let outcome = try self.write(write) { item in
            RoomItem(item, name).room.member(member.connection) != nil
        }
        guard case .done(let new) = outcome else { return nil }
        let room = RoomItem(new, name)
        try trim(room)
        return room
    }

    static func names(of attribute: ByteText) -> [ByteText: ByteText] {
        ["#m": "m:\(attribute)", "#o": "o:\(attribute)"]
    }

    // MARK: Leaving

    private func withoutSuperseded(_ room: RoomItem) throws(StoreFault) -> RoomItem {
        var latest = room
        for member in room.superseded {
            latest = try takeOut(
                member.connection, member.attribute, order: Int64(member.order), from: room.name,
                .left)
        }
        return latest
    }

    /// Takes a connection out of a room, if it is in it.
    ///
    /// - Returns: The room as it is then.
    func takeOut(
        _ connection: ConnectionID, _ attribute: ByteText, order: Int64, from name: RoomItem.Name,
        _ reason: LeaveReason
    ) throws(StoreFault) -> RoomItem {
        let names = Self.names(of: attribute)
        let gone = RoomItem.Gone(connection: connection, order: order, reason: reason)
        let values = roomValues([
            ":gone": .list([gone.value]), ":c": .text(ByteText(connection.text)),
            ":own": .number(order),
        ])
        let change = """
            REMOVE #m, #o SET #order = #order + :one, #count = #count - :one, \
            #gone = list_append(#gone, :gone), #ttl = :ttl
            """
        let write = TableWrite(
            name.key, .update(expression(change, values, names: names)),
            if: expression("#m.#c = :c AND #o = :own", values, names: names))
        let outcome = try self.write(write) { item in
            RoomItem(item, name).gone.contains {
                $0.connection == connection && $0.order == order
            }
        }
        switch outcome {
        case .done(let item):
            let room = RoomItem(item, name)
            try trim(room)
            return room
        case .refused(let item): return RoomItem(item, name)
        case nil: throw .unavailable("a room is too large")
        }
    }

    /// Two in one update would touch the list twice.
    private func trim(_ room: RoomItem) throws(StoreFault) {
        guard room.gone.count >= 2 * RoomItem.goneMax else { return }
        let removes = (0..<RoomItem.goneMax).map { "#gone[\($0)]" }.joined(separator: ", ")
        let values: [ByteText: ItemValue] = [":count": .number(Int64(2 * RoomItem.goneMax))]
        let write = TableWrite(
            room.name.key, .update(expression("REMOVE \(removes)")),
            if: expression("size(#gone) >= :count", values))
        _ = try self.write(write) { _ in true }
    }

    // MARK: The dead

    /// Takes those members out whose sessions are over.
    ///
    /// - Returns: The room as it is then; nil where all of them live.
    func evictDead(
        _ suspects: [RoomMember], known: [ConnectionID: SessionItem]? = nil, of room: RoomItem,
        in invoked: Invoked
    ) throws(StoreFault) -> RoomItem? {
        var sessions = known ?? [:]
        if known == nil { sessions = try self.sessions(of: suspects) }
        var latest: RoomItem?
        for member in suspects {
            let session = sessions[member.connection]
            guard session?.end(at: ports.now()) != nil || session == nil else { continue }
            latest = try evict(member, session, from: room.name, in: invoked) ?? latest
        }
        return latest
    }

    /// Takes a member out whose session is over, or is ended by this; nil if it lives after all.
    func evict(
        _ member: RoomMember, _ session: SessionItem?, from name: RoomItem.Name, in invoked: Invoked
    ) throws(StoreFault) -> RoomItem? {
        var reason = session?.ended ?? .lost
        if let session, session.ended == nil {
            guard let ended = try markEnded(session, .lost, ifLapsed: true) else { return nil }
            reason = ended.ended ?? .lost
            try vacate(ended, reason, but: name.room, in: invoked)
            if let gateway = session.gateway { closeQuietly(gateway) }
        }
        return try takeOut(
            member.connection, member.attribute, order: Int64(member.order), from: name, reason)
    }

    /// The sessions of members, as far as there are any.
    func sessions(
        of members: [RoomMember]
    ) throws(StoreFault) -> [ConnectionID: SessionItem] {
        let found = Gathered<SessionItem>()
        let faults = Gathered<StoreFault>()
        ports.concurrently(members.count) { index in
            do throws(StoreFault) {
                if let session = try session(members[index].connection) { found.add(session) }
            } catch {
                faults.add(error)
            }
        }
        if let fault = faults.all.first { throw fault }
        return Dictionary(uniqueKeysWithValues: found.all.map { ($0.connection, $0) })
    }
}
