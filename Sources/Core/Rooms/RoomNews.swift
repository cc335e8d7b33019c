package import Identifiers
package import Signalling

/// What a member is told of its room.
package enum RoomNews: Equatable, Sendable {
    /// `someone_joined`
    case joined(RoomMember)
    /// `someone_left`; in classic nobody is told.
    case left(RoomMember, LeaveReason)
    /// `first_to_join`: it joined itself, and nobody was there.
    case firstToJoin
    /// `room_state`: itself, and who else is there, ordered by connection. In v1 alone.
    case state(own: RoomMember, others: [RoomMember])

    /// What a member is told when its room goes from one version, which it was told of if it was
    /// there, to a later one, however many joins and leaves lie between.
    ///
    /// It is as if all who are gone had left first, in the order in which they had joined, and then
    /// those who are new had joined, in theirs. Who came and went in between is told to nobody; who
    /// left and came back, as its order shows, has done both. A connection that is in the later
    /// version no more is told nothing. `reason` says why a member of the earlier one left.
    package static func between(
        _ old: Room, _ new: Room, for connection: ConnectionID,
        reason: (RoomMember) -> LeaveReason
    ) -> [RoomNews] {
        guard let own = new.member(connection) else { return [] }
        let byAge = new.members.sorted { $0.order < $1.order }
        var news: [RoomNews] = []
        if !old.holds(own) {
            news = joining(own, new.members.filter { $0.order < own.order })
        } else if own.isV1 {
            let gone = old.members.filter { !new.holds($0) }.sorted { $0.order < $1.order }
            news = gone.map { .left($0, reason($0)) }
        }
        return news + byAge.filter { $0.order > own.order && !old.holds($0) }.map { .joined($0) }
    }

    /// What a joiner itself is told, of those who were there before it.
    fileprivate static func joining(_ own: RoomMember, _ others: [RoomMember]) -> [RoomNews] {
        guard own.isV1 else { return others.isEmpty ? [.firstToJoin] : [] }
        let state = RoomNews.state(own: own, others: others)
        return others.isEmpty ? [.firstToJoin, state] : [state]
    }
}

extension Room.Joined {
    /// What the joiner itself is told. Each of the others is told of it, and of who was replaced.
    package var newsForJoiner: [RoomNews] { RoomNews.joining(own, others) }
}

extension EventComposer {
    /// The event by which members of the room of this name are told. `sdp` is where the joiner's
    /// stands in its message: no version of a room keeps it.
    package mutating func event(
        _ news: RoomNews, of room: RoomName, sdp: Range<Int>? = nil,
        in message: Span<UInt8> = Span()
    ) -> Event {
        switch news {
        case .joined(let member):
            someoneJoined(
                member.connection, peerID: member.peerID, name: member.name, sdp: sdp, of: message)
        case .left(let member, let reason):
            someoneLeft(room: room, member.connection, member.peerID, reason)
        case .firstToJoin: firstToJoin(room: room)
        case .state(let own, let others):
            roomState(
                room: room,
                others.sorted { $0.order < $1.order }.map { other in
                    // Of each pair the one that joined later is polite.
                    PresentMember(
                        connection: other.connection, peerID: other.peerID, name: other.name,
                        isReceiverPolite: other.order < own.order)
                })
        }
    }
}
