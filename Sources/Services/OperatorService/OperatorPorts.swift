package import Bytes
package import Cluster
package import HTTPMessages
package import Monitoring
package import Relay
package import Signalling

/// Everything of the world that `OperatorService` needs. All closures may be called from any
/// thread.
package struct OperatorPorts: Sendable {
    /// Something without which the service answers by what it knew before: a word of the answer's,
    /// and a stable code, which names no file, or nil where all is well.
    package typealias Check = (name: String, failure: @Sendable () -> String?)
    /// Tokens that were verified, that were refused, whose signature was known from an earlier
    /// check, and whose signature is known now.
    package typealias Verification = (checked: Int, refused: Int, fromCache: Int, remembered: Int)
    /// A signing key; times are in seconds since the Unix epoch, and `goneAt` is nil where nobody
    /// knows when it may go.
    package typealias Key = (
        keyID: String, algorithm: String, stage: String, since: Int64, goneAt: Int64?
    )

    let version: String
    /// Seconds since the Unix epoch.
    let now: @Sendable () -> Int64
    /// Names by which it may be asked, beside addresses and `localhost`; in lower case.
    let hosts: [String]
    /// Files of the operator's page, by path.
    let pages: [ByteText: PageAsset]
    /// Whether this is the operator's token; takes as long for any of its length.
    let isBearer: @Sendable ([UInt8]) -> Bool
    let checks: [Check]
    /// Of each port.
    let connections: @Sendable () -> [ConnectionFigures]
    let verification: @Sendable () -> Verification
    /// Lines of the log that were dropped.
    let droppedLines: @Sendable () -> Int
    /// What is known of the process itself.
    let process: @Sendable () -> [MetricFamily]
    let keys: @Sendable () -> [Key]
    /// nil where the process runs no relay.
    let relay: OperatedRelay?
    /// Answers `GET /edge/auth`; nil where the process serves no tokens.
    let edge: (@Sendable (HTTPRequest) -> HTTPResponse)?

    package init(
        version: String, now: @escaping @Sendable () -> Int64, hosts: [String],
        pages: [ByteText: PageAsset], isBearer: @escaping @Sendable ([UInt8]) -> Bool,
        checks: [Check], connections: @escaping @Sendable () -> [ConnectionFigures],
        verification: @escaping @Sendable () -> Verification,
        droppedLines: @escaping @Sendable () -> Int,
        process: @escaping @Sendable () -> [MetricFamily],
        keys: @escaping @Sendable () -> [Key], relay: OperatedRelay?,
        edge: (@Sendable (HTTPRequest) -> HTTPResponse)?
    ) {
        self.version = version
        self.now = now
        self.hosts = hosts
        self.pages = pages
        self.isBearer = isBearer
        self.checks = checks
        self.connections = connections
        self.verification = verification
        self.droppedLines = droppedLines
        self.process = process
        self.keys = keys
        self.relay = relay
        self.edge = edge
    }
}

/// What the operator sees of the relay, and may do to its peers.
package struct OperatedRelay: Sendable {
    /// Every room and its members.
    let rooms: @Sendable () -> [RoomSummary]
    let roomCount: @Sendable () -> Int
    /// v1 sessions, those included whose client is away.
    let sessionCount: @Sendable () -> Int
    let figures: @Sendable () -> RelayFigures
    let sockets: @Sendable () -> LoopFigures
    /// nil where the process is alone.
    let cluster: OperatedCluster?
    /// Closes a peer's connection for good.
    let close: @Sendable (ConnectionID) -> Void
}

/// What becomes of a wish to see the rooms of all nodes.
package enum RoomsAnswer: Equatable, Sendable {
    /// As JSON.
    case listed([UInt8])
    case tooMany
    case nothingCame
}

/// What the operator sees of the nodes of a cluster, and may do to their peers.
package struct OperatedCluster: Sendable {
    let state: @Sendable () -> ClusterState
    /// The rooms of all nodes; waits for what other nodes say.
    let rooms: @Sendable () -> RoomsAnswer
    /// Asks the other nodes for some of their rooms, without waiting.
    let glance: @Sendable (@escaping @Sendable (ListedRooms) -> Void) -> Void
    /// The rooms of this node, with what others have said of theirs.
    let merged: @Sendable (ListedRooms) -> RoomListing
    /// Closes a peer's connection for good, wherever it is, and waits for what other nodes say.
    let close: @Sendable (ConnectionID) -> KickOutcome

    package init(
        state: @escaping @Sendable () -> ClusterState,
        rooms: @escaping @Sendable () -> RoomsAnswer,
        glance: @escaping @Sendable (@escaping @Sendable (ListedRooms) -> Void) -> Void,
        merged: @escaping @Sendable (ListedRooms) -> RoomListing,
        close: @escaping @Sendable (ConnectionID) -> KickOutcome
    ) {
        self.state = state
        self.rooms = rooms
        self.glance = glance
        self.merged = merged
        self.close = close
    }
}

extension ClusterFigures {
    /// Nodes by their incarnations.
    package var names: [Incarnation: ByteText] {
        let nodes = roster.map { ($0.incarnation, $0.name) }
        return Dictionary(nodes, uniquingKeysWith: { one, _ in one })
    }
}

extension OperatedRelay {
    package init(
        _ relay: Relay, sockets: @escaping @Sendable () -> LoopFigures,
        cluster: OperatedCluster? = nil,
        close: @escaping @Sendable (ConnectionID) -> Void
    ) {
        self.init(
            rooms: { relay.rooms() }, roomCount: { relay.roomCount },
            sessionCount: { relay.sessionCount }, figures: { relay.figures }, sockets: sockets,
            cluster: cluster, close: close)
    }

    /// Closes the peer that has this connection, where it is in a room.
    func kick(_ id: ByteText) -> KickOutcome {
        let bytes = Array(id.utf8)
        guard let connection = ConnectionID(bytes.span, bytes.indices) else { return .nowhere }
        if let cluster { return cluster.close(connection) }
        guard
            rooms().contains(where: { room in
                room.members.contains { ByteText($0.connectionID) == id }
            })
        else { return .nowhere }
        close(connection)
        return .closed(at: nil)
    }
}
