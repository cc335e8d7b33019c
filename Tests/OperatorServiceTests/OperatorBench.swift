import Bytes
import Cluster
import HTTPMessages
import Identifiers
import Locking
import Monitoring
import Signalling
import StrictJSON

@testable import OperatorService
@testable import Relay

/// An operator's port whose world is what a test says.
final class OperatorBench: Sendable {
    static let token = "operators-token"
    static let member = "0123456789abcdef"
    /// Some nodes say nothing of this one.
    static let silenced = "00000000000000ff"
    static let home = Incarnation(raw: 7)

    let service: OperatorService
    let counts: OperatorCounts
    private let closing: Closing
    /// Connections that were closed.
    var closed: [String] { closing.ids.withLock { $0 } }

    /// How often other nodes were asked for some of their rooms.
    var glances: Int { closing.glances.withLock { $0 } }

    /// How often rooms of all nodes were put together.
    var merges: Int { closing.merges.withLock { $0 } }

    private final class Closing: Sendable {
        let ids = Lock<[String]>([])
        let glances = Lock(0)
        let merges = Lock(0)
    }

    private static func closing(
        _ elsewhere: [String], _ closing: Closing
    ) -> @Sendable (ConnectionID) -> KickOutcome {
        { connection in
            closing.ids.withLock { $0.append(connection.text) }
            if connection.text == Self.silenced { return .silent(["node-2", "node-3"]) }
            return elsewhere.contains(connection.text) ? .closed(at: "node-2") : .nowhere
        }
    }

    private static func cluster() -> @Sendable () -> ClusterState {
        let state = ClusterState(
            name: "c", nodeName: "n", standing: .cutOff, figures: ClusterFigures(), store: nil)
        return { state }
    }

    /// `elsewhere` is who is at other nodes of a cluster; nil where there is none. `rooms` are
    /// what is said of those of all nodes.
    init(
        checks: [(String, String?)] = [], hasRelay: Bool = true, hasEdge: Bool = true,
        elsewhere: [String]? = nil, rooms: RoomsAnswer = .tooMany
    ) {
        let closing = Closing()
        self.closing = closing
        counts = OperatorCounts(now: { 1_800_000_000 }, routes: ["/oauth2/token"])
        let room = RoomSummary(
            clientID: "c_1", room: "lobby",
            members: [
                RoomSummary.Member(
                    connection: ConnectionID(raw: 0x0123_4567_89ab_cdef), peerID: "ada", name: nil,
                    dialect: .v1, seconds: 3, order: 1, home: elsewhere.map { _ in Self.home })
            ])
        let relay = OperatedRelay(
            rooms: { [room] }, roomCount: { 1 }, sessionCount: { 1 },
            figures: { RelayFigures() }, sockets: { LoopFigures() },
            cluster: elsewhere.map { elsewhere in
                OperatedCluster(
                    state: Self.cluster(), rooms: { rooms },
                    glance: { answer in
                        closing.glances.withLock { $0 += 1 }
                        answer(ListedRooms())
                    },
                    merged: { listed in
                        closing.merges.withLock { $0 += 1 }
                        return RoomListing(
                            rooms: [room], silent: listed.silent, isCut: listed.isCut)
                    }, close: Self.closing(elsewhere, closing))
            },
            close: { id in closing.ids.withLock { $0.append(id.text) } })
        let ports = OperatorPorts(
            version: "0", now: { 1_800_000_000 }, hosts: ["usher", "metrics.example"],
            pages: [
                "/": .html([]), "/operator.js": .script([]), "/operator.css": .style([]),
                "/other.js": .script([]),
            ],
            isBearer: { $0 == Array(Self.token.utf8) },
            checks: checks.map(Self.check),
            connections: { [] }, verification: { (3, 1, 0, 0) },
            droppedLines: { 0 }, process: { [] },
            keys: { [("k", "ES256", "signing", 7, nil)] }, relay: hasRelay ? relay : nil,
            edge: hasEdge ? { @Sendable _ in HTTPResponse(status: 202) } : nil)
        service = OperatorService(ports, counts)
    }

    private static func check(_ name: String, _ failure: String?) -> OperatorPorts.Check {
        (name, { failure })
    }

    func outcome(
        _ path: String, method: String = "GET", host: String = "127.0.0.1:9090",
        _ headers: [(ByteText, ByteText)] = []
    ) -> HTTPOutcome {
        let parts = ByteText(path).split(
            separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        return service.outcome(
            of: HTTPRequest(
                method: ByteText(method), path: parts[0],
                query: parts.count > 1 ? parts[1] : nil,
                headers: HeaderFields([("Host", ByteText(host))] + headers)))
    }

    /// nil where it is a stream.
    func answer(
        _ path: String, method: String = "GET", host: String = "127.0.0.1:9090",
        _ headers: [(ByteText, ByteText)] = []
    ) -> HTTPResponse? {
        guard case .response(let response) = outcome(path, method: method, host: host, headers)
        else { return nil }
        return response
    }
}
