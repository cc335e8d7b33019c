internal import Locking
internal import Rooms
internal import Signalling

/// All rooms, spread over tables that are locked one at a time.
///
/// The handler of any loop may touch any room: it locks the room's table and lets the room decide.
/// What follows for v1 members is put into their streams before it unlocks, what follows for
/// classic ones is sent to their sockets after it, in the same call. Why nobody then sees a wrong
/// order:
///
/// 1. *Who is a member is decided under the lock alone*, in one order for each room. Of two
///    members, one joined second; that join saw the other among its `others`, and no other event
///    ever announces that pair. So each pair gets exactly one `someone_joined`, to the older. A
///    join that saw nobody gets `first_to_join`; of several at once, only the first in that order
///    saw nobody.
/// 2. *A v1 member sees its room in exactly that order*: `room_state` is the list as it was when
///    the join was decided, and every later `someone_joined`, `someone_left` and broadcast of the
///    room stands behind it in the stream, in the order of the decisions.
/// 3. *What a connection does is done one thing after the other*: a classic one's messages and end
///    are handled by its own loop; a v1 session's under the lock of its conversation, by the loop
///    of the socket that is attached at the moment, and by no other. So its join, its payloads and
///    its leaving can't overtake one another, and after it ended it is in no room: no ghost.
/// 4. *What one loop sends to one socket arrives in the order of sending*, and all that tells a
///    classic member of a connection is sent by that connection's loop. A v1 session that goes to
///    another loop has its mail posted before it lets go of its conversation (`postNow`). So a
///    receiver learns that someone joined before that one's first payload. A classic joiner's
///    `first_to_join` is sent by its own loop to a socket of that same loop, before it reads its
///    mailbox, so it comes before any `someone_joined`, which others can decide on only after the
///    join.
/// 5. *A decision that is out of date when performed does no harm*: what is sent to a connection
///    that has closed meanwhile is dropped, for its `SocketID` is never used again, and its random
///    connection id neither. A classic connection enters a room once in its life. A v1 one may
///    leave and join again: v1 members see both in order (2), and a classic member, who is never
///    told of a leaving, is told of the second join, after the first, by the same sender (3, 4).
final class SharedRooms: RoomHost {
    private final class Shard: Sendable {
        let table: Lock<RoomTable>
        init(membersMax: Int) { table = Lock(RoomTable(membersMax: membersMax)) }
    }

    private static let shardCount = 64
    private let shards: [Shard]

    /// - Parameter membersMax: As for `RoomTable`.
    init(membersMax: Int) {
        shards = (0..<Self.shardCount).map { _ in Shard(membersMax: membersMax) }
    }

    var count: Int { shards.reduce(0) { sum, shard in sum + shard.table.withLock { $0.count } } }

    var contents: [(key: RoomKey, members: [RoomMember])] {
        shards.indices.flatMap { contents(ofShard: $0) }
    }

    var shardCount: Int { Self.shardCount }

    func contents(ofShard shard: Int) -> [(key: RoomKey, members: [RoomMember])] {
        shards[shard].table.withLock { $0.contents }
    }

    func members(of key: RoomKey) -> [RoomMember] {
        shards[Self.shard(of: key)].table.withLock { $0.members(of: key) }
    }

    private static func shard(of key: RoomKey) -> Int {
        Int(key.hash % UInt64(shardCount))
    }

    private func place(of key: RoomKey) -> Shard { shards[Self.shard(of: key)] }

    func join(
        _ member: RoomMember, _ key: RoomKey, announce: (Room.Joined) -> Void
    ) throws(SignalError) -> (membership: Membership, joined: Room.Joined)? {
        let shard = Self.shard(of: key)
        let entered = try shards[shard].table.withLock {
            (table) throws(SignalError) -> (room: Int, joined: Room.Joined)? in
            let entered = try table.join(member, key)
            if let entered { announce(entered.joined) }
            return entered
        }
        return entered.map { room, joined in
            (Membership(shard: UInt32(shard), room: UInt32(room)), joined)
        }
    }

    func leave(
        _ connection: ConnectionID, _ membership: Membership,
        announce: (RoomKey, Room.Left) -> Void
    ) {
        shards[Int(membership.shard)].table.withLock { table in
            guard let (key, left) = table.leave(connection, room: Int(membership.room)) else {
                return
            }
            announce(key, left)
        }
    }

    func putBack(_ member: RoomMember, _ key: RoomKey) -> Membership {
        let shard = Self.shard(of: key)
        let room = shards[shard].table.withLock { $0.putBack(member, key) }
        return Membership(shard: UInt32(shard), room: UInt32(room))
    }

    func claim(_ connection: ConnectionID, _ membership: Membership) {
        shards[Int(membership.shard)].table.withLock {
            $0.claim(connection, room: Int(membership.room))
        }
    }

    func member(_ connection: ConnectionID, _ membership: Membership) -> RoomMember? {
        shards[Int(membership.shard)].table.withLock {
            $0.member(connection, room: Int(membership.room))
        }
    }

    func address(
        of connection: ConnectionID, sharing membership: Membership
    ) -> RoomMember.Address? {
        shards[Int(membership.shard)].table.withLock {
            $0.address(of: connection, in: Int(membership.room))
        }
    }

    func address(
        of connection: ConnectionID, sharing membership: Membership, with own: ConnectionID
    ) -> RoomMember.Address? {
        shards[Int(membership.shard)].table.withLock {
            $0.address(of: connection, in: Int(membership.room), sharedWith: own)
        }
    }

    func tell(
        _ membership: Membership, of connection: ConnectionID,
        _ tell: (_ own: RoomMember, _ others: [RoomMember]) -> Void
    ) -> [RoomMember]? {
        shards[Int(membership.shard)].table.withLock { table in
            let company = table.company(of: connection, in: Int(membership.room))
            guard let company else { return nil }
            tell(company.own, company.others)
            return company.others
        }
    }
}

// The rooms of a cluster are decided elsewhere, and here is what this process knows of them: the
// thread that hears of a new version puts it here and tells v1 members of it in one step, so that
// what else they are told of the room stands before or behind it.
extension SharedRooms {
    func replace(_ key: RoomKey, with room: Room, announce: () -> Void) -> Membership? {
        let room = place(of: key).table.withLock { table in
            let index = table.replace(key, with: room)
            announce()
            return index
        }
        return room.map { Membership(shard: UInt32(Self.shard(of: key)), room: UInt32($0)) }
    }

    func tell(_ key: RoomKey, _ tell: (_ members: [RoomMember]) -> Void) -> [RoomMember] {
        place(of: key).table.withLock { table in
            let members = table.members(of: key)
            tell(members)
            return members
        }
    }

    func membership(of connection: ConnectionID, in key: RoomKey) -> Membership? {
        let room = place(of: key).table.withLock { $0.index(of: key, with: connection) }
        return room.map { Membership(shard: UInt32(Self.shard(of: key)), room: UInt32($0)) }
    }

    func address(of connection: ConnectionID, in key: RoomKey) -> RoomMember.Address? {
        place(of: key).table.withLock { table in
            table.index(of: key, with: connection).flatMap {
                table.address(of: connection, in: $0)
            }
        }
    }

    func noteLeaving(_ connection: ConnectionID, _ membership: Membership) {
        shards[Int(membership.shard)].table.withLock {
            $0.noteLeaving(connection, room: Int(membership.room))
        }
    }

    func noteLanded(_ connection: ConnectionID, _ key: RoomKey) {
        place(of: key).table.withLock { $0.noteLanded(connection, key) }
    }

    func forget(_ connection: ConnectionID, _ key: RoomKey) {
        place(of: key).table.withLock { $0.forget(connection, key) }
    }

    func removeAll() { for shard in shards { shard.table.withLock { $0.removeAll() } } }
}
