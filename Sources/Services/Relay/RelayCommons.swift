internal import Access
internal import Admission
internal import Locking
internal import Rooms
internal import Signalling

/// What the handlers of all loops share.
final class RelayCommons: Sendable {
    let configuration: RelayConfiguration
    let ports: RelayPorts
    let rooms: SharedRooms
    private let roomHash: RoomHash
    let sessions = SessionDirectory()
    let figures = PublishedFigures()
    /// What is kept for clients that are away.
    let bytesAway: KeptBytes
    /// What is kept of sessions whose clients are there.
    let bytesHeld: KeptBytes
    let ledger: ConnectionLedger

    init(
        _ configuration: RelayConfiguration, _ ports: RelayPorts, _ ledger: ConnectionLedger
    ) {
        self.configuration = configuration
        self.ports = ports
        self.ledger = ledger
        bytesHeld = KeptBytes(bytesMax: configuration.heldBytesMax)
        bytesAway = KeptBytes(bytesMax: configuration.detachedBytesMax)
        roomHash = RoomHash(key: UInt128(ports.random64()) << 64 | UInt128(ports.random64()))
        rooms = SharedRooms(membersMax: configuration.membersPerRoomMax)
    }

    var monotonicSeconds: UInt32 {
        UInt32(truncatingIfNeeded: ports.monotonicMilliseconds() / 1000)
    }

    func key(clientID: String, room: String) -> RoomKey {
        RoomKey(clientID: clientID, room: room, roomHash)
    }

    /// Whether a connection that is in so many rooms may join this one, which it may be in already:
    /// to join again changes nothing.
    func mayJoin(_ key: RoomKey, _ connection: ConnectionID, roomsJoined: Int) -> Bool {
        let roomsMax = configuration.roomsPerConnectionMax
        return roomsMax == 0 || roomsJoined < roomsMax
            || rooms.members(of: key).contains { $0.connection == connection }
    }

    /// Has sessions let go of what is kept for them; the loops where they were last end them. No
    /// stream may be locked.
    func letGo(_ losers: [ConnectionID]) {
        for loser in losers {
            sessions.session(loser)?.stream.withLock { $0.letGo(self) }
        }
    }

    /// Has sessions forget what their clients, who are there, were sent. No stream may be locked.
    func forgetSent(_ hoarders: [ConnectionID]) {
        for hoarder in hoarders {
            sessions.session(hoarder)?.stream.withLock { $0.forgetSent(self) }
        }
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
