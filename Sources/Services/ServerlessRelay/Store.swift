package import Access
package import Admission
package import Bytes
internal import Identifiers
internal import Rooms
package import Sessions
package import Signalling
package import Tables

/// The sessions, rooms and mailboxes of a relay that keeps nothing in its memory: they are items of
/// a table, and each invocation of the function may be killed at any step.
///
/// Why nothing is lost by that, and nobody sees a wrong order:
///
/// 1. *Who is a member is decided by one update of the room's item*, which gives the order too.
/// 2. *What a member is told of its room is the difference of two versions*, appended by the update
///    that notes the later one, on condition that the earlier one is still the last it was told.
///    So whoever comes next tells what a killed function has not, and nobody tells it twice.
/// 3. *An event's number is its place*, fixed by the update that appends it.
/// 4. *Events are sent by whoever holds the session's lease*, in order, kept before and taken off
///    after: what a killed holder has sent is sent again, under its number.
package struct Store: Sendable {
    let limits: StoreLimits
    let table: TablePort
    let gateway: GatewayPort
    let timers: TimerPort
    let ports: FunctionPorts
    /// Whether who signed a token is trusted still.
    let isTrusted: @Sendable (RevocableToken) -> Bool
    /// Of this environment's invocations.
    let lately: GoodLately

    package init(
        _ limits: StoreLimits, table: TablePort, gateway: GatewayPort, timers: TimerPort,
        ports: FunctionPorts,
        isTrusted: @escaping @Sendable (RevocableToken) -> Bool = { _ in true },
        lately: GoodLately = GoodLately()
    ) {
        self.isTrusted = isTrusted
        self.lately = lately
        self.limits = limits
        self.table = table
        self.gateway = gateway
        self.timers = timers
        self.ports = ports
    }

    static func gatewayKey(_ gateway: ByteText) -> ItemKey { ItemKey("G#\(gateway.string)") }

    // MARK: Opening

    /// Makes a session for a connection that is about to be let in. `welcome`, whole, is what its
    /// client is sent before anything else; `drain` sends it once the gateway has the connection.
    package func open(
        gateway: ByteText, connection: ConnectionID, dialect: Dialect, grant: TokenGrant,
        secret: SecretDigest?, welcome: [UInt8]?, in invoked: Invoked
    ) throws(StoreFault) {
        let until = untilAtMost
        let ttl = ItemValue.number(until + Self.keptSeconds)
        var item: Item = [
            "g": .text(gateway), "dialect": .text(ByteText(dialect.rawValue)),
            "client": .text(grant.token.clientID.text),
            "subject": .text(grant.token.subject.text), "grant": grant.value,
            "until": .number(until), "ttl": ttl, "base": .number(0), "events": .list([]),
            "bytes": .number(0), "told": .map([:]),
        ]
        if let secret { item["secret"] = secret.value }
        if let welcome { item["hello"] = .bytes(welcome) }
        try put(SessionItem.key(connection), item)
        try put(
            Self.gatewayKey(gateway), ["c": .text(ByteText(connection.text)), "ttl": ttl])
    }

    // MARK: Finding

    /// The session whose client is at this connection of the gateway; nil where there is none (any
    /// more): then what is said there means nothing, and the connection is closed.
    package func find(gateway: ByteText) throws(StoreFault) -> SessionView? {
        guard let connection = try connection(at: gateway) else { return nil }
        guard let session = try session(connection), session.ended == nil,
            session.gateway == gateway
        else {
            closeQuietly(gateway)
            return nil
        }
        return SessionView(item: session)
    }

    /// The session, wherever its client is; nil where it is over.
    package func find(_ connection: ConnectionID) throws(StoreFault) -> SessionView? {
        guard let session = try session(connection), session.end(at: ports.now()) == nil else {
            return nil
        }
        return SessionView(item: session)
    }

    private func connection(at gateway: ByteText) throws(StoreFault) -> ConnectionID? {
        guard let item = try get(Self.gatewayKey(gateway)), item["ttl"]?.number ?? 0 > ports.now()
        else { return nil }
        return item["c"]?.text.flatMap { ConnectionID($0) }
    }

    // MARK: Time and connections

    /// Sends what waits for a session.
    package func drain(_ connection: ConnectionID, in invoked: Invoked) throws(StoreFault) {
        guard let session = try session(connection) else { return }
        try deliver(session, in: invoked)
    }

    /// The gateway says that this connection is gone. Whoever says 1000 means it, and whoever broke
    /// a rule would break it again; all else may befall a client that wants to go on.
    package func disconnected(
        gateway: ByteText, code: Int?, in invoked: Invoked
    ) throws(StoreFault) {
        guard let connection = try connection(at: gateway),
            let session = try session(connection), session.gateway == gateway
        else { return }
        switch code {
        case 1000, 1002, 1003, 1007, 1009:
            try conclude(session, .closed, ifAt: gateway, in: invoked)
        default: try lose(session, gateway: gateway, in: invoked)
        }
    }

    /// Closes a session's connection. `reason` is why the session is over; nil where it waits for
    /// its client to come back, which no classic one can.
    package func end(
        _ session: SessionView, reason: LeaveReason?, code: Int, text: StaticString,
        in invoked: Invoked
    ) throws(StoreFault) {
        if let reason {
            return try conclude(session.item, reason, code: code, text: text, in: invoked)
        }
        guard let gateway = session.gateway else { return }
        try lose(session.item, gateway: gateway, in: invoked)
        close(gateway, session.item.isV1 ? code : nil, text)
    }

    /// Time has passed: ends the session if its client has not come back, and else tells and sends
    /// it what others have left undone.
    package func lapse(_ connection: ConnectionID, in invoked: Invoked) throws(StoreFault) {
        guard let session = try session(connection) else { return }
        if let reason = session.ended { return try vacate(session, reason, in: invoked) }
        guard session.end(at: ports.now()) == nil else {
            guard let ended = try markEnded(session, .lost, ifLapsed: true) else { return }
            if let gateway = session.gateway { closeQuietly(gateway) }
            return try vacate(ended, ended.ended ?? .lost, in: invoked)
        }
        for name in session.rooms.keys.sorted() {
            let room = try room(RoomItem.Name(session.grant.token.clientID, name))
            guard room.room.member(connection) != nil else {
                try settleAbsence(session, room, in: invoked)
                continue
            }
            _ = try tell(room, to: connection, in: invoked)
        }
        guard let session = try self.session(connection) else { return }
        let now = ports.milliseconds()
        guard session.isPending, let lease = session.lease, lease.until > now else {
            return _ = try deliver(session, in: invoked)
        }
        // Whoever has the lease may have been killed over it.
        _ = timers.after(Int((lease.until - now) / 1000) + 1, Self.lapseBody(connection))
    }
}
