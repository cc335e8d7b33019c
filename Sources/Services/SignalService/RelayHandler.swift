internal import Signalling
package import WebSocket

/// What other threads tell the relay's loops.
package enum RelayNote: Sendable, Equatable {
    /// Clients were changed, disabled or removed, or tokens revoked: connections that may not stay
    /// are closed with 4501.
    case rightsChanged
}

/// The conversations of one loop: reads what clients say, keeps the rooms, sends events.
///
/// To pass a payload on allocates nothing: the message is scanned where it lies, the target is
/// found by its 64-bit id, and its frame is made of three pieces.
package struct RelayHandler: SocketHandler, ~Copyable, Sendable {
    package typealias Admission = SocketAdmission
    package typealias Note = RelayNote

    /// Within this time an older connection of the same peer must answer a ping (PROTOCOL §2).
    package static let probeSecondsMax = 2

    private struct Session: Sendable {
        let socket: SocketID
        let connection: ConnectionID
        /// Nil when the slot has no connection.
        var admission: SocketAdmission?
        let openedAt: Int64
        var memberships: [Rooms.Membership] = []
        var refusedMessages: UInt32 = 0
        /// A close was asked for: nothing that still comes counts.
        var isEnding = false

        static let none = Session(
            socket: SocketID(raw: 0), connection: ConnectionID(raw: 0), admission: nil, openedAt: 0,
            isEnding: true)
    }

    private let rooms: Rooms
    private let ports: SignalPorts
    private var reader = MessageReader()
    private var composer = EventComposer()
    /// By the slot of the socket.
    private var sessions: [Session] = []

    init(rooms: Rooms, ports: SignalPorts) {
        self.rooms = rooms
        self.ports = ports
    }

    // MARK: Opening and closing

    package mutating func opened(
        _ socket: SocketID, _ admission: SocketAdmission,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let slot = socket.slot
        while sessions.count <= slot { sessions.append(.none) }
        sessions[slot] = Session(
            socket: socket, connection: ConnectionID(raw: ports.random64()), admission: admission,
            openedAt: loop.monotonicSeconds)
        // Between the decision and now a note may have come and found no socket to close.
        if !mayStay(admission) { endRevoked(slot, &loop) }
    }

    package mutating func closed(
        _ socket: SocketID, _ end: SocketEnd, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let slot = slot(of: socket) else { return }
        leaveAll(slot)
        let session = sessions[slot]
        sessions[slot] = .none
        session.admission?.release()
        ports.log(
            "connection_closed",
            [
                ("connection", session.connection.text),
                ("client", session.admission?.clientID ?? ""),
                ("end", Self.text(end)),
                ("seconds", String(loop.monotonicSeconds - session.openedAt)),
                ("refused_messages", String(session.refusedMessages)),
            ])
    }

    private static func text(_ end: SocketEnd) -> String {
        switch end {
        case .peerClosed(let code): "peer " + (code.map { String($0) } ?? "without code")
        case .closedByUs(let code): "server \(code.rawValue)"
        case .lost: "lost"
        }
    }

    private func slot(of socket: SocketID) -> Int? {
        let slot = socket.slot
        guard slot < sessions.count, sessions[slot].socket == socket,
            sessions[slot].admission != nil
        else { return nil }
        return slot
    }

    private mutating func leaveAll(_ slot: Int) {
        for membership in sessions[slot].memberships {
            rooms.leave(sessions[slot].connection, membership)
        }
        sessions[slot].memberships = []
    }

    /// Leaves all rooms at once; the socket itself closes behind what is queued for it.
    private mutating func end(
        _ slot: Int, _ code: CloseCode, reason: StaticString,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard !sessions[slot].isEnding else { return }
        leaveAll(slot)
        sessions[slot].isEnding = true
        loop.close(sessions[slot].socket, code, reason: reason)
    }

    // MARK: Messages

    package mutating func received(
        _ text: Span<UInt8>, from socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let slot = slot(of: socket), !sessions[slot].isEnding else { return }
        do throws(MessageFault) {
            switch try reader.read(text) {
            case .sendPayload(let payload): try deliver(payload, text, from: slot, &loop)
            case .joinRoom(let join): try enter(join, text, slot, &loop)
            }
        } catch {
            switch error {
            case .notAnObject:
                end(slot, .invalidPayload, reason: "a message is one JSON object", &loop)
            case .refused:
                // Classic clients know no error event: nothing is sent, and the connection stays.
                sessions[slot].refusedMessages &+= 1
            }
        }
    }

    private mutating func deliver(
        _ payload: SendPayload, _ text: Span<UInt8>, from slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(MessageFault) {
        for membership in sessions[slot].memberships {
            let found = rooms.address(of: payload.target, sharing: membership)
            guard let found else { continue }
            composer.delivered(payload, of: text, from: sessions[slot].connection)
            loop.send(
                to: SocketID(raw: found), head: composer.head.span,
                body: text.extracting(payload.members), tail: composer.tail.span)
            return
        }
        throw .refused(.unknownTarget)
    }

    private mutating func enter(
        _ join: JoinRoom, _ text: Span<UInt8>, _ slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(MessageFault) {
        let session = sessions[slot]
        guard let admission = session.admission, admission.grants(room: join.room) else {
            throw .refused(.roomForbidden)
        }
        let member = RoomMember(
            connection: session.connection, address: session.socket.raw,
            peerID: join.peerID ?? PeerID(session.connection))
        let key = RoomKey(clientID: admission.clientID, room: join.room)
        switch rooms.join(member, key, roomsJoined: session.memberships.count) {
        case .alreadyMember: return
        case .refused(let error): throw .refused(error)
        case .joined(let membership, let others):
            sessions[slot].memberships.append(membership)
            announce(member, join, text, session, to: others, &loop)
        }
    }

    private mutating func announce(
        _ member: RoomMember, _ join: JoinRoom, _ text: Span<UInt8>, _ session: Session,
        to others: [RoomMember], _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard !others.isEmpty else {
            composer.firstToJoin(room: join.room)
            loop.send(
                to: session.socket, head: composer.head.span, body: text.extracting(0..<0),
                tail: composer.tail.span)
            return
        }
        composer.someoneJoined(
            session.connection, peerID: member.peerID, name: session.admission?.name ?? join.name,
            sdp: join.sdp, of: text)
        for other in others {
            let socket = SocketID(raw: other.address)
            loop.send(
                to: socket, head: composer.head.span, body: other.peerID.quoted.span,
                tail: composer.tail.span)
            // Both stay, but a connection that its own peer has left behind must not linger.
            if other.peerID == member.peerID {
                loop.probe(socket, secondsMax: Self.probeSecondsMax)
            }
        }
    }

    // MARK: Notes

    package mutating func told(
        _ note: RelayNote, _ loop: inout some SocketOutput & ~Copyable
    ) {
        switch note {
        case .rightsChanged:
            var isEnabled: [String: Bool] = [:]
            for slot in sessions.indices {
                guard let admission = sessions[slot].admission else { continue }
                let id = admission.clientID
                let isClientEnabled = isEnabled[id] ?? isClientEnabled(id)
                isEnabled[id] = isClientEnabled
                if !isClientEnabled || ports.isRevoked(admission.token) {
                    endRevoked(slot, &loop)
                }
            }
        }
    }

    private func mayStay(_ admission: SocketAdmission) -> Bool {
        isClientEnabled(admission.clientID) && !ports.isRevoked(admission.token)
    }

    private func isClientEnabled(_ id: String) -> Bool { ports.client(id)?.isEnabled == true }

    private mutating func endRevoked(_ slot: Int, _ loop: inout some SocketOutput & ~Copyable) {
        end(slot, .revoked, reason: "the token or its client was revoked", &loop)
    }

    /// Classic connections have no clock of their own: their age is the loop's business.
    package mutating func ticked(_ loop: inout some SocketOutput & ~Copyable) {}
}
