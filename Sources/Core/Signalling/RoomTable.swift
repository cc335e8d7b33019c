/// A set of rooms: who is in them, and what a join or a leave means for the others.
///
/// A value without locks or sockets: each call is one event, its result says what to tell whom. A
/// room exists while it has members. An index into the table stays good for as long as the
/// connection that was given it is a member; a v1 connection may be taken out by others, so for one
/// of these `company` and the `address` shared with it check that it still is.
package struct RoomTable: Sendable {
    /// What became of a join.
    package enum JoinOutcome: Equatable, Sendable {
        /// The connection is a member from now on, as `own`. `others` were there before it, ordered
        /// by connection: each is told of it, and when there are none, the joiner is told that it
        /// is the first. `replaced` was taken out for it, and is none of them.
        case joined(
            own: RoomMember, room: Int, others: [RoomMember], replaced: RoomMember? = nil)
        /// It is a member already; nothing changes and nothing is announced.
        case alreadyMember
        case refused(SignalError)
    }

    /// Who left which room, and who is still there.
    package struct Departure: Equatable, Sendable {
        package let key: RoomKey
        package let member: RoomMember
        package let remaining: [RoomMember]

        package init(key: RoomKey, member: RoomMember, remaining: [RoomMember]) {
            self.key = key
            self.member = member
            self.remaining = remaining
        }
    }

    /// Where to send for a member.
    package enum Address: Equatable, Sendable {
        case classic(UInt64)
        /// Found by its connection.
        case v1
    }

    private struct Room: Sendable {
        var key: RoomKey
        /// Ordered by connection, so that looking one up needs few steps and no memory of its own.
        /// Empty in a place that is free.
        var members: [RoomMember]

        /// Where the connection is, or would have to be inserted.
        func position(of connection: ConnectionID) -> Int {
            var low = 0
            var high = members.count
            while low < high {
                let middle = (low &+ high) / 2
                if members[middle].connection < connection {
                    low = middle &+ 1
                } else {
                    high = middle
                }
            }
            return low
        }

        /// Where the connection is; nil when it is no member.
        func index(of connection: ConnectionID) -> Int? {
            let position = position(of: connection)
            guard position < members.count, members[position].connection == connection else {
                return nil
            }
            return position
        }
    }

    private let limits: RoomLimits
    private var indexes: [RoomKey: Int] = [:]
    private var rooms: [Room] = []
    private var free: [Int] = []
    private var lastOrder: UInt64 = 0

    package init(limits: RoomLimits) { self.limits = limits }

    /// Rooms with at least one member.
    package var count: Int { indexes.count }

    // MARK: Joining

    /// Makes the connection a member, or says why not.
    ///
    /// Where a v1 member bears the joiner's peer id and both name the same subject, the older is
    /// taken out in the same step; where they don't, the joiner is refused. With a classic one
    /// involved both stay (PROTOCOL §2).
    ///
    /// - Parameters:
    ///   - member: The joiner, whose `order` is given here.
    ///   - key: The room, which the joiner's token must have been found to grant.
    ///   - roomsJoined: How many rooms the connection is in already, here or elsewhere.
    /// - Returns: What to tell whom.
    package mutating func join(
        _ member: RoomMember, _ key: RoomKey, roomsJoined: Int
    ) -> JoinOutcome {
        let known = indexes[key]
        if let known, rooms[known].index(of: member.connection) != nil { return .alreadyMember }
        if limits.roomsPerConnectionMax > 0, roomsJoined >= limits.roomsPerConnectionMax {
            return .refused(.tooManyRooms)
        }
        guard let known else {
            let own = ordered(member)
            return .joined(own: own, room: open(key, with: own), others: [])
        }
        return enter(known, member)
    }

    private mutating func enter(_ room: Int, _ member: RoomMember) -> JoinOutcome {
        let samePeer = member.isV1 ? sameV1Peer(as: member, in: room) : nil
        if let samePeer, rooms[room].members[samePeer].verdict(on: member) == .newerIsRefused {
            return .refused(.peerIDTaken)
        }
        let staying = rooms[room].members.count - (samePeer == nil ? 0 : 1)
        if limits.membersPerRoomMax > 0, staying >= limits.membersPerRoomMax {
            return .refused(.roomFull)
        }
        let replaced = samePeer.map { rooms[room].members.remove(at: $0) }
        let others = rooms[room].members
        let position = rooms[room].position(of: member.connection)
        let own = ordered(member)
        rooms[room].members.insert(own, at: position)
        return .joined(own: own, room: room, others: others, replaced: replaced)
    }

    private mutating func ordered(_ member: RoomMember) -> RoomMember {
        lastOrder &+= 1
        var member = member
        member.order = lastOrder
        return member
    }

    /// Of v1 members, no two bear the same peer id.
    private func sameV1Peer(as member: RoomMember, in room: Int) -> Int? {
        rooms[room].members.firstIndex { $0.isV1 && $0.peerID == member.peerID }
    }

    private mutating func open(_ key: RoomKey, with member: RoomMember) -> Int {
        let room = Room(key: key, members: [member])
        let index: Int
        if let place = free.popLast() {
            index = place
            rooms[index] = room
        } else {
            index = rooms.count
            rooms.append(room)
        }
        indexes[key] = index
        return index
    }

    // MARK: Leaving

    /// Takes a member out; the last to leave takes the room along.
    ///
    /// - Returns: Whom to tell of whom; nil when the connection is no member.
    @discardableResult
    package mutating func leave(_ connection: ConnectionID, room: Int) -> Departure? {
        guard let position = rooms[room].index(of: connection) else { return nil }
        let member = rooms[room].members.remove(at: position)
        let departure = Departure(
            key: rooms[room].key, member: member, remaining: rooms[room].members)
        if rooms[room].members.isEmpty {
            indexes[rooms[room].key] = nil
            rooms[room] = Room(key: RoomKey(clientID: "", room: ""), members: [])
            free.append(room)
        }
        return departure
    }

    // MARK: Looking

    /// Where to send for a member of this room; nil when the connection is none.
    package func address(of connection: ConnectionID, in room: Int) -> Address? {
        guard let position = rooms[room].index(of: connection) else { return nil }
        switch rooms[room].members[position].route {
        case .classic(let address): return .classic(address)
        case .v1: return .v1
        }
    }

    /// Where to send for a fellow member of `own`; nil when either is none.
    package func address(
        of connection: ConnectionID, in room: Int, sharedWith own: ConnectionID
    ) -> Address? {
        guard rooms[room].index(of: own) != nil else { return nil }
        return address(of: connection, in: room)
    }

    /// A member and all others of its room, ordered by connection; nil when it is no member.
    package func company(
        of connection: ConnectionID, in room: Int
    ) -> (own: RoomMember, others: [RoomMember])? {
        guard let position = rooms[room].index(of: connection) else { return nil }
        var others = rooms[room].members
        let own = others.remove(at: position)
        return (own, others)
    }

    /// The members of a room, ordered by connection; none for a room that does not exist.
    package func members(of key: RoomKey) -> [RoomMember] {
        guard let index = indexes[key] else { return [] }
        return rooms[index].members
    }

    /// All rooms with their members, in no order.
    package var contents: [(key: RoomKey, members: [RoomMember])] {
        indexes.map { (key: $0.key, members: rooms[$0.value].members) }
    }
}
