internal import Bytes
internal import Signalling
internal import Tables

/// A session of which we have the right to send what waits.
struct HeldSession {
    var session: SessionItem
    let lease: ByteText
}

// What waits for a session is sent by whoever holds its lease, and taken off only then.
extension Store {
    private static let copiesAtATime = 8
    /// For how long copies of what was sent are kept.
    static let keptSeconds: Int64 = 900
    /// For how long a connection may not be there yet, once it was let in.
    private static let arrivalMilliseconds = 3000

    /// Sends what waits, unless somebody does or will.
    ///
    /// - Returns: False where its client may hear nothing more, here and below.
    @discardableResult
    func deliver(_ outcome: ChangeOutcome, in invoked: Invoked) throws(StoreFault) -> Bool {
        switch outcome {
        case .done(let session, let lease?):
            try deliver(HeldSession(session: session, lease: lease), in: invoked)
        // Whoever had the right to may have given it back before this came.
        case .done(let session, nil), .nothing(let session):
            try deliver(session, in: invoked)
        case .over, .moved, .overfull: true
        }
    }

    /// The same of a session as it was read.
    @discardableResult
    func deliver(_ session: SessionItem, in invoked: Invoked) throws(StoreFault) -> Bool {
        guard session.isPending, session.ended == nil,
            let lease = newLease(for: session, in: invoked)
        else { return true }
        let values: [ByteText: ItemValue] = [
            ":lease": lease.value, ":ms": .number(ports.milliseconds()),
        ]
        let write = TableWrite(
            session.key, .update(expression("SET #lease = :lease", values)),
            if: expression("attribute_not_exists(#ended) AND \(Self.isUnleased)", values))
        let outcome = try self.write(write) { SessionItem.lease(in: $0) == lease }
        guard case .done(let item) = outcome,
            let held = SessionItem(item, session.connection, now: ports.now())
        else { return true }
        return try deliver(HeldSession(session: held, lease: lease.owner), in: invoked)
    }

    /// The same of one whose lease a transaction has taken.
    func deliver(
        _ connection: ConnectionID, lease: ByteText, in invoked: Invoked
    ) throws(StoreFault) {
        guard let session = try session(connection), session.lease?.owner == lease else { return }
        try deliver(HeldSession(session: session, lease: lease), in: invoked)
    }

    @discardableResult
    func deliver(_ held: HeldSession, in invoked: Invoked) throws(StoreFault) -> Bool {
        do throws(StoreFault) {
            guard try mayHear(held.session, in: invoked) else { return false }
            return try sendAll(held, in: invoked)
        } catch {
            // Else nobody could send before the lease has run out.
            giveBack(held)
            throw error
        }
    }

    private func giveBack(_ held: HeldSession) {
        let values: [ByteText: ItemValue] = [":owner": .text(held.lease)]
        let write = TableWrite(
            held.session.key, .update(expression("REMOVE #lease")),
            if: expression("#lease.#owner = :owner", values))
        _ = try? self.write(write, returns: .nothing) {
            SessionItem.lease(in: $0)?.owner != held.lease
        }
    }

    private func sendAll(_ first: HeldSession, in invoked: Invoked) throws(StoreFault) -> Bool {
        var held = first
        while held.session.lease?.owner == held.lease, held.session.ended == nil {
            guard let gateway = held.session.gateway else { return true }
            if held.session.isPending {
                if held.session.isV1, !held.session.events.isEmpty { try keepCopies(held.session) }
                let sent = try send(held.session, to: gateway, in: invoked)
                guard let next = try takeOff(sent, held) else { return true }
                held.session = next
                switch sent.end {
                case .allSent: break
                case .gone:
                    try lose(held.session, gateway: gateway, in: invoked)
                    return false
                case .impossible:
                    try conclude(
                        held.session, .lost, code: 1013, text: "the queue is full", in: invoked)
                    return false
                case .later:
                    _ = timers.after(1, Self.lapseBody(held.session.connection))
                    return true
                }
                if held.session.states != nil, held.session.lease?.owner == held.lease {
                    held.session = try payStates(held, in: invoked) ?? held.session
                    guard held.session.states == nil else { return true }
                }
            } else {
                guard let next = try takeOff(Sent(end: .allSent), held) else { return true }
                held.session = next
            }
        }
        return true
    }

    // MARK: Sending

    private struct Sent {
        enum End { case allSent, gone, later, impossible }

        var hello = false
        /// How many events of the mailbox.
        var count = 0
        var bytes = 0
        var end: End
    }

    private func send(
        _ session: SessionItem, to gateway: ByteText, in invoked: Invoked
    ) throws(StoreFault) -> Sent {
        var sent = Sent(end: .allSent)
        if let hello = session.hello {
            let isWelcome = session.after == nil
            let text = isWelcome ? hello : hello + Array("\(session.lastSeq)}}".utf8)
            sent.end = post(text, to: gateway, mayBeEarly: isWelcome, in: invoked)
            guard sent.end == .allSent else { return sent }
            if let after = session.after {
                let kept = try keptEvents(of: session, after: after)
                // Better an end that is told than a gap that is not.
                guard Int64(kept.count) == max(0, session.base - after) else {
                    sent.end = .impossible
                    return sent
                }
                for event in kept {
                    let text = KeptEvent(bytes: event.bytes).sent(as: event.seq)
                    sent.end = post(text, to: gateway, mayBeEarly: false, in: invoked)
                    guard sent.end == .allSent else { return sent }
                }
            }
            sent.hello = true
        }
        for (index, event) in session.events.enumerated() {
            let seq = session.base + 1 + Int64(index)
            if seq > session.after ?? 0 {
                let text = KeptEvent(bytes: event).sent(as: session.isV1 ? seq : nil)
                sent.end = post(text, to: gateway, mayBeEarly: false, in: invoked)
                guard sent.end == .allSent else { return sent }
            }
            sent.count += 1
            sent.bytes += event.count
        }
        return sent
    }

    private func post(
        _ text: [UInt8], to gateway: ByteText, mayBeEarly: Bool, in invoked: Invoked
    ) -> Sent.End {
        var pause = 20
        var waited = 0
        while ports.milliseconds() + Self.reserveMilliseconds < invoked.deadline {
            do throws(GatewayFault) {
                if try self.gateway.post(gateway, text) { return .allSent }
                guard mayBeEarly, waited < Self.arrivalMilliseconds else { return .gone }
            } catch {
                guard error != .tooLarge else { return .impossible }
                guard waited < Self.arrivalMilliseconds else { return .later }
            }
            ports.pause(pause)
            waited += pause
            pause = min(pause * 2, 500)
        }
        return .later
    }

    // MARK: Taking off

    /// Takes off what was sent, if the lease is still ours, and gives it back once nothing waits.
    ///
    /// - Returns: The session as it is then; nil where it is ours no more.
    private func takeOff(_ sent: Sent, _ held: HeldSession) throws(StoreFault) -> SessionItem? {
        let session = held.session
        if sent.end == .allSent, session.states == nil {
            switch try change(held, sent, isAll: true) {
            case .done(let item): return SessionItem(item, session.connection, now: ports.now())
            case .refused(let item):
                guard let now = SessionItem(item, session.connection, now: ports.now()),
                    now.lease?.owner == held.lease
                else { return nil }
                // Something came meanwhile.
                if sent.count == 0, !sent.hello { return now }
            case nil: return nil
            }
        }
        guard sent.count > 0 || sent.hello || sent.end != .allSent else { return session }
        guard case .done(let item) = try change(held, sent, isAll: false) else { return nil }
        return SessionItem(item, session.connection, now: ports.now())
    }

    private func change(
        _ held: HeldSession, _ sent: Sent, isAll: Bool
    ) throws(StoreFault) -> WriteOutcome? {
        let session = held.session
        var sets: [String] = []
        var removes: [String] = []
        let values: [ByteText: ItemValue] = [
            ":owner": .text(held.lease), ":base": .number(session.base),
            ":next": .number(session.base + Int64(sent.count)), ":size": .number(Int64(sent.bytes)),
            ":count": .number(Int64(session.events.count)), ":none": .list([]), ":zero": .number(0),
        ]
        if sent.count > 0 {
            sets.append("#base = :next")
            if isAll {
                sets.append("#events = :none, #bytes = :zero")
            } else {
                sets.append("#bytes = #bytes - :size")
                removes += (0..<sent.count).map { "#events[\($0)]" }
            }
        }
        if sent.hello { removes += ["#hello", "#after"] }
        var condition = "#lease.#owner = :owner AND #base = :base"
        if isAll {
            condition += " AND size(#events) = :count AND attribute_not_exists(#states)"
            if !sent.hello { condition += " AND attribute_not_exists(#hello)" }
        }
        if isAll || sent.end != .allSent { removes.append("#lease") }
        let text = [("SET", sets), ("REMOVE", removes)].filter { !$0.1.isEmpty }
            .map { "\($0.0) \($0.1.joined(separator: ", "))" }.joined(separator: " ")
        let write = TableWrite(
            session.key, .update(expression(text, values)), if: expression(condition, values))
        let isReleased = isAll || sent.end != .allSent
        return try self.write(write) { item in
            guard let now = SessionItem(item, session.connection, now: ports.now()) else {
                return false
            }
            return now.base >= session.base + Int64(sent.count)
                && (isReleased ? now.lease?.owner != held.lease : now.hello == nil)
        }
    }

    // MARK: Copies

    /// Before all copies whose last event has this number.
    private static func sort(_ last: Int64) -> ByteText {
        let digits = String(last)
        return "E#\(String(repeating: "0", count: max(0, 20 - digits.utf8.count)))\(digits)"
    }

    /// Keeps what is about to be sent, for a resume.
    private func keepCopies(_ session: SessionItem) throws(StoreFault) {
        // By the first as well: what is left of a part that was sent takes nothing's place.
        let key = ItemKey(
            session.key.partition, "\(Self.sort(session.lastSeq))#\(session.base + 1)")
        try put(
            key,
            [
                "first": .number(session.base + 1),
                "events": .list(session.events.map { .bytes($0) }),
                "ttl": .number(ports.now() + Self.keptSeconds),
            ])
    }

    /// The events after this one that were taken off, as far as they are kept, in order, with their
    /// numbers; up to the first that is missing.
    func keptEvents(
        of session: SessionItem, after seq: Int64
    ) throws(StoreFault) -> [(seq: Int64, bytes: [UInt8])] {
        guard seq < session.base else { return [] }
        var events: [(seq: Int64, bytes: [UInt8])] = []
        var bytes = 0
        var next = seq + 1
        var place = Self.sort(seq + 1)
        // Some at a time: whoever asks may ask for more than is kept of anybody.
        while next <= session.base, limits.historyBytesMax == 0 || bytes <= limits.historyBytesMax {
            let after = place
            let items = try read { table throws(TableFault) in
                try table.query(session.key.partition, after, Self.copiesAtATime)
            }
            guard let last = items.last else { break }
            place = last.sort
            for (_, item) in items {
                guard let first = item["first"]?.number, let kept = item["events"]?.list,
                    (item["ttl"]?.number ?? 0) > ports.now()
                else { continue }
                for (index, event) in kept.enumerated() {
                    guard first + Int64(index) == next, next <= session.base,
                        let event = event.bytes
                    else { continue }
                    events.append((next, event))
                    bytes += event.count
                    next += 1
                }
            }
        }
        return events
    }
}

extension SessionItem {
    static func lease(in item: Item?) -> Lease? { item?["lease"]?.map.flatMap(Lease.init) }
}
