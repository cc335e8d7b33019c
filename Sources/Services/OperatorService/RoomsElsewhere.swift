import Bytes
import Locking
import Relay

/// The rooms of all nodes, some of the others' alone, which all open pages look at: however many
/// pages there are, the nodes are asked once in two seconds, and what they say is put together
/// once. Nobody is asked while nobody looks.
final class RoomsElsewhere: Sendable {
    /// What a page shows.
    struct Seen {
        /// The first ones.
        var rooms: [RoomSummary]
        var total: Int
        var silent: [ByteText] = []
        var isCut = false

        private static let roomsMax = 200

        init(_ rooms: [RoomSummary]) {
            self.rooms = Array(rooms.prefix(Self.roomsMax))
            total = rooms.count
        }
    }

    /// Times are in seconds since the Unix epoch.
    private struct State {
        var listed = ListedRooms()
        var isAsked = false
        /// When it was asked last, and when that was answered.
        var askedAt = Int64.min / 2
        var heardAt = Int64.min / 2
        /// What was made last of what was heard, unless something was heard since.
        var seen: Seen?
        var seenAt = Int64.min / 2

        mutating func mayAsk(at now: Int64) -> Bool {
            // A clock that was set back keeps nobody waiting, nor an answer that never came.
            let age = abs(now - askedAt)
            let least = isAsked ? RoomsElsewhere.giveUpSeconds : RoomsElsewhere.everySeconds
            guard age >= least else { return false }
            (isAsked, askedAt) = (true, now)
            return true
        }
    }

    private static let everySeconds: Int64 = 2
    private static let giveUpSeconds: Int64 = 15
    /// What was heard before is not shown to a page that is opened.
    private static let keptSeconds: Int64 = 15

    private let state = Lock(State())

    /// What they said last, without waiting; `now` is in seconds since the Unix epoch.
    func look(by cluster: OperatedCluster, now: @escaping @Sendable () -> Int64) -> Seen {
        let second = now()
        let mustAsk = state.withLock { $0.mayAsk(at: second) }
        if mustAsk {
            cluster.glance { [self] listed in
                state.withLock { state in
                    state.listed = listed
                    state.isAsked = false
                    state.heardAt = now()
                    state.seen = nil
                }
            }
        }
        let (seen, listed) = state.withLock { state -> (Seen?, ListedRooms) in
            let isSeen = abs(second - state.seenAt) < Self.everySeconds
            let isHeard = abs(second - state.heardAt) <= Self.keptSeconds
            return (isSeen ? state.seen : nil, isHeard ? state.listed : ListedRooms())
        }
        if let seen { return seen }
        let listing = cluster.merged(listed)
        var made = Seen(listing.rooms)
        (made.silent, made.isCut) = (listing.silent, listing.isCut)
        state.withLock { ($0.seen, $0.seenAt) = (made, second) }
        return made
    }
}
