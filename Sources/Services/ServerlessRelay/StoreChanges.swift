internal import Admission
internal import Bytes
internal import Identifiers
internal import Signalling
internal import Tables

/// What one update does to a session; it is made anew of the session as it is whenever another was
/// faster.
struct SessionChange {
    /// Appended to the mailbox, in this order.
    var events: [KeptEvent] = []
    /// What the session was told of rooms with this; each replaces what it was told before.
    var told: [(room: RoomName, told: SessionItem.Told)] = []
    /// Rooms of which nobody needs to know any more what it was told.
    var forgotten: [RoomName] = []
    var grant: TokenGrant?
    /// Its client was told that the token with this end ends.
    var noticed: Int64?
    /// The room states that a resume owes were told with this.
    var paysStates = false
    /// Only while its client is at this connection of the gateway.
    var gateway: ByteText?
    /// Only while it is in no other rooms than it was.
    var isOfTheseRooms = false

    var isEmpty: Bool { events.isEmpty && told.isEmpty && grant == nil }
    var bytes: Int { events.reduce(0) { $0 + $1.bytes.count } }
}

enum ChangeOutcome {
    /// As it is now, and with the right to send what waits, if nobody has it.
    case done(SessionItem, lease: ByteText?)
    /// There was nothing to do.
    case nothing(SessionItem)
    /// It is over, for this reason.
    case over(LeaveReason)
    /// Its client is elsewhere.
    case moved
    /// Too much waits for it.
    case overfull
}

extension Store {
    /// Changes a session, whoever else does: as `make` says of it as it is, which gives nil where
    /// there is nothing to do. `known` is how it was read a moment ago.
    func change(
        _ connection: ConnectionID, known: SessionItem? = nil, in invoked: Invoked,
        _ make: (SessionItem) throws(StoreFault) -> SessionChange?
    ) throws(StoreFault) -> ChangeOutcome {
        var current = known
        if current == nil { current = try session(connection) }
        var attempt = 0
        while mayTry(&attempt, in: invoked) {
            guard let session = current else { return .over(.lost) }
            if let reason = session.ended { return .over(reason) }
            guard let change = try make(session), !change.isEmpty else { return .nothing(session) }
            if let gateway = change.gateway, session.gateway != gateway { return .moved }
            guard fits(change, session) else { return .overfull }
            let isForClient = !change.events.isEmpty || session.isPending
            let lease = isForClient ? newLease(for: session, in: invoked) : nil
            let write = TableWrite(
                session.key, .update(update(change, session, lease)),
                if: condition(change, session, lease))
            let outcome = try self.write(write) { item throws(StoreFault) in
                try isDone(change, since: session, item)
            }
            guard let outcome else { return .overfull }
            switch outcome {
            case .done(let item):
                guard let item = SessionItem(item, connection, now: ports.now()) else {
                    return .over(.lost)
                }
                let isOurs = lease != nil && item.lease == lease
                return .done(item, lease: isOurs ? lease?.owner : nil)
            case .refused(let item):
                current = SessionItem(item, connection, now: ports.now())
            }
        }
        throw .unavailable("a session is changed too often")
    }

    /// The right to send, for a session to whose client nobody sends.
    func newLease(for session: SessionItem, in invoked: Invoked) -> SessionItem.Lease? {
        guard session.gateway != nil, !session.isLeased(at: ports.milliseconds()) else {
            return nil
        }
        return SessionItem.Lease(
            owner: "\(invoked.id.string)-\(randomText(8).string)", until: invoked.deadline + 1000)
    }

    func fits(_ change: SessionChange, _ session: SessionItem) -> Bool {
        let (eventsMax, bytesMax) = (limits.historyEventsMax, limits.historyBytesMax)
        return (eventsMax == 0 || session.events.count + change.events.count <= eventsMax)
            && (bytesMax == 0 || Int(session.bytes) + change.bytes <= bytesMax)
    }

    // MARK: Expressions

    func update(
        _ change: SessionChange, _ session: SessionItem, _ lease: SessionItem.Lease?
    ) -> TableExpression {
        var sets: [String] = []
        var removes: [String] = []
        var names: [ByteText: ByteText] = [:]
        var values: [ByteText: ItemValue] = [:]
        if !change.events.isEmpty {
            sets.append("#events = list_append(#events, :new), #bytes = #bytes + :size")
            values[":new"] = .list(change.events.map { .bytes($0.bytes) })
            values[":size"] = .number(Int64(change.bytes))
        }
        for (index, told) in change.told.enumerated() {
            sets.append("#told.#t\(index) = :t\(index)")
            names["#t\(index)"] = told.room.text
            values[":t\(index)"] = told.told.value
        }
        if let grant = change.grant {
            sets.append("#grant = :grant")
            values[":grant"] = grant.value
        }
        if let noticed = change.noticed {
            sets.append("#noticed = :noticed")
            values[":noticed"] = .number(noticed)
        }
        if let lease {
            sets.append("#lease = :lease")
            values[":lease"] = lease.value
        }
        for (index, room) in change.forgotten.enumerated() {
            removes.append("#told.#f\(index)")
            names["#f\(index)"] = room.text
        }
        if change.paysStates { removes.append("#states") }
        let text = [("SET", sets), ("REMOVE", removes)].filter { !$0.1.isEmpty }
            .map { "\($0.0) \($0.1.joined(separator: ", "))" }.joined(separator: " ")
        return expression(text, values, names: names)
    }

    /// That the session is still as far as the change depends on it.
    func condition(
        _ change: SessionChange, _ session: SessionItem, _ lease: SessionItem.Lease?,
        isUnseen: Bool = false
    ) -> TableExpression {
        var parts = ["attribute_exists(#client)", "attribute_not_exists(#ended)"]
        var names: [ByteText: ByteText] = [:]
        var values: [ByteText: ItemValue] = [:]
        if !change.events.isEmpty {
            if limits.historyEventsMax > 0 {
                parts.append("size(#events) <= :countmax")
                values[":countmax"] = .number(
                    Int64(limits.historyEventsMax - change.events.count))
            }
            if limits.historyBytesMax > 0 {
                parts.append("#bytes <= :bytesmax")
                values[":bytesmax"] = .number(Int64(limits.historyBytesMax - change.bytes))
            }
        }
        for (index, told) in change.told.enumerated() {
            names["#t\(index)"] = told.room.text
            if let old = session.told[told.room] {
                parts.append("#told.#t\(index).#v = :v\(index)")
                values[":v\(index)"] = .number(old.version)
            } else {
                parts.append("attribute_not_exists(#told.#t\(index))")
            }
        }
        if let gateway = change.gateway {
            parts.append("#g = :gateway")
            values[":gateway"] = .text(gateway)
        }
        if change.isOfTheseRooms {
            parts.append("size(#told) = :rooms")
            values[":rooms"] = .number(Int64(session.told.count))
            // One that it had left is no more to be entered than one that is new.
            let left = session.told.filter { $0.value.hasLeft }
            for (index, told) in left.enumerated() {
                parts.append("#told.#l\(index).#v = :l\(index)")
                names["#l\(index)"] = told.key.text
                values[":l\(index)"] = .number(told.value.version)
            }
        }
        if change.paysStates { parts.append("attribute_exists(#states)") }
        if lease != nil {
            parts.append(Self.isUnleased)
        } else if isUnseen, !change.events.isEmpty {
            parts.append(Self.isOthersToSend(session))
        }
        values[":ms"] = .number(ports.milliseconds())
        return expression(parts.joined(separator: " AND "), values, names: names)
    }

    /// That there is still somebody who sends what is appended to a session whose lease is not
    /// taken, or nobody whom it can be sent to: a transaction does not show what came of it.
    static func isOthersToSend(_ session: SessionItem) -> String {
        session.gateway == nil ? "attribute_not_exists(#g)" : "#lease.#until > :ms"
    }

    /// With the time in `:ms`.
    static let isUnleased =
        "attribute_exists(#g) AND (attribute_not_exists(#lease) OR #lease.#until <= :ms)"

    // MARK: Unknown outcomes

    /// Whether a change of a session that nobody heard of again was done.
    private func isDone(
        _ change: SessionChange, since session: SessionItem, _ item: Item?
    ) throws(StoreFault) -> Bool {
        guard let now = SessionItem(item, session.connection, now: ports.now()) else {
            return false
        }
        for told in change.told {
            guard let current = now.told[told.room], current.version >= told.told.version else {
                return false
            }
        }
        if let grant = change.grant, now.grant != grant { return false }
        if let noticed = change.noticed, now.noticed != noticed { return false }
        return try contains(now, change.events.map(\.bytes), after: session.lastSeq)
    }

    /// Whether these events stand behind one another after the event of this number.
    func contains(
        _ session: SessionItem, _ wanted: [[UInt8]], after seq: Int64
    ) throws(StoreFault) -> Bool {
        guard !wanted.isEmpty else { return true }
        var known = session.events
        var first = session.base + 1
        if session.base > seq {
            // A classic session keeps no copies: what was taken off may well have been these.
            guard session.isV1 else { return true }
            known = try keptEvents(of: session, after: seq).map(\.bytes) + known
            first = seq + 1
        }
        let skipped = Int(max(0, seq + 1 - first))
        guard known.count - skipped >= wanted.count else { return false }
        return (skipped...(known.count - wanted.count)).contains { start in
            known[start..<(start + wanted.count)].elementsEqual(wanted)
        }
    }
}
