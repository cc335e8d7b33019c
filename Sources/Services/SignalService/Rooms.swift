internal import Signalling
internal import Synchronization

/// All rooms, spread over tables that are locked one at a time.
///
/// The handler of any loop may touch any room: it locks the room's table, lets the table decide,
/// and performs what was decided after unlocking, in the same call. Why nobody then sees a wrong
/// order:
///
/// 1. *Who is a member is decided under the lock alone*, in one order for each room. Of two
///    members, one joined second; that join saw the other among its `others`, and no other event
///    ever announces that pair. So each pair gets exactly one `someone_joined`, to the older. A
///    join that saw nobody gets `first_to_join`; of several at once, only the first in that order
///    saw nobody.
/// 2. *A connection's events all start on its own loop*: its messages and its end are handled
///    there, one after the other. So its join, its payloads and its leaving can't overtake one
///    another, and after its `closed` it is in no room: no ghost, since nothing later can join it
///    again.
/// 3. *What one loop sends to one socket arrives in the order of sending*, and all that tells of a
///    connection is sent by that connection's loop. So a receiver learns that someone joined before
///    that one's first payload. `first_to_join` is sent by the joiner's own loop to a socket of
///    that same loop, before it reads its mailbox, so it comes before any `someone_joined`, which
///    others can decide on only after the join.
/// 4. *A decision that is out of date when performed does no harm*: what is sent to a connection
///    that has closed meanwhile is dropped, for its `SocketID` is never used again, and its random
///    connection id neither. A connection enters a room once in its life (classic knows no leaving
///    but closing), so no old `someone_joined` can be taken for a newer one's; who joins again
///    after a close does so as another connection, and as another pair.
final class Rooms: Sendable {
    private final class Shard: Sendable {
        let table: Mutex<RoomTable>
        init(limits: RoomLimits) { table = Mutex(RoomTable(limits: limits)) }
    }

    /// Where a connection is a member; good until it leaves.
    struct Membership: Equatable, Sendable {
        fileprivate let shard: UInt32
        fileprivate let room: UInt32
    }

    enum JoinOutcome: Equatable, Sendable {
        case joined(Membership, others: [RoomMember])
        case alreadyMember
        case refused(SignalError)
    }

    private static let shardCount = 64
    private let shards: [Shard]

    init(limits: RoomLimits) {
        shards = (0..<Self.shardCount).map { _ in Shard(limits: limits) }
    }

    /// Rooms with members.
    var count: Int { shards.reduce(0) { sum, shard in sum + shard.table.withLock { $0.count } } }

    func join(_ member: RoomMember, _ key: RoomKey, roomsJoined: Int) -> JoinOutcome {
        let index = Int(UInt(bitPattern: key.hashValue) % UInt(Self.shardCount))
        let outcome = shards[index].table.withLock {
            $0.join(member, key, roomsJoined: roomsJoined)
        }
        switch outcome {
        case .joined(let room, let others):
            return .joined(Membership(shard: UInt32(index), room: UInt32(room)), others: others)
        case .alreadyMember: return .alreadyMember
        case .refused(let error): return .refused(error)
        }
    }

    func leave(_ connection: ConnectionID, _ membership: Membership) {
        shards[Int(membership.shard)].table.withLock {
            $0.leave(connection, room: Int(membership.room))
        }
    }

    /// Where to send for a fellow member; nil when the connection is none.
    func address(of connection: ConnectionID, sharing membership: Membership) -> UInt64? {
        shards[Int(membership.shard)].table.withLock {
            $0.address(of: connection, in: Int(membership.room))
        }
    }
}
