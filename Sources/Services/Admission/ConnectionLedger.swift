internal import Access
internal import Locking
package import Signalling
internal import Synchronization

/// The counts of all connections, shared by the HTTP threads and the loops.
package final class ConnectionLedger: Sendable {
    private let counts: Lock<ConnectionCounts>
    /// How often clients or revocations have changed.
    private let changes = Atomic(0)

    init(_ counts: consuming ConnectionCounts) { self.counts = Lock(counts) }

    var rightsVersion: Int { changes.load(ordering: .acquiring) }

    func noteRightsChanged() { changes.add(1, ordering: .releasing) }

    /// How many connections are admitted now.
    package var total: Int { counts.withLock { $0.total } }

    func knock(_ address: AddressGroup, at now: Int64) -> LimitHit? {
        counts.withLock { $0.knock(address, at: now) }
    }

    func enter(_ place: ConnectionPlace) -> LimitHit? { counts.withLock { $0.enter(place) } }

    func limitHit(by place: ConnectionPlace) -> LimitHit? {
        counts.withLock { $0.limitHit(by: place) }
    }

    func exit(_ place: ConnectionPlace) { counts.withLock { $0.exit(place) } }

    /// The place of a connection is its session's, whose client is away.
    func park(_ place: ConnectionPlace, _ session: ConnectionID) {
        counts.withLock { $0.park(place, session) }
    }

    /// Sessions whose clients are away, in the order of going, and their places.
    package var awaySessions: [(session: ConnectionID, place: ConnectionPlace)] {
        counts.withLock { $0.awaySessions }
    }

    /// The place of a session whose client is away; nil where it has none, or has to end.
    package func place(ofAway session: ConnectionID) -> ConnectionPlace? {
        counts.withLock { $0.place(ofAway: session) }
    }

    /// A session is there again from before a restart, or from elsewhere; its client is away.
    package func putBack(_ place: ConnectionPlace, _ session: ConnectionID) {
        counts.withLock { $0.putBack(place, session) }
    }

    /// A session whose client was away has ended, or its client is back.
    package func unpark(_ session: ConnectionID) { counts.withLock { $0.unpark(session) } }

    /// A connection that had entered goes on, and resumes nothing.
    ///
    /// - Returns: Sessions that have to end for it.
    package func settle(_ place: ConnectionPlace) -> [ConnectionID] {
        counts.withLock { $0.settle(place) }
    }

    /// How many sessions had to end for others.
    package var awayEnded: Int { counts.withLock { $0.awayEnded } }
}
