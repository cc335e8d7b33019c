internal import Access
internal import Admission
internal import Bytes
internal import Identifiers
internal import Rooms
package import Signalling
internal import StrictJSON
internal import Tables

// How sessions lose their connections, and end. Each change of one is a single update, and whatever
// else it means is done after it, by whoever finds that it was not.
extension Store {
    // MARK: Timers

    /// What `lapse` is to be called with later.
    static func lapseBody(_ connection: ConnectionID) -> [UInt8] {
        Array(#"{"lapse":"\#(connection.text)"}"#.utf8)
    }

    /// The session that a timer is about; nil where it is about something else.
    package static func lapsing(_ body: [UInt8]) -> ConnectionID? {
        guard let text = (try? JSONValue.parse(body))?.object?["lapse"]?.string else { return nil }
        return ConnectionID(ByteText(text.string))
    }

    // MARK: Losing the connection

    /// A session's connection to the gateway is lost: it waits for its client, where it can.
    func lose(
        _ session: SessionItem, gateway: ByteText, in invoked: Invoked
    ) throws(StoreFault) {
        let graceSeconds = limits.resumeGraceSeconds
        guard session.isV1, graceSeconds > 0, !session.rooms.isEmpty else {
            return try conclude(session, .lost, ifAt: gateway, in: invoked)
        }
        let values: [ByteText: ItemValue] = [
            ":until": .number(ports.now() + Int64(graceSeconds)), ":gateway": .text(gateway),
        ]
        let write = TableWrite(
            session.key, .update(expression("SET #until = :until REMOVE #g, #lease", values)),
            if: expression("#g = :gateway AND attribute_not_exists(#ended)", values))
        let outcome = try self.write(write) { item in item?["g"] == nil }
        guard case .done(let item) = outcome else { return }
        _ = timers.after(
            min(graceSeconds + 1, TimerPort.secondsMax), Self.lapseBody(session.connection))
        // It may have joined its first room, or left its last, meanwhile.
        if let now = SessionItem(item, session.connection, now: ports.now()), now.rooms.isEmpty {
            try conclude(now, .lost, in: invoked)
        }
    }

    // MARK: The end

    /// Ends a session: it leaves its rooms for this reason, and a connection that it has is closed.
    /// With `ifAt` only while its client is at that one, which is gone.
    func conclude(
        _ session: SessionItem, _ reason: LeaveReason, ifAt gateway: ByteText? = nil,
        code: Int? = nil, text: StaticString = "", in invoked: Invoked
    ) throws(StoreFault) {
        guard let ended = try markEnded(session, reason, ifAt: gateway) else { return }
        if gateway == nil, let connection = ended.gateway {
            close(connection, session.isV1 ? code : nil, text)
        }
        try vacate(ended, ended.ended ?? reason, in: invoked)
    }

    /// - Returns: The session as it was before, but for why it is over; nil where the condition
    ///   does not hold.
    func markEnded(
        _ session: SessionItem, _ reason: LeaveReason, ifAt gateway: ByteText? = nil,
        ifLapsed: Bool = false
    ) throws(StoreFault) -> SessionItem? {
        let values: [ByteText: ItemValue] = [
            ":reason": .text(ByteText(reason.rawValue)), ":none": .list([]), ":zero": .number(0),
            ":ttl": .number(ports.now() + Self.keptSeconds), ":now": .number(ports.now()),
            ":gateway": .text(gateway ?? ""),
        ]
        let change = """
            SET #ended = :reason, #ttl = :ttl, #events = :none, #bytes = :zero \
            REMOVE #g, #hello, #after, #states, #lease, #secret
            """
        var condition = "attribute_exists(#client) AND attribute_not_exists(#ended)"
        if gateway != nil { condition += " AND #g = :gateway" }
        if ifLapsed { condition += " AND #until <= :now" }
        let write = TableWrite(
            session.key, .update(expression(change, values)), if: expression(condition, values))
        let outcome = try self.write(write, returns: .old) { $0?["ended"] != nil }
        switch outcome {
        case .done(let item):
            let before = SessionItem(item, session.connection, now: ports.now()) ?? session
            return before.over(before.ended ?? reason, at: before.gateway ?? session.gateway)
        case .refused(let item):
            // What another began, and perhaps was killed over, is done again.
            guard let now = SessionItem(item, session.connection, now: ports.now()),
                now.ended != nil
            else { return nil }
            return now
        case nil: throw .unavailable("a session is too large")
        }
    }

    /// Takes a session that is over out of its rooms, and tells the others.
    func vacate(
        _ session: SessionItem, _ reason: LeaveReason, but exempt: RoomName? = nil,
        in invoked: Invoked
    ) throws(StoreFault) {
        guard !invoked.isNested else {
            // Without a queue, whoever comes next in one of its rooms finds that it is over.
            return _ = timers.after(0, Self.lapseBody(session.connection))
        }
        for (room, told) in session.rooms.sorted(by: { $0.key < $1.key }) where room != exempt {
            guard let own = told.member(session.connection) else { continue }
            let name = RoomItem.Name(session.grant.token.clientID, room)
            let attribute = RoomMember.attribute(
                session.dialect, session.connection, own.peerID)
            let left = try takeOut(
                session.connection, attribute, order: own.order, from: name, reason)
            try tell(left, but: session.connection, in: invoked)
        }
    }

    // MARK: Closing

    /// Closes a connection of the gateway. A v1 client is told why, since the gateway can't.
    func close(_ gateway: ByteText, _ code: Int?, _ text: StaticString) {
        if let code {
            let event = #"{"type":"usher.closing","data":{"code":\#(code),"reason":"\#(text)"}}"#
            _ = try? self.gateway.post(gateway, Array(event.utf8))
        }
        closeQuietly(gateway)
    }

    func closeQuietly(_ gateway: ByteText) { try? self.gateway.end(gateway) }
}
