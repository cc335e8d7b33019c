internal import Access
internal import Admission
internal import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import Synchronization

/// What the handlers of all loops share.
final class RelayCommons: Sendable {
    let configuration: RelayConfiguration
    let ports: RelayPorts
    let rooms: any RoomHost
    private let roomHash: RoomHash
    let sessions = SessionDirectory()
    let figures = PublishedFigures()
    /// What is kept for clients that are away.
    let bytesAway: KeptBytes
    /// What is kept of sessions whose clients are there.
    let bytesHeld: KeptBytes
    let ledger: ConnectionLedger
    let isStopping = Atomic(false)
    /// To the other nodes of a cluster; nil for a process of its own.
    let line: BusLine?

    init(
        _ configuration: RelayConfiguration, _ ports: RelayPorts, _ ledger: ConnectionLedger
    ) {
        self.configuration = configuration
        self.ports = ports
        self.ledger = ledger
        line = ports.cluster
        bytesHeld = KeptBytes(bytesMax: configuration.heldBytesMax)
        bytesAway = KeptBytes(bytesMax: configuration.detachedBytesMax)
        roomHash = RoomHash(key: ports.random128())
        rooms = SharedRooms(membersMax: configuration.membersPerRoomMax)
    }

    /// Sessions from before a restart that no loop keeps yet.
    private let orphans = Lock<[V1Session]>([])

    func leave(orphans sessions: [V1Session]) { orphans.withLock { $0 += sessions } }

    /// For the loop that comes first, which keeps them from then on.
    func takeOrphans() -> [V1Session] {
        orphans.withLock { orphans in
            defer { orphans = [] }
            return orphans
        }
    }

    var monotonicSeconds: UInt32 {
        UInt32(truncatingIfNeeded: ports.monotonicMilliseconds() / 1000)
    }

    func key(clientID: ClientID, room: RoomName) -> RoomKey {
        RoomKey(clientID: clientID, room: room, roomHash)
    }

    /// How the nodes of a cluster name a room. `clientID` is the key's, as whoever asks has it: so
    /// there is no copy for each room.
    func place(of key: RoomKey, _ clientID: ClientID) -> RoomPlace {
        let room = key.room
        let digest = RoomDigest(of: clientID, room, sha256: ports.sha256)
        return RoomPlace(digest: digest, clientID: clientID, name: room)
    }

    func key(of place: RoomPlace) -> RoomKey { key(clientID: place.clientID, room: place.name) }

    /// Whether a connection that is in so many rooms may join this one, which it may be in already:
    /// to join again changes nothing.
    func mayJoin(_ key: RoomKey, _ connection: ConnectionID, roomsJoined: Int) -> Bool {
        let roomsMax = configuration.roomsPerConnectionMax
        return roomsMax == 0 || roomsJoined < roomsMax
            || rooms.members(of: key).contains { $0.connection == connection }
    }

    /// Has sessions give way to others: those whose clients are away are ended by the loops where
    /// they were last. No stream may be locked.
    func yield(_ losers: EventStream.Losers) {
        for loser in losers.away { _ = sessions.session(loser)?.handle(.letGo, self) }
        for loser in losers.held { _ = sessions.session(loser)?.handle(.forgetSent, self) }
    }

    /// Good for the next resume.
    func secret(_ bits: UInt128, of connection: ConnectionID) -> SessionSecret {
        guard let line else { return SessionSecret(bits: bits) }
        return SessionSecret(bits: bits, of: connection, at: line.home.raw)
    }

    func digest(_ secret: SessionSecret) -> SecretDigest {
        SecretDigest(sha256: ports.sha256(Array(secret.text.utf8)))
    }

    /// Whether a connection with this token may go on.
    func allows(_ token: RevocableToken) -> Bool {
        allows(token, of: ports.client(token.clientID))
    }

    /// The same where the token's client was looked up before.
    func allows(_ token: RevocableToken, of client: ClientStanding?) -> Bool {
        ports.tokens.isGood(token, of: client)
    }
}
