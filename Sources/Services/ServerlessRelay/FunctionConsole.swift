internal import Admission
internal import Bytes
package import Identifiers
package import Rooms
package import Signalling
package import Tables

/// What an operator sees of a relay that runs as a function, and does to it, from outside of it: by
/// the function's own store, so that whoever is told of it is told as by the function.
///
/// Where a session may be is not known by its room or client: what concerns many looks at all items
/// of the table, a part at a time.
package struct FunctionConsole: Sendable {
    /// A room in which somebody is.
    package struct RoomSummary: Equatable, Sendable {
        package let client: ClientID
        package let room: RoomName
        /// In the order of joining.
        package let members: [RoomMember]
    }

    /// Told after each part: how many items were looked at, of all parts.
    package typealias Progress = (_ examined: Int) -> Void

    private let store: Store
    private let begin: @Sendable () -> Invoked

    /// - Parameters:
    ///   - table: The function's.
    ///   - gateway: Where its connections are.
    ///   - ports: The world; the log is told what could not be done.
    ///   - resumeGraceSeconds: As the function has it, for those who are found to be gone.
    ///   - begin: Another piece of work begins, with a deadline of its own.
    package init(
        table: TablePort, gateway: GatewayPort, ports: FunctionPorts, resumeGraceSeconds: Int,
        begin: @escaping @Sendable () -> Invoked
    ) {
        // The others are the function's largest, so that nothing is too much here that is not so
        // there.
        var limits = StoreLimits()
        limits.resumeGraceSeconds = resumeGraceSeconds
        store = Store(limits, table: table, gateway: gateway, timers: .none, ports: ports)
        self.begin = begin
    }

    // MARK: Looking

    /// All rooms, by client and name. Members whose sessions are over are none, though nobody may
    /// have taken them out yet.
    package func rooms(_ progress: Progress) throws(StoreFault) -> [RoomSummary] {
        var found: [RoomSummary] = []
        let filter = expression(
            "begins_with(#pk, :rooms) AND #sk = :item AND #count > :zero",
            [":rooms": .text("R#"), ":item": .text("-"), ":zero": .number(0)])
        try scan(filter, progress) { rows throws(StoreFault) in
            for row in rows {
                guard let name = RoomItem.Name(row.key) else { continue }
                let members = try living(in: RoomItem(row.item, name))
                guard !members.isEmpty else { continue }
                found.append(
                    RoomSummary(client: name.client, room: name.room, members: members))
            }
        }
        return found.sorted { ($0.client, $0.room) < ($1.client, $1.room) }
    }

    private func living(in room: RoomItem) throws(StoreFault) -> [RoomMember] {
        _ = begin()
        let members = room.room.members.sorted { $0.order < $1.order }
        let sessions = try store.sessions(of: members)
        let now = store.ports.now()
        return members.filter { member in
            sessions[member.connection].map { $0.end(at: now) == nil } ?? false
        }
    }

    // MARK: Acting

    /// Ends a session, and closes its connection with 4501.
    ///
    /// - Returns: False where there is none (any more).
    package func kick(_ connection: ConnectionID) throws(StoreFault) -> Bool {
        let invoked = begin()
        guard let session = try store.session(connection) else { return false }
        if let reason = session.ended {
            // Perhaps by a command that could not do all of it.
            try store.vacate(session, reason, in: invoked)
            return false
        }
        guard session.end(at: store.ports.now()) == nil else { return false }
        try store.conclude(
            session, .kicked, code: 4501, text: "closed by the operator", in: invoked)
        return true
    }

    /// Has tokens refused from now on; what they opened ends with the next message or event.
    ///
    /// - Returns: False where the users of this client whose tokens are refused are too many
    ///   already.
    package func withdraw(_ withdrawal: Withdrawal) throws(StoreFault) -> Bool {
        _ = begin()
        return try store.withdraw(withdrawal)
    }

    package func enable(_ client: ClientID) throws(StoreFault) {
        _ = begin()
        try store.enable(client)
    }

    /// Closes, with 4501, what was opened by tokens that are refused now.
    ///
    /// - Returns: How many sessions there were.
    package func close(
        _ withdrawal: Withdrawal, _ progress: Progress
    ) throws(StoreFault) -> Int {
        var found: [SessionItem] = []
        let now = store.ports.now()
        try scan(withdrawal.sessions, progress) { rows in
            found += rows.compactMap { row in
                ConnectionID(row.key.partition.dropFirst(2))
                    .flatMap { SessionItem(row.item, $0, now: now) }
                    .flatMap { $0.ended != nil || $0.end(at: now) == nil ? $0 : nil }
            }
        }
        let (closed, faults) = (Gathered<ConnectionID>(), Gathered<StoreFault>())
        let sessions = found
        store.ports.concurrently(sessions.count) { index in
            let session = sessions[index]
            do throws(StoreFault) {
                guard session.ended == nil else { return try finish(session) }
                if try closeIfRevoked(session.connection) { closed.add(session.connection) }
            } catch {
                faults.add(error)
            }
        }
        if let fault = faults.all.first { throw fault }
        return closed.all.count
    }

    /// What an earlier command was stopped over, after it had ended the session.
    private func finish(_ session: SessionItem) throws(StoreFault) {
        try store.vacate(session, session.ended ?? .kicked, in: begin())
    }

    /// By the token that it is held by now, which may be another than a moment ago.
    private func closeIfRevoked(_ connection: ConnectionID) throws(StoreFault) -> Bool {
        let invoked = begin()
        guard let session = try store.session(connection) else { return false }
        if let reason = session.ended {
            // Whoever was to be told of another who was closed may have been closed over that; who
            // is told of it in turn was left for later.
            try store.vacate(session, reason, in: invoked)
            return reason == .kicked
        }
        guard session.end(at: store.ports.now()) == nil,
            try store.isRevoked(session.grant.token)
        else { return false }
        try store.conclude(
            session, .kicked, code: 4501, text: "the token or its client was revoked", in: invoked)
        return true
    }

    private func scan(
        _ filter: TableExpression, _ progress: Progress,
        _ body: ([TableScan.Row]) throws(StoreFault) -> Void
    ) throws(StoreFault) {
        var examined = 0
        var after: ItemKey?
        repeat {
            _ = begin()
            let part = try store.read { table throws(TableFault) in try table.scan(filter, after) }
            try body(part.rows)
            examined += part.examined
            progress(examined)
            after = part.next
        } while after != nil
    }
}

extension RoomItem.Name {
    /// Nil for what is no room's.
    init?(_ key: ItemKey) {
        let bytes = Array(key.partition.utf8)
        guard bytes.starts(with: "R#".utf8), let end = bytes.dropFirst(2).firstIndex(of: 0x23),
            let count = Int(String(decoding: bytes[2..<end], as: UTF8.self)), count >= 0,
            count < bytes.count - end - 1, bytes[end + 1 + count] == 0x23,
            let client = ByteText(bytes.span.extracting((end + 1)..<(end + 1 + count))),
            let room = ByteText(bytes.span.extracting((end + 2 + count)..<bytes.count))
        else { return nil }
        self.init(ClientID(client), RoomName(room))
    }
}
