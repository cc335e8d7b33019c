internal import Rooms
internal import Signalling

/// Where the rooms of a relay are, and who decides on joins and leaves, in one order for each room.
/// What these mean is `Room`'s to say, whoever is the host.
///
/// In one process that is `SharedRooms`, in its memory; why the order holds stands there. Wherever
/// something is to be told with the room locked, a closure does it: whatever else that locks must
/// be a stream.
protocol RoomHost: AnyObject, Sendable {
    /// Rooms with members.
    var count: Int { get }

    /// All rooms with their members, not all at one moment.
    var contents: [(key: RoomKey, members: [RoomMember])] { get }

    /// Into how many parts they are spread; those of one part are looked at at one moment.
    var shardCount: Int { get }

    func contents(ofShard shard: Int) -> [(key: RoomKey, members: [RoomMember])]

    /// Who is in a room now; nobody where it does not exist.
    func members(of key: RoomKey) -> [RoomMember]

    /// Makes a connection a member.
    ///
    /// - Parameters:
    ///   - member: As for `RoomTable.join`.
    ///   - key: Likewise.
    ///   - announce: Tells v1 members what came of it, with the room locked.
    /// - Returns: The membership and what happened; nil when it is a member already.
    /// - Throws: `SignalError`, why it may not join.
    func join(
        _ member: RoomMember, _ key: RoomKey, announce: (Room.Joined) -> Void
    ) throws(SignalError) -> (membership: Membership, joined: Room.Joined)?

    /// Takes a connection out; with `announce` as in `join`.
    func leave(
        _ connection: ConnectionID, _ membership: Membership,
        announce: (RoomKey, Room.Left) -> Void)

    /// Takes a member in again that was one before a restart.
    func putBack(_ member: RoomMember, _ key: RoomKey) -> Membership

    /// Somebody has come back for a member's place.
    func claim(_ connection: ConnectionID, _ membership: Membership)

    func member(_ connection: ConnectionID, _ membership: Membership) -> RoomMember?

    /// Where to send for a fellow member of a classic connection, which is a member for as long as
    /// it says; nil when the other is none.
    func address(
        of connection: ConnectionID, sharing membership: Membership
    ) -> RoomMember.Address?

    /// The same for a v1 connection, which others may have taken out.
    func address(
        of connection: ConnectionID, sharing membership: Membership, with own: ConnectionID
    ) -> RoomMember.Address?

    /// Has the other members of a room told something, with `tell` as `announce` in `join`.
    ///
    /// - Returns: The other members; nil when the connection is none.
    func tell(
        _ membership: Membership, of connection: ConnectionID,
        _ tell: (_ own: RoomMember, _ others: [RoomMember]) -> Void
    ) -> [RoomMember]?

    // MARK: Of a cluster

    /// Has a room be as it is known from now on, and `announce` tell v1 members, as in `join`.
    ///
    /// - Returns: Where it is; nil where it is no more.
    func replace(_ key: RoomKey, with room: Room, announce: () -> Void) -> Membership?

    /// Tells all members of this process, with `tell` as `announce` in `join`.
    ///
    /// - Returns: All members.
    func tell(_ key: RoomKey, _ tell: (_ members: [RoomMember]) -> Void) -> [RoomMember]

    func membership(of connection: ConnectionID, in key: RoomKey) -> Membership?

    /// Where to send for a member; nil when the connection is none.
    func address(of connection: ConnectionID, in key: RoomKey) -> RoomMember.Address?

    /// As of `RoomTable`, like the next three.
    func noteLanded(_ connection: ConnectionID, _ key: RoomKey)
    func noteLeaving(_ connection: ConnectionID, _ membership: Membership)
    func forget(_ connection: ConnectionID, _ key: RoomKey)
    func removeAll()
}

/// Where a connection is a member, as its host has numbered it; good until it leaves.
struct Membership: Equatable, Sendable {
    let shard: UInt32
    let room: UInt32
}
