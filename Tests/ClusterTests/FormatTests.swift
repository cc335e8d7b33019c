import Cluster
import Identifiers
import Rooms
import Signalling
import Testing

@Suite("In which format rooms are written (docs/decisions/0036)")
struct FormatTests {
    private static func format(_ net: KeysNet) -> UInt8? {
        net.keys[.format].flatMap { try? FormatRecord($0.bytes) }?.format
    }

    @Test("It is raised once all that live can read the next one, and never lowered")
    func raise() {
        var net = KeysNet()
        net.start(reads: 1)
        net.start(reads: 2)
        net.start(reads: 3)
        net.run(12_000)
        #expect(net.nodes.map(\.standing) == [.member, .member, .member])
        #expect(Self.format(net) == nil && net.nodes.map(\.format) == [1, 1, 1])
        // The one that is in the way ends, and another comes that reads more.
        net.tell(0) { $0.farewell(&$1) }
        net.run(500)
        #expect(Self.format(net) == 2 && net.nodes[1...].allSatisfy { $0.format == 2 })
        net.start(reads: 3)
        net.run(6000)
        net.tell(1) { $0.farewell(&$1) }
        net.run(500)
        #expect(Self.format(net) == 3)
        #expect(net.nodes[2].standing == .member && net.nodes[3].standing == .member)
        // A roll-back comes too late.
        net.start(reads: 2)
        #expect(net.nodes[4].standing == .refused(.formatTooNew))
        #expect(net.record(4)?.state != .alive)
    }

    @Test("Where nothing was raised yet, whoever rolls back is let in")
    func rollBack() {
        var net = KeysNet()
        net.start(reads: 1)
        net.run(6000)
        net.start(reads: 2)
        net.run(1000)
        net.tell(1) { $0.farewell(&$1) }
        net.start(name: "n1", reads: 1)
        net.run(1000)
        #expect(net.nodes[2].standing == .member && Self.format(net) == nil)
    }

    @Test("Who may be left behind by what is raised just then waits for it, and lets nobody in")
    func race() {
        var net = KeysNet()
        net.start(reads: 2)
        net.start(reads: 1)
        net.run(12_000)
        #expect(net.nodes[1].standing == .member)
        net.start(reads: 1)
        net.start(reads: 2)
        net.run(2000)
        #expect(net.nodes[2].standing == .joining(StableCode("older_format")))
        #expect(net.nodes[3].standing == .member)
        net.set(0, .format, FormatRecord(epoch: net.epoch, 2).encoded)
        net.run(200)
        #expect(net.nodes[2].standing == .refused(.formatTooNew))
        #expect(!net.standings(2).contains(.member))
    }

    @Test("A member that finds a newer format in use ends, and a new bucket begins anew")
    func anew() {
        var net = NodeKeysTests.net(1)
        let former = FormatRecord(
            epoch: BucketEpoch(createdAt: 9, nonce: 9), 2)
        net.set(0, .format, former.encoded)
        net.set(0, .format, [1, 2, 3])
        #expect(net.nodes[0].standing == .member && net.nodes[0].format == 1)
        net.set(0, .format, FormatRecord(epoch: net.epoch, 2).encoded)
        net.run(200)
        #expect(net.nodes[0].standing == .refused(.formatTooNew))
        net = KeysNet()
        net.start(reads: 2)
        net.run(6000)
        #expect(net.nodes[0].format == 2)
        net.vanish()
        net.nodes[0].hasWrittenBack = false
        net.connect(0)
        #expect(net.nodes[0].format == 1)
        net.nodes[0].hasWrittenBack = true
        net.run(6000)
        #expect(net.nodes[0].format == 2 && Self.format(net) == 2)
    }

    @Test("Rooms are written in the format in use, and read in all before it")
    func rooms() throws {
        var scene = ClusterScene(2, reads: 2)
        var document = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "r")
        let member = RoomMember(
            connection: ConnectionID(raw: 9), route: .v1(subject: nil), peerID: PeerID("g"))
        _ = try document.join(member, at: Incarnation(raw: 77))
        scene.put(document)
        scene.join(0, 1)
        scene.join(1, 2)
        scene.run(600)
        for (node, id) in [(0, 1 as UInt64), (1, 2)] {
            let isIn = scene.has(node, scene.admitted(id))
            #expect(isIn)
        }
        let bytes = scene.keys[.room(ClusterScene.room.digest)]?.bytes ?? []
        #expect(bytes[2] == 2)
        #expect(throws: DocumentFault.unknownFormat) { try RoomDocument(bytes) }
        let read = try RoomDocument(bytes, upTo: 2)
        #expect(read.room.members.count == 2 && read.encoded(in: 2) == bytes)
    }
}
