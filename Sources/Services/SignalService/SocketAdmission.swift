package import Bytes
internal import Locking
package import Signalling
internal import Synchronization
package import Tokens
internal import WebSocket

/// What was decided about one connection before its handshake was answered.
///
/// It counts against the limits from the decision on until it is released: by the handler when the
/// socket closes, or by its own end when the socket never came to be. Where a session stays behind,
/// that one has the place from then on.
package final class SocketAdmission: SocketOwner, Sendable {
    package let dialect: Dialect
    /// What the token of the handshake gives. A classic connection stays open past its end.
    package let grant: TokenGrant

    private let address: AddressKey
    private let ledger: ConnectionLedger
    private let isReleased = Atomic(false)
    private let passage = Lock<Passage?>(nil)

    /// Counts against the limits, or tells which it met.
    init(
        _ claims: TokenClaims, dialect: Dialect, address: AddressKey, ledger: ConnectionLedger
    ) throws(AdmissionRefusal) {
        self.dialect = dialect
        grant = TokenGrant(claims)
        self.address = address
        self.ledger = ledger
        let hit = ledger.enter(place)
        guard let hit else { return }
        isReleased.store(true, ordering: .relaxed)
        throw .limit(hit)
    }

    deinit { release() }

    package var token: RevocableToken { grant.token }
    package var client: ByteText { ByteText(token.clientID) }
    package var subject: ByteText { ByteText(token.subject) }

    /// Not kept, since there is one for each connection.
    var place: ConnectionPlace { ConnectionPlace(of: grant, at: address) }

    package var clientID: String { token.clientID }
    package var rooms: [RoomPattern] { grant.rooms }

    /// Gives the connection's place back; only the first call does anything.
    package func release() {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        ledger.exit(place)
    }

    /// Leaves the place to the connection's session, whose client is away from now on.
    func park(_ session: ConnectionID) {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        ledger.park(place, session)
    }

    /// What a connection takes along to another loop; nil for one that is new.
    func takePassage() -> Passage? {
        passage.withLock { passage in
            defer { passage = nil }
            return passage
        }
    }

    func give(_ passage: Passage) { self.passage.withLock { $0 = passage } }
}

extension ConnectionPlace {
    init(of grant: TokenGrant, at address: AddressKey) {
        self.init(
            address: address, client: ByteText(grant.token.clientID),
            subject: grant.namedSubject.map { ByteText($0) })
    }
}

/// The counts of all connections, shared by the HTTP threads and the loops.
final class ConnectionLedger: Sendable {
    private let counts: Lock<ConnectionCounts>

    init(_ counts: consuming ConnectionCounts) { self.counts = Lock(counts) }

    var total: Int { counts.withLock { $0.total } }

    func knock(_ address: AddressKey, at now: Int64) -> LimitHit? {
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
    var awaySessions: [(session: ConnectionID, place: ConnectionPlace)] {
        counts.withLock { $0.awaySessions }
    }

    /// A session is there again from before a restart; its client is away.
    func putBack(_ place: ConnectionPlace, _ session: ConnectionID) {
        counts.withLock { $0.putBack(place, session) }
    }

    /// A session whose client was away has ended, or its client is back.
    func unpark(_ session: ConnectionID) { counts.withLock { $0.unpark(session) } }

    /// A connection that had entered goes on, and resumes nothing.
    ///
    /// - Returns: Sessions that have to end for it.
    func settle(_ place: ConnectionPlace) -> [ConnectionID] {
        counts.withLock { $0.settle(place) }
    }

    /// How many sessions had to end for others.
    var awayEnded: Int { counts.withLock { $0.awayEnded } }
}
