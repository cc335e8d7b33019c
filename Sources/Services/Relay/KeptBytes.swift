internal import Identifiers
internal import Locking
internal import Shares
internal import Signalling

/// Events that are kept of v1 sessions, by whose they are: bounded for each client and in all.
/// There is one for clients who are away, and one for those who are there.
///
/// Its lock is taken last, within that of the stream whose bytes are counted.
final class KeptBytes: Sendable {
    /// Whose bytes they are.
    struct Owner: Sendable {
        let connection: ConnectionID
        let client: ClientID
        let subject: Subject
    }

    private struct State: Sendable {
        var shares: ByteShares<ConnectionID>
        var losses: [ByteShares<ConnectionID>.Shortage: Int] = [:]
    }

    private let state: Lock<State>

    /// No client gets more than a quarter of `bytesMax`, which is for all; 0 means no limit.
    init(bytesMax: Int) {
        let (perClient, inAll) = Self.limits(bytesMax: bytesMax)
        state = Lock(State(shares: ByteShares(limits: .init(perClient: perClient, inAll: inAll))))
    }

    static func limits(bytesMax: Int) -> (perClient: Int, inAll: Int) {
        (bytesMax / 4 + (bytesMax % 4 == 0 ? 0 : 1), bytesMax)
    }

    /// - Returns: The sessions that have to let go of what is kept for them, perhaps the owner's.
    func set(_ bytes: Int, of owner: Owner) -> [ConnectionID] {
        state.withLock { state in
            let losers = state.shares.set(
                bytes, of: owner.connection, subject: owner.subject, client: owner.client)
            for loser in losers { state.losses[loser.shortage, default: 0] += 1 }
            return losers.map(\.holder)
        }
    }

    var total: Int { state.withLock { $0.shares.total } }

    /// How many sessions had to let go, by what was short.
    var losses: [ByteShares<ConnectionID>.Shortage: Int] { state.withLock { $0.losses } }
}
