internal import Access
internal import Admission
internal import Bytes
internal import Identifiers
internal import Rooms
package import Sessions
package import Signalling
internal import Tables

// How a session goes on at another connection: one transaction makes it so, and what its client is
// owed then stands in its item, for whoever comes next to send.
extension Store {
    /// The connection of `session`, which said nothing yet, takes over the session `old`, whose
    /// `secret` it showed and whose events up to `seq` its client has dealt with. `newSecret`, with
    /// its `digest`, is for the next time, and `ack` for the resume itself.
    ///
    /// - Returns: Whether it did. If not for what is no longer kept, the old one is over.
    package func resume(
        _ session: SessionView, old: ConnectionID, secret: SecretDigest, after seq: UInt64,
        newSecret: SessionSecret, digest: SecretDigest, ack: KeptEvent?, in invoked: Invoked
    ) throws(StoreFault) -> Bool {
        guard let gateway = session.gateway, old != session.connection,
            let item = try self.session(old), item.end(at: ports.now()) == nil, item.isV1,
            item.secret == secret, Self.isSamePeer(item, session.item)
        else { return false }
        let after = Int64(clamping: seq)
        guard try isKept(item, after: after) else {
            try conclude(
                item, .lost, code: 4509, text: "the session was resumed elsewhere", in: invoked)
            return false
        }
        try awaitWelcome(session.item, in: invoked)
        let lease = SessionItem.Lease(
            owner: "\(invoked.id.string)-\(randomText(8).string)", until: invoked.deadline + 1000)
        var composer = EventComposer()
        let resumed = composer.resumed(old, newSecret, seq: 0)
        let owed = Owed(
            hello: Array(resumed.head.dropLast()), after: after, ack: ack?.bytes ?? [])
        let writes = takeOver(
            item, session.item, at: gateway, secret: secret, digest, lease, owed)
        guard try transact(writes) == nil else { return false }
        if let former = item.gateway, former != gateway {
            close(former, 4509, "the session was resumed elsewhere")
        }
        lately.note(old, at: ports.milliseconds())
        // Whatever comes of it, the session is there now: what it is owed stands in its item.
        deliver([(old, lease.owner)], in: invoked)
        return true
    }

    private struct Owed {
        let hello: [UInt8]
        let after: Int64
        let ack: [UInt8]
    }

    private static func isSamePeer(_ one: SessionItem, _ other: SessionItem) -> Bool {
        let (one, other) = (one.grant.token, other.grant.token)
        return one.clientID == other.clientID && one.subject == other.subject
    }

    /// Whether all events after this one can be sent again, and are no more than is kept.
    private func isKept(_ session: SessionItem, after seq: Int64) throws(StoreFault) -> Bool {
        guard seq <= session.lastSeq,
            limits.historyEventsMax == 0 || session.lastSeq - seq <= limits.historyEventsMax
        else { return false }
        let kept = try keptEvents(of: session, after: seq)
        guard Int64(kept.count) == max(0, session.base - seq) else { return false }
        let waiting = session.events.dropFirst(Int(max(0, seq - session.base)))
        let bytes = kept.reduce(0) { $0 + $1.bytes.count } + waiting.reduce(0) { $0 + $1.count }
        return
            (limits.historyEventsMax == 0
            || kept.count + waiting.count <= limits.historyEventsMax)
            && (limits.historyBytesMax == 0 || bytes <= limits.historyBytesMax)
    }

    /// Each connection begins with its `welcome`, also this one.
    private func awaitWelcome(
        _ session: SessionItem, in invoked: Invoked
    ) throws(StoreFault) {
        var fresh = session
        for _ in 0..<20 {
            guard fresh.hello != nil else { return }
            try deliver(fresh, in: invoked)
            guard let now = try self.session(fresh.connection) else { return }
            fresh = now
            if fresh.hello != nil { ports.pause(50) }
        }
    }

    private func takeOver(
        _ old: SessionItem, _ fresh: SessionItem, at gateway: ByteText, secret: SecretDigest,
        _ digest: SecretDigest, _ lease: SessionItem.Lease, _ owed: Owed
    ) -> [TableWrite] {
        let until = untilAtMost
        let ttl = ItemValue.number(until + Self.keptSeconds)
        let values: [ByteText: ItemValue] = [
            ":gateway": .text(gateway), ":digest": digest.value, ":grant": fresh.grant.value,
            ":until": .number(until), ":ttl": ttl, ":lease": lease.value,
            ":hello": .bytes(owed.hello), ":after": .number(owed.after), ":ack": .bytes(owed.ack),
            ":secret": secret.value, ":now": .number(ports.now()),
        ]
        let change = """
            SET #g = :gateway, #secret = :digest, #grant = :grant, #until = :until, #ttl = :ttl, \
            #lease = :lease, #hello = :hello, #after = :after, #states = :ack
            """
        let condition =
            "#secret = :secret AND #until > :now AND attribute_not_exists(#ended)"
        return [
            TableWrite(
                old.key, .update(expression(change, values)), if: expression(condition, values)),
            TableWrite(
                Self.gatewayKey(gateway),
                .put(["c": .text(ByteText(old.connection.text)), "ttl": ttl])),
            TableWrite(fresh.key, .delete, if: expression("#g = :gateway", values)),
        ]
    }

    // MARK: Room states

    /// Tells a resumed session who is in its rooms, after it has got all that it missed, and
    /// acknowledges the resume. Rooms that its new token does not grant are left.
    ///
    /// - Returns: The session as it is then; nil where that is not to go on.
    func payStates(_ held: HeldSession, in invoked: Invoked) throws(StoreFault) -> SessionItem? {
        let session = held.session
        let uncovered = session.rooms.keys.filter { !session.grant.covers(room: $0) }
        try leave(session, uncovered.sorted(), .left, ack: nil, in: invoked)
        var rooms: [RoomItem] = []
        for (room, told) in session.rooms.sorted(by: { $0.key < $1.key })
        where session.grant.covers(room: room) {
            guard let own = told.member(session.connection) else { continue }
            if let room = try renew(session, own.peerID, in: room) { rooms.append(room) }
        }
        let outcome = try change(session.connection, in: invoked) { session throws(StoreFault) in
            guard let ack = session.states else { return nil }
            var change = SessionChange(paysStates: true, gateway: held.session.gateway)
            for index in rooms.indices {
                if let told = session.told[rooms[index].name.room],
                    told.version > rooms[index].version
                {
                    rooms[index] = try room(rooms[index].name)
                }
                guard let state = state(of: rooms[index], for: session) else { continue }
                change.events += try news(of: rooms[index], for: session) ?? []
                change.events.append(state)
                change.told.append((rooms[index].name.room, .init(rooms[index])))
            }
            if !ack.isEmpty { change.events.append(KeptEvent(bytes: ack)) }
            return change
        }
        switch outcome {
        case .done(let session, _), .nothing(let session): return session
        case .overfull:
            try conclude(session, .lost, code: 1013, text: "the queue is full", in: invoked)
            return nil
        case .over, .moved: return nil
        }
    }

    private func state(of room: RoomItem, for session: SessionItem) -> KeptEvent? {
        guard let company = room.room.company(of: session.connection) else { return nil }
        var composer = EventComposer()
        let state = RoomNews.state(own: company.own, others: company.others)
        return KeptEvent(composer.event(state, of: room.name.room))
    }

    /// A room lasts as long as its members' sessions may; nil where the session is not in it.
    private func renew(
        _ session: SessionItem, _ peerID: PeerID, in room: RoomName
    ) throws(StoreFault) -> RoomItem? {
        let name = RoomItem.Name(session.grant.token.clientID, room)
        let values: [ByteText: ItemValue] = [
            ":ttl": .number(untilAtMost + Self.daySeconds),
            ":c": .text(ByteText(session.connection.text)),
        ]
        let names = Self.names(
            of: RoomMember.attribute(session.dialect, session.connection, peerID))
        let write = TableWrite(
            name.key, .update(expression("SET #ttl = :ttl", values)),
            if: expression("#m.#c = :c", values, names: names))
        let outcome = try self.write(write) { _ in false }
        guard case .done(let item) = outcome else { return nil }
        return RoomItem(item, name)
    }
}
