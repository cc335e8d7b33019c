internal import Admission
internal import Rooms
internal import Signalling
internal import WebSocket

// The classic dialect (docs/protocol.md §2).
extension RelayHandler {
    mutating func pass(
        _ message: SendPayload, _ text: Span<UInt8>, from slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(MessageFault) {
        // By index: the array of memberships need not be kept alive meanwhile.
        var index = 0
        while index < connections[slot].memberships.count {
            let membership = connections[slot].memberships[index]
            index &+= 1
            let address = commons.rooms.address(of: message.target, sharing: membership)
            guard let address else { continue }
            let sender = connections[slot].connection
            if pass(message, text, from: sender, to: address, &loop) != .refused { return }
        }
        throw .refused(.unknownTarget)
    }

    mutating func enter(
        _ join: JoinRoom, _ text: Span<UInt8>, _ slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) throws(MessageFault) {
        let connection = connections[slot]
        guard let admission = connection.admission, admission.grant.covers(room: join.room) else {
            throw .refused(.roomForbidden)
        }
        let key = commons.key(clientID: admission.clientID, room: join.room)
        if move(slot, to: key, redeliver: text, &loop) { return }
        let member = RoomMember(
            connection: connection.connection, route: .classic(address: connection.socket.raw),
            peerID: join.peerID ?? PeerID(connection.connection),
            name: admission.grant.name ?? join.name,
            joinedAt: commons.monotonicSeconds)
        let count = connection.memberships.count
        do throws(SignalError) {
            let entered = try enter(key, member, join, text, roomsJoined: count, &loop)
            figures.note(.joinRoom)
            if let entered { connections[slot].memberships.append(entered.membership) }
        } catch {
            throw .refused(error)
        }
    }

    /// A classic connection leaves all its rooms at once, and has no time to come back in.
    mutating func leaveAll(
        _ slot: Int, _ fate: Fate, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let memberships = connections[slot].memberships
        guard !memberships.isEmpty else { return }
        connections[slot].memberships = []
        let reason = if case .ended(let reason) = fate { reason } else { LeaveReason.lost }
        for membership in memberships {
            leave(connections[slot].connection, membership, reason, &loop)
        }
    }
}
