package import Signalling

/// Where rooms are kept, to be found by their keys and, fast, by their indexes.
///
/// A value without locks or sockets. A room exists while it has members. An index into the table
/// stays good for as long as the connection that was given it is a member; a v1 connection may be
/// taken out by others, so for one of these `company` and the `address` shared with it check that
/// it still is.
package struct RoomTable: Sendable {
    private struct Place: Sendable {
        /// Nil where the place is free.
        var key: RoomKey?
        var room = Room()
    }

    private let membersMax: Int
    private var indexes: [RoomKey: Int] = [:]
    private var places: [Place] = []
    private var free: [Int] = []
    /// The greatest of rooms that are no more: new ones go on from it, so that no member of a room
    /// can be mistaken for one of an earlier room of that name.
    private var lastOrder: UInt64 = 0

    /// - Parameter membersMax: How many members a room may have; 0 means no limit
    ///   (docs/protocol.md §5).
    package init(membersMax: Int) { self.membersMax = membersMax }

    /// Rooms with at least one member.
    package var count: Int { indexes.count }

    // MARK: Events

    /// As `Room.join`.
    ///
    /// - Parameters:
    ///   - member: The joiner.
    ///   - key: The room, which the joiner's token must have been found to grant.
    /// - Returns: The room's index and what happened; nil if it is a member already.
    /// - Throws: As `Room.join`.
    package mutating func join(
        _ member: RoomMember, _ key: RoomKey
    ) throws(SignalError) -> (room: Int, joined: Room.Joined)? {
        // A room that is opened for a joiner takes it in: it has place for one.
        let index = indexes[key] ?? open(key)
        let joined = try places[index].room.join(member, membersMax: membersMax)
        return joined.map { (index, $0) }
    }

    /// Takes a member in again that was one before a restart: nobody is asked, nobody is told.
    ///
    /// - Returns: The room's index.
    package mutating func putBack(_ member: RoomMember, _ key: RoomKey) -> Int {
        let index = indexes[key] ?? open(key)
        places[index].room.putBack(member)
        return index
    }

    /// Somebody has come back for a member's place.
    package mutating func claim(_ connection: ConnectionID, room: Int) {
        places[room].room.claim(connection)
    }

    private mutating func open(_ key: RoomKey) -> Int {
        let place = Place(key: key, room: Room(after: lastOrder))
        let index = free.popLast() ?? places.count
        if index < places.count { places[index] = place } else { places.append(place) }
        indexes[key] = index
        return index
    }

    /// As `Room.leave`; the last to leave takes the room along.
    ///
    /// - Returns: What happened, and to which room; nil if the connection is no member.
    @discardableResult
    package mutating func leave(
        _ connection: ConnectionID, room: Int
    ) -> (key: RoomKey, left: Room.Left)? {
        guard let left = places[room].room.leave(connection), let key = places[room].key else {
            return nil
        }
        if left.remaining.isEmpty { close(room, key) }
        return (key, left)
    }

    private mutating func close(_ room: Int, _ key: RoomKey) {
        lastOrder = max(lastOrder, places[room].room.lastOrder)
        indexes[key] = nil
        places[room] = Place()
        free.append(room)
    }

    // MARK: Looking

    /// Where to send for a member of this room; nil when the connection is none.
    package func address(of connection: ConnectionID, in room: Int) -> RoomMember.Address? {
        guard let position = places[room].room.index(of: connection) else { return nil }
        return places[room].room.members[position].address
    }

    /// Where to send for a fellow member of `own`; nil when either is none.
    package func address(
        of connection: ConnectionID, in room: Int, sharedWith own: ConnectionID
    ) -> RoomMember.Address? {
        guard places[room].room.index(of: own) != nil else { return nil }
        return address(of: connection, in: room)
    }

    /// As `Room.company`.
    package func company(
        of connection: ConnectionID, in room: Int
    ) -> (own: RoomMember, others: [RoomMember])? {
        places[room].room.company(of: connection)
    }

    package func member(_ connection: ConnectionID, room: Int) -> RoomMember? {
        places[room].room.member(connection)
    }

    /// The members of a room, ordered by connection; none for a room that does not exist.
    package func members(of key: RoomKey) -> [RoomMember] {
        guard let index = indexes[key] else { return [] }
        return places[index].room.members
    }

    /// All rooms with their members, in no order.
    package var contents: [(key: RoomKey, members: [RoomMember])] {
        indexes.map { (key: $0.key, members: places[$0.value].room.members) }
    }
}

// Rooms that are kept elsewhere: what this process knows of them is put here as a whole, and a room
// is here for as long as one of its members is.
extension RoomTable {
    /// Has a room be as it is known from now on. Members of this process keep that they are
    /// leaving, and those of others since when they are known.
    ///
    /// - Returns: The room's index, until it is replaced again or somebody is taken out of it; nil
    ///   where it is here no more.
    @discardableResult
    package mutating func replace(_ key: RoomKey, with room: Room) -> Int? {
        guard room.members.contains(where: { !$0.isElsewhere }) else {
            remove(key)
            return nil
        }
        let index = indexes[key] ?? open(key)
        let old = places[index].room
        places[index].room = room.mapped { member in
            guard let known = old.member(member.connection), known.order == member.order else {
                return member
            }
            var member = member
            if known.home == RoomMember.leavingHome { member.home = known.home }
            return member.isElsewhere ? member.joined(at: known.joinedAt) : member
        }
        return index
    }

    /// Takes a room out, whoever is in it.
    package mutating func remove(_ key: RoomKey) {
        if let index = indexes[key] { close(index, key) }
    }

    /// Takes a member of this process out, and the room with the last of them.
    package mutating func forget(_ connection: ConnectionID, _ key: RoomKey) {
        guard let index = indexes[key] else { return }
        places[index].room.leave(connection)
        if !places[index].room.members.contains(where: { !$0.isElsewhere }) { close(index, key) }
    }

    /// A member takes part no more; others see it until the room is replaced.
    package mutating func noteLeaving(_ connection: ConnectionID, room: Int) {
        places[room].room.noteLeaving(connection)
    }

    /// Nothing waits any more for a member that came from elsewhere.
    package mutating func noteLanded(_ connection: ConnectionID, _ key: RoomKey) {
        if let index = indexes[key] { places[index].room.noteLanded(connection) }
    }

    /// The index of a room in which a connection is.
    package func index(of key: RoomKey, with connection: ConnectionID) -> Int? {
        indexes[key].flatMap { places[$0].room.index(of: connection) == nil ? nil : $0 }
    }

    package mutating func removeAll() {
        for (key, index) in indexes { close(index, key) }
    }
}
