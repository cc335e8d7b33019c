/// A set of rooms: who is in them, and what a join or a leave means for the others.
///
/// A value without locks or sockets: each call is one event, its result says what to tell whom. A
/// room exists while it has members. An index into the table stays good for as long as the
/// connection that was given it has not left.
package struct RoomTable: Sendable {
    /// What became of a join.
    package enum JoinOutcome: Equatable, Sendable {
        /// The connection is a member from now on. `others` were there before it: each is told of
        /// it, and when there are none, the joiner is told that it is the first.
        case joined(room: Int, others: [RoomMember])
        /// It is a member already; nothing changes and nothing is announced.
        case alreadyMember
        case refused(SignalError)
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

    package init(limits: RoomLimits) { self.limits = limits }

    /// Rooms with at least one member.
    package var count: Int { indexes.count }

    /// Makes the connection a member, or says why not.
    ///
    /// - Parameters:
    ///   - member: The joiner.
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
        guard let known else { return .joined(room: open(key, with: member), others: []) }
        let others = rooms[known].members
        if limits.membersPerRoomMax > 0, others.count >= limits.membersPerRoomMax {
            return .refused(.roomFull)
        }
        rooms[known].members.insert(member, at: rooms[known].position(of: member.connection))
        return .joined(room: known, others: others)
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

    /// Takes a member out; the last to leave takes the room along.
    package mutating func leave(_ connection: ConnectionID, room: Int) {
        guard let position = rooms[room].index(of: connection) else { return }
        rooms[room].members.remove(at: position)
        guard rooms[room].members.isEmpty else { return }
        indexes[rooms[room].key] = nil
        rooms[room] = Room(key: RoomKey(clientID: "", room: ""), members: [])
        free.append(room)
    }

    /// Where to send for a member of this room; nil when the connection is none.
    package func address(of connection: ConnectionID, in room: Int) -> UInt64? {
        guard let position = rooms[room].index(of: connection) else { return nil }
        return rooms[room].members[position].address
    }

    /// The members of a room, ordered by connection; none for a room that does not exist.
    package func members(of key: RoomKey) -> [RoomMember] {
        guard let index = indexes[key] else { return [] }
        return rooms[index].members
    }
}
