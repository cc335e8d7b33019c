internal import Access
internal import Admission
internal import Bytes
package import Identifiers
internal import Rooms
package import Signalling
internal import Tables

// Payloads: what is acknowledged stands in the mailboxes of all whom it is for, by one transaction.
extension Store {
    /// Passes a payload on to a fellow member.
    package func send(
        _ session: SessionView, to target: ConnectionID, event: KeptEvent, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        let sender = session.item
        var receiver: SessionItem? = sender
        if target != sender.connection { receiver = try self.session(target) }
        guard let room = try sharedRoom(sender, target, receiver, in: invoked), let receiver else {
            return .unknownTarget
        }
        try bringUp(receiver, to: room, in: invoked)
        if target != sender.connection { try bringUp(sender, to: room, in: invoked) }
        let passage = try pass(event, to: [receiver], from: sender, ack: ack, in: invoked)
        for refused in passage.refused { try remove(refused, of: room, in: invoked) }
        return passage.refused.isEmpty ? nil : .unknownTarget
    }

    package func broadcast(
        _ session: SessionView, room: RoomName, event: KeptEvent, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        let sender = session.item
        let name = RoomItem.Name(sender.grant.token.clientID, room)
        guard sender.isIn(name.room) else { return .unknownTarget }
        var current = try self.room(name)
        guard current.room.member(sender.connection) != nil else {
            try settleAbsence(sender, current, in: invoked)
            return .unknownTarget
        }
        let others = current.others(than: sender.connection)
        var known = try sessions(of: others)
        if let next = try evictDead(others, known: known, of: current, in: invoked) {
            current = next
            let joiners = next.others(than: sender.connection).filter {
                known[$0.connection] == nil
            }
            known.merge(try sessions(of: joiners)) { $1 }
        }
        try tell(current, but: sender.connection, known: known, in: invoked)
        try bringUp(sender, to: current, in: invoked)
        var receivers = current.others(than: sender.connection).compactMap { known[$0.connection] }
        while true {
            let passage = try pass(event, to: receivers, from: sender, ack: ack, in: invoked)
            guard !passage.refused.isEmpty else { return nil }
            for refused in passage.refused { try remove(refused, of: current, in: invoked) }
            receivers.removeAll { receiver in
                passage.refused.contains { $0.connection == receiver.connection }
            }
        }
    }

    // MARK: Who is in the room

    /// A room of which both are members, alive.
    private func sharedRoom(
        _ sender: SessionItem, _ target: ConnectionID, _ receiver: SessionItem?,
        in invoked: Invoked
    ) throws(StoreFault) -> RoomItem? {
        let client = sender.grant.token.clientID
        if let receiver, receiver.grant.token.clientID != client { return nil }
        let names = sender.rooms.keys.sorted()
        let likely = names.filter { receiver?.isIn($0) == true }
        // Of a join that is not finished its session knows nothing yet.
        for room in likely + names.filter({ !likely.contains($0) }) {
            let current = try self.room(RoomItem.Name(client, room))
            guard current.room.member(sender.connection) != nil else {
                try settleAbsence(sender, current, in: invoked)
                continue
            }
            guard let member = current.room.member(target) else {
                // Who was replaced by one that was killed does not know it yet.
                if let receiver, receiver.ended == nil, receiver.isIn(room) {
                    try settleAbsence(receiver, current, in: invoked)
                }
                continue
            }
            if receiver?.end(at: ports.now()) == nil, receiver != nil { return current }
            guard let next = try evict(member, receiver, from: current.name, in: invoked) else {
                return current
            }
            try tell(next, but: nil, in: invoked)
        }
        return nil
    }

    /// A session believes to be in a room in which it is not.
    func settleAbsence(
        _ session: SessionItem, _ room: RoomItem, in invoked: Invoked
    ) throws(StoreFault) {
        let order = session.told[room.name.room]?.member(session.connection)?.order ?? 0
        switch room.reason(session.connection, order: order) {
        case .replaced?:
            try conclude(
                session, .replaced, code: 4509,
                text: "a newer connection of this peer took its place", in: invoked)
        case .left?, nil:
            let outcome = try change(session.connection, known: session, in: invoked) { session in
                guard session.told[room.name.room]?.version ?? 0 < room.version else { return nil }
                return SessionChange(told: [(room.name.room, .init(leftAt: room.version))])
            }
            try deliver(outcome, in: invoked)
        case let reason?:
            try conclude(
                session, reason, code: 1013, text: "the session was given up", in: invoked)
        }
    }

    /// Tells a member what of its room it was not told.
    private func bringUp(
        _ session: SessionItem, to room: RoomItem, in invoked: Invoked
    ) throws(StoreFault) {
        guard session.told[room.name.room]?.version ?? 0 < room.version else { return }
        _ = try tell(room, to: session.connection, known: session, in: invoked)
    }

    /// A member took no event, since its session is over or too much waits for it.
    private func remove(
        _ session: SessionItem, of room: RoomItem, in invoked: Invoked
    ) throws(StoreFault) {
        guard session.ended != nil else {
            return try conclude(
                session, .lost, code: 1013, text: "the queue is full", in: invoked)
        }
        guard let member = room.room.member(session.connection),
            let next = try evict(member, session, from: room.name, in: invoked)
        else { return }
        try tell(next, but: nil, in: invoked)
    }

    // MARK: Passing on

    private struct Passage {
        /// Sessions that are over, and such as have too much waiting.
        var refused: [SessionItem] = []
    }

    /// Puts an event into mailboxes and the `ack` into the sender's: all of it, or nothing.
    private func pass(
        _ event: KeptEvent, to receivers: [SessionItem], from sender: SessionItem, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) -> Passage {
        guard let gateway = sender.gateway else { return Passage() }
        var changes = receivers.map { (session: $0, change: SessionChange(events: [event])) }
        if let own = changes.firstIndex(where: { $0.session.connection == sender.connection }) {
            changes[own].change.events += ack.map { [$0] } ?? []
            changes[own].change.gateway = gateway
        } else if sender.isV1 {
            let own = SessionChange(events: ack.map { [$0] } ?? [], gateway: gateway)
            changes.append((sender, own))
        }
        if changes.count == 1 {
            return try passAlone(changes[0].session, changes[0].change, sender, in: invoked)
        }
        var sessions = changes.map(\.session)
        var attempt = 0
        while mayTry(&attempt, in: invoked) {
            var refused = sessions.indices.filter { index in
                !isOpen(sessions[index], to: changes[index].change)
            }
            if !refused.isEmpty {
                return try passage(refused.map { sessions[$0] }, sender, in: invoked)
            }
            if let fullest = Self.fullest(of: sessions, with: changes.map(\.change)) {
                return try passage([fullest], sender, in: invoked)
            }
            let leases = sessions.indices.map { index in
                changes[index].change.isEmpty ? nil : newLease(for: sessions[index], in: invoked)
            }
            let writes = sessions.indices.map { index in
                write(changes[index].change, sessions[index], leases[index])
            }
            guard let stale = try transact(writes) else {
                deliver(zip(sessions, leases).map { ($0.connection, $1?.owner) }, in: invoked)
                return Passage()
            }
            refused = []
            for (index, item) in stale {
                let connection = sessions[index].connection
                let now = SessionItem(item, connection, now: ports.now())
                if let now {
                    sessions[index] = now
                } else {
                    sessions[index] = sessions[index].over(.lost, at: nil)
                }
                if connection == sender.connection, now?.gateway != gateway { return Passage() }
            }
        }
        throw .unavailable("a mailbox is changed too often")
    }

    /// All items of a transaction may have 4 MB together, which is less than mailboxes and what
    /// sessions were told of their rooms can be: where they would have more, the largest
    /// has to go.
    static func fullest(
        of sessions: [SessionItem], with changes: [SessionChange]
    ) -> SessionItem? {
        let bytes = zip(sessions, changes).reduce(0) { $0 + $1.0.size + $1.1.bytes }
        return bytes > 3_500_000 ? sessions.max { $0.size < $1.size } : nil
    }

    private func isOpen(_ session: SessionItem, to change: SessionChange) -> Bool {
        session.ended == nil && fits(change, session)
    }

    private func passage(
        _ refused: [SessionItem], _ sender: SessionItem, in invoked: Invoked
    ) throws(StoreFault) -> Passage {
        guard let own = refused.first(where: { $0.connection == sender.connection }) else {
            return Passage(refused: refused)
        }
        // It can't be told that it was carried out, so it was not.
        if own.ended == nil {
            try conclude(own, .lost, code: 1013, text: "the queue is full", in: invoked)
        }
        return Passage()
    }

    private func passAlone(
        _ session: SessionItem, _ change: SessionChange, _ sender: SessionItem, in invoked: Invoked
    ) throws(StoreFault) -> Passage {
        let outcome = try self.change(session.connection, known: session, in: invoked) { _ in
            change
        }
        switch outcome {
        case .done, .nothing, .moved:
            try deliver(outcome, in: invoked)
            return Passage()
        case .over(let reason): return Passage(refused: [session.over(reason, at: nil)])
        case .overfull: return try passage([session], sender, in: invoked)
        }
    }

    private func write(
        _ change: SessionChange, _ session: SessionItem, _ lease: SessionItem.Lease?
    ) -> TableWrite {
        TableWrite(
            session.key, change.isEmpty ? .check : .update(update(change, session, lease)),
            if: condition(change, session, lease, isUnseen: true))
    }

    /// - Returns: Nil if it was done; else the items whose conditions did not hold.
    func transact(_ writes: [TableWrite]) throws(StoreFault) -> [Int: Item?]? {
        let token = randomText(16)
        var fault = StoreFault.unavailable("")
        for _ in 0..<3 {
            do throws(TableFault) {
                guard case .refused(let items) = try table.transact(writes, token) else {
                    return nil
                }
                return items
            } catch {
                fault = StoreFault(error)
                // By its token it is done once, however often it is asked for.
                guard case .unknown = error else { break }
            }
        }
        throw fault
    }

    /// Sends what waits for those whose leases a transaction has taken.
    func deliver(
        _ leases: [(connection: ConnectionID, lease: ByteText?)], in invoked: Invoked
    ) {
        let invoked = invoked.nested
        let taken = leases.compactMap { connection, lease in lease.map { (connection, $0) } }
        ports.concurrently(taken.count) { index in
            let (connection, lease) = taken[index]
            do throws(StoreFault) {
                try deliver(connection, lease: lease, in: invoked)
            } catch {
                ports.log("mailbox_not_sent", [("connection", connection.text)])
                _ = timers.after(1, Self.lapseBody(connection))
            }
        }
    }
}
