import Locking
import Relay

/// Some of the rooms of other nodes, which all open pages look at: however many they are, the nodes
/// are asked once in two seconds, and not at all while nobody looks.
final class RoomsElsewhere: Sendable {
    private struct State {
        var listed = ListedRooms()
        var isAsked = false
        /// Seconds since the Unix epoch: when it was asked last, and when that was answered.
        var askedAt = Int64.min / 2
        var heardAt = Int64.min / 2

        mutating func mayAsk(at now: Int64) -> Bool {
            // A clock that was set back keeps nobody waiting, nor an answer that never came.
            let age = abs(now - askedAt)
            guard age >= (isAsked ? RoomsElsewhere.giveUpSeconds : 2) else { return false }
            (isAsked, askedAt) = (true, now)
            return true
        }
    }

    private static let giveUpSeconds: Int64 = 15
    /// What was heard before is not shown to a page that is opened.
    private static let keptSeconds: Int64 = 15

    private let state = Lock(State())

    /// What they said last, without waiting; `now` is in seconds since the Unix epoch.
    func look(by cluster: OperatedCluster, at now: Int64) -> ListedRooms {
        let mustAsk = state.withLock { $0.mayAsk(at: now) }
        if mustAsk {
            cluster.glance { [self] listed in
                state.withLock { state in
                    state.listed = listed
                    state.isAsked = false
                    state.heardAt = now
                }
            }
        }
        return state.withLock { state in
            abs(now - state.heardAt) <= Self.keptSeconds ? state.listed : ListedRooms()
        }
    }
}
