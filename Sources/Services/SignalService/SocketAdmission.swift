package import Signalling
internal import Synchronization
package import Tokens

/// What was decided about one connection before its handshake was answered.
///
/// It counts against the limits from the decision on until it is released: by the handler when the
/// socket closes, or by its own end when the socket never came to be.
package final class SocketAdmission: Sendable {
    package let dialect: Dialect
    /// What a later revocation may name.
    package let token: RevocableToken
    /// Seconds since the epoch. A classic connection stays open past it.
    package let expiresAt: Int64
    /// What may be joined.
    package let rooms: [RoomPattern]
    /// What people see, whatever the connection says; nil leaves it to the connection.
    package let name: String?

    private let place: ConnectionPlace
    private let ledger: ConnectionLedger
    private let isReleased = Atomic(false)

    /// `place` is what `ledger` has counted just now.
    init(
        _ claims: TokenClaims, dialect: Dialect, place: ConnectionPlace, ledger: ConnectionLedger
    ) {
        self.dialect = dialect
        token = RevocableToken(claims)
        expiresAt = claims.expiresAt
        rooms = claims.rooms
        name = claims.name
        self.place = place
        self.ledger = ledger
    }

    deinit { release() }

    package var clientID: String { token.clientID }

    /// Whether the token grants this room.
    package func grants(room: String) -> Bool { rooms.contains { $0.covers(room: room) } }

    /// Gives the connection's place back; only the first call does anything.
    package func release() {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        ledger.exit(place)
    }
}

/// The counts of all connections, shared by the HTTP threads and the loops.
final class ConnectionLedger: Sendable {
    private let counts: Mutex<ConnectionCounts>

    init(_ counts: consuming ConnectionCounts) { self.counts = Mutex(counts) }

    var total: Int { counts.withLock { $0.total } }

    func knock(_ address: AddressKey, at now: Int64) -> LimitHit? {
        counts.withLock { $0.knock(address, at: now) }
    }

    func enter(_ place: ConnectionPlace) -> LimitHit? { counts.withLock { $0.enter(place) } }

    func exit(_ place: ConnectionPlace) { counts.withLock { $0.exit(place) } }
}
