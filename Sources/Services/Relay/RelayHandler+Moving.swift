internal import Access
internal import Admission
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import WebSocket

// A connection goes to the loop of the first room it joins, so that those who meet share one.
extension RelayHandler {
    /// Moves a connection to its room's loop; it is in no room yet, so nobody knows its socket.
    ///
    /// - Returns: Whether it was moved: then `text`, its message, is handled there.
    mutating func move(
        _ slot: Int, to key: RoomKey, redeliver text: Span<UInt8>,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        let connection = connections[slot]
        guard !connection.isSettled, let admission = connection.admission else { return false }
        connections[slot].isSettled = true
        if let session = connection.session, !session.lift(off: connection.socket, commons) {
            return false
        }
        admission.give(
            Passage(
                connection: connection.connection, openedAt: connection.openedAt,
                refusedMessages: connection.refusedMessages, session: connection.session,
                commons: commons))
        let isMoved = loop.move(
            connection.socket, toAffinity: key.affinity, admission, redeliver: text)
        guard !isMoved else {
            connections[slot] = .none
            return true
        }
        let session = connection.session
        let hasLanded =
            session == nil || session?.land(on: connection.socket, commons, &loop) != nil
        _ = admission.takePassage()
        // Else it was ended while it was nowhere, and nobody found a socket to close.
        if !hasLanded { endRevoked(slot, &loop) }
        return !hasLanded
    }

    /// A v1 connection has arrived from another loop. Meanwhile it may have lost its right to stay,
    /// and no note found it.
    mutating func land(
        _ slot: Int, _ session: V1Session, _ loop: inout some SocketOutput & ~Copyable
    ) {
        let token = session.land(on: connections[slot].socket, commons, &loop)
        let mayHaveLost = connections[slot].admission?.mayHaveLostRights != false
        if token.map({ !mayHaveLost || commons.allows($0) }) != true { endRevoked(slot, &loop) }
    }
}

extension V1Session {
    /// Takes the session off a socket that is about to move.
    ///
    /// - Returns: False if it is in a room, not attached to that socket or wanted by another
    ///   node: then it stays.
    fileprivate func lift(off socket: SocketID, _ commons: RelayCommons) -> Bool {
        conversation.withLock { conversation in
            conversation.rooms.isEmpty && conversation.outstanding.stage == .home
                && handle(.lift(socket.raw), commons).isDone
        }
    }

    /// Attaches a moving session to a socket of this loop, and sends what came meanwhile.
    ///
    /// - Returns: Its token; nil if it ended on the way.
    fileprivate func land(
        on socket: SocketID, _ commons: RelayCommons, _ loop: inout some SocketOutput & ~Copyable
    ) -> RevocableToken? {
        conversation.withLock { conversation in
            guard handle(.land(socket.raw), commons).isDone else { return nil }
            return stream.withLock { stream in
                stream.pump(&loop)
                return stream.session.isOpen ? conversation.grant.token : nil
            }
        }
    }

    /// Ends a session that did not arrive.
    func endUnlanded(_ commons: RelayCommons) {
        conversation.withLock { conversation in
            guard handle(.strand, commons).isDone else { return }
            commons.sessions.remove(self, secret: conversation.secret)
        }
    }
}

extension RoomKey {
    /// Chooses a loop, the same for all who join the room.
    var affinity: Int { Int(hash >> 1) }
}
