internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import WebSocket

// What happens in rooms, whatever dialect whoever does it speaks: it is decided, and told.
extension RelayHandler {
    /// Passes a payload on to a fellow member.
    @inline(__always)
    mutating func pass(
        _ message: SendPayload, _ text: Span<UInt8>, from sender: ConnectionID,
        to address: RoomMember.Address, _ loop: inout some SocketOutput & ~Copyable
    ) -> Delivery {
        let event = composer.delivered(message.payload, of: text, from: sender)
        let delivery = deliver(event, of: text, to: message.target, at: address, &loop)
        composer.reuse(event)
        return delivery
    }

    /// Makes a connection that is in so many rooms a member of one that its token grants, and tells
    /// whom it concerns. `join` is what it said, in the message `text`.
    ///
    /// - Returns: The membership, and whether something is on its way to sockets of other loops;
    ///   nil when it is a member already.
    /// - Throws: `SignalError`, why it may not join.
    mutating func enter(
        _ key: RoomKey, _ member: RoomMember, _ join: JoinRoom, _ text: Span<UInt8>,
        roomsJoined: Int, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> (membership: Membership, isPosted: Bool)? {
        guard commons.mayJoin(key, member.connection, roomsJoined: roomsJoined) else {
            throw .tooManyRooms
        }
        let (room, peerID) = (join.room, member.peerID)
        let rooms = commons.rooms
        let entered = try rooms.join(member, key) { joined in
            if let older = joined.replaced {
                self.replace(older, in: room, joined.others, &loop)
            }
            if joined.others.contains(where: \.isV1) {
                let event = self.composer.event(.joined(member), of: room, sdp: join.sdp, in: text)
                self.announce(event, to: joined.others, speaking: .v1, joiner: peerID, &loop)
                self.composer.reuse(event)
            }
            if member.isV1 { self.tellJoiner(joined, room, &loop) }
        }
        guard let entered else { return nil }
        var isPosted = false
        let others = entered.joined.others
        if others.contains(where: { !$0.isV1 }) {
            let event = composer.event(.joined(member), of: room, sdp: join.sdp, in: text)
            isPosted = announce(event, to: others, speaking: .classic, joiner: peerID, &loop)
            composer.reuse(event)
        }
        if !member.isV1 { tellJoiner(entered.joined, room, &loop) }
        return (entered.membership, isPosted)
    }

    private mutating func tellJoiner(
        _ joined: Room.Joined, _ room: RoomName, _ loop: inout some SocketOutput & ~Copyable
    ) {
        for news in joined.newsForJoiner {
            let event = composer.event(news, of: room)
            deliver(event, to: joined.own, &loop)
            composer.reuse(event)
        }
    }

    /// An older connection of the same peer was taken out of a room; it is to end.
    private mutating func replace(
        _ older: RoomMember, in room: RoomName, _ others: [RoomMember],
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        if let session = commons.sessions.session(older.connection) {
            wake(session.handle(.replace, commons).nudge, &loop)
        }
        announceLeft(older, .replaced, room, others, &loop)
    }

    /// A session leaves a room; nothing happens if it is in it no more.
    mutating func leave(
        _ connection: ConnectionID, _ room: Conversation.JoinedRoom, _ reason: LeaveReason,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        if let place = room.place, let line = commons.line {
            ask(toLeave: place, connection, room.membership, reason, line)
        } else {
            leave(connection, room.membership, reason, &loop)
        }
    }

    mutating func leave(
        _ connection: ConnectionID, _ membership: Membership, _ reason: LeaveReason,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let rooms = commons.rooms
        rooms.leave(connection, membership) { key, left in
            guard left.remaining.contains(where: \.isV1) else { return }
            self.announceLeft(left.member, reason, key.room, left.remaining, &loop)
        }
    }

    private mutating func announceLeft(
        _ member: RoomMember, _ reason: LeaveReason, _ room: RoomName, _ others: [RoomMember],
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        let event = composer.event(.left(member, reason), of: room)
        announce(event, to: others, speaking: .v1, &loop)
        composer.reuse(event)
    }
}
