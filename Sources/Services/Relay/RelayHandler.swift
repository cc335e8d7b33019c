package import Admission
internal import Bytes
internal import Cluster
internal import Identifiers
package import Signalling
package import WebSocket

/// What other threads tell the relay's loops.
package enum RelayNote: Sendable, Equatable {
    /// Clients were changed, disabled or removed, or tokens revoked: connections that may not stay
    /// are closed with 4501.
    case rightsChanged
    /// An operator wants this connection closed, with 4501.
    case kick(ConnectionID)
    /// What a node of a cluster has heard.
    case cluster(ClusterAnswer)
    /// The process is about to stop: v1 clients are told to connect again within so many seconds.
    case draining(withinSeconds: Int)
}

/// The conversations of one loop: reads what clients say, keeps the rooms, sends events.
///
/// To pass a payload from one classic connection to another allocates nothing: the message is
/// scanned where it lies, the target is found by its 64-bit id, and its frame is made of three
/// pieces. What v1 clients say and are told is the business of `V1Session`, in the files beside.
package struct RelayHandler: SocketHandler, ~Copyable, Sendable {
    package typealias Admission = SocketAdmission
    package typealias Note = RelayNote

    /// Within this time an older connection of the same peer must answer a ping
    /// (docs/protocol.md §2).
    package static let probeSecondsMax = 2

    /// One socket's conversation.
    struct Connection: Sendable {
        let socket: SocketID
        var connection: ConnectionID
        /// Nil when the slot has no connection.
        var admission: SocketAdmission?
        let openedAt: Int64
        /// Nil in the classic dialect.
        var session: V1Session?
        /// Of a classic connection.
        var memberships: [Membership] = []
        /// In a cluster, of what rooms those are, and which one it is about to join.
        var places: [RoomPlace] = []
        var joining: RoomPlace?
        /// It is held since it has said more than the lines to other nodes take.
        var isWaitingForRoom = false
        /// It is held since the session that it wants to go on with is busy, or not at this node.
        var isResuming = false
        var asked: AskedResume?
        var refusedMessages: UInt32 = 0
        /// A close was asked for: nothing that still comes counts.
        var isEnding = false
        var hasSpoken = false
        /// It was in a room once, or was moved to one's loop; it is not moved again.
        var isSettled = false

        static let none = Connection(
            socket: SocketID(raw: 0), connection: ConnectionID(raw: 0), admission: nil, openedAt: 0,
            isEnding: true)
    }

    /// What becomes of a session whose socket ends.
    enum Fate: Equatable {
        /// It waits for its client, where it is in a room.
        case kept
        /// It is over, and its rooms are told why.
        case ended(LeaveReason)
    }

    let commons: RelayCommons
    private var reader = MessageReader()
    var v1Reader = V1MessageReader()
    var composer = EventComposer()
    var figures = RelayFigures()
    /// By the slot of the socket.
    var connections: [Connection] = []
    /// Sessions that were attached here last, and whose client may be away.
    var away: [ConnectionID: V1Session] = [:]

    init(_ commons: RelayCommons) { self.commons = commons }

    // MARK: Opening and closing

    package func owner(of admission: SocketAdmission) -> any SocketOwner { admission }

    package mutating func opened(
        _ socket: SocketID, _ admission: SocketAdmission,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let slot = socket.slot
        while connections.count <= slot { connections.append(.none) }
        let passage = admission.takePassage() as? Passage
        if passage == nil { figures.noteOpened(admission.dialect) }
        if admission.dialect == .v1 {
            let moved = passage?.session
            let fresh = moved == nil ? makeSession(socket, admission) : nil
            guard let session = moved ?? fresh?.session else { return }
            connections[slot] = Connection(
                socket: socket, connection: session.connection, admission: admission,
                openedAt: passage?.openedAt ?? loop.monotonicSeconds, session: session)
            settle(slot, passage)
            if let fresh {
                welcome(slot, session, fresh.secret, &loop)
            } else {
                land(slot, session, &loop)
            }
        } else {
            connections[slot] = Connection(
                socket: socket,
                connection: passage?.connection ?? ConnectionID(raw: commons.ports.random64()),
                admission: admission, openedAt: passage?.openedAt ?? loop.monotonicSeconds)
            settle(slot, passage)
            if passage == nil { takePlace(slot, &loop) }
            // Between the decision and now a note may have come and found no socket to close.
            if admission.mayHaveLostRights, !commons.allows(admission.token) {
                endRevoked(slot, &loop)
            }
        }
    }

    private mutating func settle(_ slot: Int, _ passage: Passage?) {
        guard let passage else { return }
        connections[slot].refusedMessages = passage.refusedMessages
        connections[slot].hasSpoken = true
        connections[slot].isSettled = true
    }

    package mutating func closed(
        _ socket: SocketID, _ end: SocketEnd, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let slot = slot(of: socket) else { return }
        conclude(slot, Self.fate(end), &loop)
        let connection = connections[slot]
        connections[slot] = .none
        if let asked = connection.asked { commons.line?.tell(.giveUp(asked)) }
        figures.noteClosed(connection.session == nil ? .classic : .v1)
        connection.admission?.release()
        commons.ports.log(
            "connection_closed",
            [
                ("connection", connection.connection.text),
                ("client", connection.admission?.clientID.string ?? ""),
                ("end", Self.text(end)),
                ("seconds", String(loop.monotonicSeconds - connection.openedAt)),
                ("refused_messages", String(connection.refusedMessages)),
            ])
    }

    private static func text(_ end: SocketEnd) -> String {
        switch end {
        case .peerClosed(let code): "peer " + (code.map { String($0) } ?? "without code")
        case .closedByUs(let code): "server \(code.rawValue)"
        case .lost: "lost"
        }
    }

    /// Whoever says 1000 means it, and whoever broke a rule would break it again. Everything else
    /// may befall a client that wants to go on: a page that reloads says 1001
    /// (docs/protocol.md §3).
    private static func fate(_ end: SocketEnd) -> Fate {
        switch end {
        case .peerClosed(code: CloseCode.normal.rawValue): .ended(.closed)
        case .peerClosed, .lost: .kept
        case .closedByUs(.protocolError), .closedByUs(.unsupportedData),
            .closedByUs(.invalidPayload), .closedByUs(.tooBig):
            .ended(.closed)
        case .closedByUs(.revoked): .ended(.kicked)
        case .closedByUs(.replaced): .ended(.replaced)
        case .closedByUs: .kept
        }
    }

    func slot(of socket: SocketID) -> Int? {
        let slot = socket.slot
        guard slot < connections.count, connections[slot].socket == socket,
            connections[slot].admission != nil
        else { return nil }
        return slot
    }

    /// A socket's part in its rooms is over.
    private mutating func conclude(
        _ slot: Int, _ fate: Fate, _ loop: inout some SocketOutput & ~Copyable
    ) {
        if let session = connections[slot].session {
            detach(session, connections[slot].socket, connections[slot].admission, fate, &loop)
        } else {
            leaveAll(slot, fate, &loop)
        }
    }

    /// Leaves all rooms at once, or lets the session wait; the socket itself closes behind what is
    /// queued for it.
    mutating func end(
        _ slot: Int, _ code: CloseCode, reason: StaticString, _ fate: Fate,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard !connections[slot].isEnding else { return }
        connections[slot].isEnding = true
        conclude(slot, fate, &loop)
        loop.close(connections[slot].socket, code, reason: reason)
    }

    mutating func endRevoked(_ slot: Int, _ loop: inout some SocketOutput & ~Copyable) {
        end(slot, .revoked, reason: "the token or its client was revoked", .ended(.kicked), &loop)
    }

    // MARK: Messages

    package mutating func received(
        _ text: Span<UInt8>, from socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let slot = slot(of: socket), !connections[slot].isEnding else { return }
        if let session = connections[slot].session {
            return receivedV1(text, slot, session, &loop)
        }
        connections[slot].hasSpoken = true
        do throws(MessageFault) {
            switch try reader.read(text) {
            case .sendPayload(let payload):
                try pass(payload, text, from: slot, &loop)
                figures.note(.sendPayload)
            case .joinRoom(let join): try enter(join, text, slot, &loop)
            }
        } catch {
            switch error {
            case .notAnObject: endUnreadable(slot, &loop)
            case .refused(let error):
                figures.noteRefused(error)
                // Classic clients know no error event: nothing is sent, and the connection stays.
                connections[slot].refusedMessages &+= 1
            }
        }
    }

    mutating func endUnreadable(_ slot: Int, _ loop: inout some SocketOutput & ~Copyable) {
        end(
            slot, .invalidPayload, reason: "a message is one JSON object", .ended(.closed), &loop)
    }

    package mutating func turnEnded() { commons.line?.knock() }

    package mutating func nudged(
        _ socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let slot = slot(of: socket), let session = connections[slot].session else { return }
        pump(slot, session, &loop)
    }
}
