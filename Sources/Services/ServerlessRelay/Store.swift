package import Access
package import Admission
package import Bytes
package import Sessions
package import Signalling
package import Tables

/// The sessions, rooms and mailboxes of a relay that keeps nothing in its memory: they are items of
/// a table, and each invocation of the function may be killed at any step.
package struct Store: Sendable {
    let limits: StoreLimits
    let table: TablePort
    let gateway: GatewayPort
    let timers: TimerPort
    let ports: FunctionPorts

    package init(
        _ limits: StoreLimits, table: TablePort, gateway: GatewayPort, timers: TimerPort,
        ports: FunctionPorts
    ) {
        self.limits = limits
        self.table = table
        self.gateway = gateway
        self.timers = timers
        self.ports = ports
    }

    // MARK: Connections

    /// Makes a session for a connection that is about to be let in. `welcome`, whole, is what its
    /// client is sent before anything else; `drain` sends it once the gateway has the connection.
    package func open(
        gateway: ByteText, connection: ConnectionID, dialect: Dialect, grant: TokenGrant,
        secret: SecretDigest?, welcome: [UInt8]?, in invoked: Invoked
    ) throws(StoreFault) { fatalError() }

    /// The session whose client is at this connection of the gateway; nil where there is none (any
    /// more): then what is said there means nothing.
    package func find(gateway: ByteText) throws(StoreFault) -> SessionView? { nil }

    /// The session, wherever its client is; nil where it is over.
    package func find(_ connection: ConnectionID) throws(StoreFault) -> SessionView? { nil }

    /// Sends what waits for a session.
    package func drain(_ connection: ConnectionID, in invoked: Invoked) throws(StoreFault) {}

    /// The gateway says that this connection is gone.
    package func disconnected(
        gateway: ByteText, code: Int?, in invoked: Invoked
    ) throws(StoreFault) {}

    /// Closes a session's connection. `reason` is why the session is over; nil where it waits for
    /// its client to come back, which no classic one can.
    package func end(
        _ session: SessionView, reason: LeaveReason?, code: Int, text: StaticString,
        in invoked: Invoked
    ) throws(StoreFault) {}

    /// Time has passed: ends the session if its client has not come back, and else sends what
    /// waits for it.
    package func lapse(_ connection: ConnectionID, in invoked: Invoked) throws(StoreFault) {}

    /// The connection of `session`, which said nothing yet, takes over the session `old`.
    ///
    /// - Parameters:
    ///   - secret: What it showed.
    ///   - seq: The number of the last event that its client has dealt with.
    ///   - newSecret: For the next time.
    ///   - ack: For the resume itself.
    /// - Returns: Whether it did. If not for what is no longer kept, the old one is over.
    package func resume(
        _ session: SessionView, old: ConnectionID, secret: SecretDigest, after seq: UInt64,
        newSecret: SessionSecret, digest: SecretDigest, ack: KeptEvent?, in invoked: Invoked
    ) throws(StoreFault) -> Bool { false }

    // MARK: Messages

    /// Makes a session a member of a room that its token grants, tells whom it concerns, and
    /// answers with `ack`, where there is one, here and below.
    ///
    /// - Parameters:
    ///   - name: What people see.
    ///   - sdp: The value as it stood in the message.
    /// - Returns: Why it may not join; then nobody was told anything.
    package func join(
        _ session: SessionView, room: String, peerID: PeerID, name: String?, sdp: [UInt8]?,
        ack: KeptEvent?, in invoked: Invoked
    ) throws(StoreFault) -> SignalError? { nil }

    package func leave(
        _ session: SessionView, rooms: [String], reason: LeaveReason, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) {}

    /// Passes a payload on to a fellow member.
    package func send(
        _ session: SessionView, to target: ConnectionID, event: KeptEvent, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) -> SignalError? { nil }

    package func broadcast(
        _ session: SessionView, room: String, event: KeptEvent, ack: KeptEvent?,
        in invoked: Invoked
    ) throws(StoreFault) -> SignalError? { nil }

    /// Tells a session what concerns it alone, if it is at the connection where it was.
    package func append(
        _ session: SessionView, events: [KeptEvent], in invoked: Invoked
    ) throws(StoreFault) {}

    /// From now on this token counts; rooms that it does not grant are left.
    package func refresh(
        _ session: SessionView, grant: TokenGrant, ack: KeptEvent?, in invoked: Invoked
    ) throws(StoreFault) {}

    // MARK: Tokens

    /// Whether a token was taken back by its `jti`, its `sub` or its client, or its client is
    /// disabled.
    package func isRevoked(_ token: RevocableToken) throws(StoreFault) -> Bool { false }

    /// Notes that a token that is good for one use was used.
    package func markUsed(tokenID: String, expiresAt: Int64) -> MarkResult { .unavailable }
}
