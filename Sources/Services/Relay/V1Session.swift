internal import Access
internal import Admission
internal import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import WebSocket

/// One v1 session: it survives its sockets, and all that others know of it is its connection id.
///
/// Locks are taken in this order: its own `conversation`, a room's table, any session's `stream`;
/// last, each by itself, the directory's, that of `KeptBytes` and the ledger's. No thread holds two
/// conversations, two tables or two streams at once. Where the client is changes with the
/// conversation locked, except that a session can be doomed at any time.
final class V1Session: Sendable {
    let connection: ConnectionID
    let clientID: ClientID
    /// Every later token must have the same.
    let subject: Subject
    /// What the client says: held while one of its messages is handled.
    let conversation: Lock<Conversation>
    /// Where the client is and what it is told: held for a moment by whoever tells it something.
    let stream: Lock<EventStream>

    init(
        connection: ConnectionID, _ conversation: consuming Conversation,
        _ stream: consuming EventStream
    ) {
        self.connection = connection
        clientID = conversation.grant.token.clientID
        subject = conversation.grant.token.subject
        self.conversation = Lock(conversation)
        self.stream = Lock(stream)
    }

    /// Takes an event for the client (`EventStream.take`); `RelayHandler.deliver` alone calls it.
    @discardableResult
    func take(
        _ head: Span<UInt8>, _ body: Span<UInt8>, _ commons: RelayCommons,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        let (isTaken, losers) = stream.withLock { $0.take(head, body, commons, &loop) }
        commons.yield(losers)
        return isTaken
    }

    /// Has the session change; who calls it with its conversation locked does what follows.
    func handle(_ input: Session.Input, _ commons: RelayCommons) -> Session.Effects {
        let (effects, losers) = stream.withLock { $0.handle(input, commons) }
        commons.yield(losers)
        return effects
    }

    /// Where its events go at this moment; nil while its client is away.
    var socket: SocketID? { stream.withLock { $0.session.socket.map { SocketID(raw: $0) } } }

    /// Whether its client may be expected to come back.
    var isAway: Bool { stream.withLock { $0.session.isAway } }

    /// Whether what comes on this socket counts. Once another connection has taken its place it
    /// does not, or a join of its own would take the place back.
    func hears(_ socket: SocketID) -> Bool {
        stream.withLock { $0.session.hears(socket.raw) }
    }

    /// Whether the token of another connection is of the same client and subject.
    func isSamePeer(as token: RevocableToken) -> Bool {
        token.clientID == clientID && token.subject == subject
    }

    /// Whether a client at another node may have it.
    func matches(_ claim: SessionClaim, _ conversation: borrowing Conversation) -> Bool {
        claim.secret == conversation.secret && claim.clientID == clientID
            && claim.subject == subject
    }
}

/// The client's side of a session.
struct Conversation: Sendable {
    struct JoinedRoom: Sendable {
        let key: RoomKey
        let membership: Membership
        /// In a cluster.
        let place: RoomPlace?

        init(key: RoomKey, membership: Membership, place: RoomPlace? = nil) {
            self.key = key
            self.membership = membership
            self.place = place
        }
    }

    /// Good for the next resume.
    var secret: SecretDigest
    var rooms: [JoinedRoom] = []
    var outstanding = Outstanding()
    private(set) var grant: TokenGrant
    /// When the client is told that its token ends, in seconds since the epoch; nil once it was.
    private(set) var noticeAt: Int64?
    /// Verifying a token takes time that the loop's other connections wait for.
    var refreshes: TokenBucket

    static let refreshRate = TokenBucket.Rate(limitedTo: 1, burst: 16)

    /// `now` is in seconds since the epoch, `milliseconds` on the monotonic clock.
    init(
        _ grant: TokenGrant, _ secret: SecretDigest, noticeSeconds: Int, now: Int64,
        milliseconds: Int64
    ) {
        self.grant = grant
        self.secret = secret
        refreshes = TokenBucket(Self.refreshRate, at: milliseconds)
        accept(grant, noticeSeconds: noticeSeconds, now: now)
    }

    /// From now on this token counts. The client is told `noticeSeconds` before it ends, or halfway
    /// where that comes later (docs/protocol.md §3).
    mutating func accept(_ grant: TokenGrant, noticeSeconds: Int, now: Int64) {
        self.grant = grant
        let left = max(0, grant.expiresAt - now)
        noticeAt = grant.expiresAt - min(Int64(noticeSeconds), left / 2)
    }

    mutating func noteNoticed() { noticeAt = nil }

    func index(of key: RoomKey) -> Int? { rooms.firstIndex { $0.key == key } }
}
