import Bytes
import Cluster
import Identifiers
import Locking
import Testing

@testable import OperatorService
@testable import Relay

/// What open pages show of the rooms of all nodes (docs/decisions/0038).
struct RoomsElsewhereTests {
    @Test("What nodes have said is shown for fifteen seconds after they said it")
    func lateAnswer() {
        let now = Lock<Int64>(0)
        let asked = Lock<[@Sendable (ListedRooms) -> Void]>([])
        let room = RoomSummary(clientID: "c_1", room: "r", members: [])
        let cluster = OperatedCluster(
            state: {
                ClusterState(
                    name: "c", nodeName: "n", standing: .member, figures: ClusterFigures(),
                    store: nil)
            }, rooms: { .tooMany },
            glance: { answer in asked.withLock { $0.append(answer) } },
            merged: { listed in
                RoomListing(rooms: [room], silent: listed.silent, isCut: listed.isCut)
            }, close: { _ in .nowhere })
        let elsewhere = RoomsElsewhere()
        func silent(at second: Int64) -> [ByteText] {
            now.withLock { $0 = second }
            return elsewhere.look(by: cluster, now: { now.withLock { $0 } }).silent
        }
        #expect(silent(at: 0) == [])
        now.withLock { $0 = 10 }
        var listed = ListedRooms()
        listed.silent = ["node-2"]
        asked.withLock { $0 }.first?(listed)
        #expect(silent(at: 11) == ["node-2"] && silent(at: 24) == ["node-2"])
        #expect(silent(at: 27) == [])
    }
}
