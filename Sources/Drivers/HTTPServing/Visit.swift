import Glibc
import HTTPMessages
import Synchronization

/// One TCP connection, from when it is accepted until before its socket is closed.
///
/// `@unchecked Sendable`: what is neither constant nor atomic belongs to the ledger's lock, two
/// members, or is touched by the worker's own thread alone.
final class Visit: @unchecked Sendable {
    let descriptor: Int32
    /// What the ledger counts it by.
    let group: IPAddress
    /// Whether its address may hold any number.
    let isExempt: Bool

    /// Whether libmicrohttpd has it.
    let hasBegun = Atomic(false)
    /// Whether a request has come whole and its answer is not yet sent.
    let isAnswering = Atomic(false)
    /// When it was accepted, when its request began, or when its last answer was sent: seconds on a
    /// clock that never goes back.
    let since: Atomic<Int>

    /// Whether the ledger counts it, and where.
    var isListed = false
    var placeInHoldings = 0

    /// Whether a request has begun to arrive.
    private(set) var isReading = false
    /// Whether bytes came behind the request that is being answered.
    private var hasMore = false
    private var hasBeenAnswered = false
    /// An upgraded connection, or one with a stream, may say nothing for ever.
    var mayStay = false
    /// Whether the peer has said that nothing more will come from it.
    var hasEnded = false
    var isLookedAfter = false
    /// Whether it is in the worker's epoll set.
    var isWatched = false
    /// Whether it has left HTTP, and that set.
    var hasLeft = false
    /// Whether libmicrohttpd has let it go.
    var isOver = false
    /// Where its worker keeps it.
    var place = 0
    var lastLook = LastLook()

    /// What a worker found when it looked at a connection whose peer has ended.
    struct LastLook {
        var unreadBytes: Int32 = -1
        /// Looks since that number changed.
        var count = 0
        var firstAt: Int64 = 0
    }

    init(descriptor: Int32, group: IPAddress, isExempt: Bool, at now: Int) {
        self.descriptor = descriptor
        self.group = group
        self.isExempt = isExempt
        since = Atomic(now)
    }

    /// Bytes have come.
    func noteBytes(at now: Int) {
        if isAnswering.load(ordering: .relaxed) {
            hasMore = true
        } else if !isReading {
            isReading = true
            if hasBeenAnswered { since.store(now, ordering: .relaxed) }
        }
    }

    func noteWholeRequest() { isAnswering.store(true, ordering: .relaxed) }

    func noteAnswer(at now: Int) {
        since.store(now, ordering: .relaxed)
        isAnswering.store(false, ordering: .relaxed)
        hasBeenAnswered = true
        isReading = hasMore
        hasMore = false
    }

    /// Whether a request takes too long to arrive. Between two of them a connection may be silent,
    /// for as long as libmicrohttpd lets it.
    func isOverdue(at now: Int, requestSecondsMax: Int) -> Bool {
        guard !mayStay, !isAnswering.load(ordering: .relaxed), isReading || !hasBeenAnswered
        else { return false }
        return now - since.load(ordering: .relaxed) > requestSecondsMax
    }
}
