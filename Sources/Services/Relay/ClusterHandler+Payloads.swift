internal import Cluster
internal import Locking
internal import Rooms
internal import Signalling
internal import WebSocket

// Payloads that come from other nodes, and what became of those that went there.
extension ClusterHandler where Sockets: ~Copyable {
    /// - Returns: Whether it stands in the queue of one of its targets.
    mutating func deliver(_ payload: IncomingPayload) -> Bool {
        figures.received += 1
        sockets.speaker = payload.room.clientID
        guard payload.targets.count == 1 else {
            let event = Event(passingOn: Array(payload.event))
            return deliver(event, to: Set(payload.targets), in: key(of: payload.room))
        }
        let target = payload.targets.one
        guard let address = address(of: target, in: payload.room) else { return false }
        return relay.deliver(payload.part, of: payload.bytes, to: target, at: address, &sockets)
            != .refused
    }

    private mutating func address(
        of target: ConnectionID, in room: RoomPlace
    ) -> RoomMember.Address? {
        // Most that is said in a room comes in a row.
        if let lastSeat, lastSeat.place == room {
            return commons.rooms.address(of: target, sharing: lastSeat.membership)
        }
        if let membership = seats[room]?.membership {
            lastSeat = (room, membership)
            return commons.rooms.address(of: target, sharing: membership)
        }
        return commons.rooms.address(of: target, in: key(of: room))
    }

    /// To several at once: v1 members get it where they stand in the order of the room's events.
    private mutating func deliver(
        _ event: borrowing Event, to targets: Set<ConnectionID>, in key: RoomKey
    ) -> Bool {
        var isTaken = false
        let members = commons.rooms.tell(key) { members in
            for member in members where member.isV1 && targets.contains(member.connection) {
                isTaken =
                    self.relay.deliver(event, to: member, &self.sockets) != .refused || isTaken
            }
        }
        for member in members where !member.isV1 && targets.contains(member.connection) {
            isTaken = relay.deliver(event, to: member, &sockets) != .refused || isTaken
        }
        return isTaken
    }

    mutating func answered(_ ticket: UInt64, isKept: Bool) {
        guard let sender = tickets.removeValue(forKey: ticket) else { return }
        change(sender) { handler, session, conversation in
            let message = conversation.outstanding.payloads.removeValue(forKey: ticket)
            guard let message else { return }
            if isKept {
                handler.relay.acknowledge(message, session, &handler.sockets)
            } else {
                handler.relay.refuse(.unknownTarget, message, session, &handler.sockets)
            }
        }
    }
}

extension RelayHandler {
    mutating func acknowledge(
        _ message: AskedMessage, _ session: V1Session,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let ack = message.ack else { return }
        tell(composer.ack(ack, of: message.bytes.span), to: session, &loop)
    }

    mutating func refuse(
        _ error: SignalError, _ message: AskedMessage, _ session: V1Session,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        figures.noteRefused(error)
        let event = composer.error(
            error, action: message.action, ack: message.ack, of: message.bytes.span)
        tell(event, to: session, &loop)
    }
}
