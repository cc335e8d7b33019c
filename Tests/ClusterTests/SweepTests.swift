import Bytes
import Cluster
import Identifiers
import Rooms
import Signalling
import Testing

@Suite("What nobody has taken along (docs/decisions/0036)")
struct SweepTests {
    private static let room = ClusterScene.room
    private static let stranger = Incarnation(raw: 77)

    /// With members at this node, which nobody has heard of.
    private static func document(at home: Incarnation, _ ids: [UInt64]) throws -> RoomDocument {
        var document = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "r")
        for id in ids {
            let member = RoomMember(
                connection: ConnectionID(raw: id), route: .v1(subject: nil),
                peerID: PeerID("p\(id)"))
            _ = try document.join(member, at: home, hasSDP: true)
        }
        return document
    }

    private static func news(_ scene: ClusterScene, _ node: Int, _ id: UInt64) -> [RoomNews] {
        scene.said[node].compactMap { effect in
            guard case .tell(let connection, _, let news, _) = effect,
                connection == ConnectionID(raw: id)
            else { return nil }
            return news
        }
    }

    @Test("Nobody is told of members of a node that nobody knows, and whoever joins is the first")
    func ghosts() throws {
        var scene = ClusterScene(1)
        scene.put(try Self.document(at: Self.stranger, [8, 9]))
        scene.join(0, 1)
        #expect(Self.news(scene, 0, 1).isEmpty)
        scene.run(600)
        let news = Self.news(scene, 0, 1)
        #expect(news.count == 2 && news.first == .firstToJoin)
        #expect(scene.has(0, scene.admitted(1)))
        #expect(scene.document?.room.members.map(\.connection) == [ConnectionID(raw: 1)])
    }

    @Test("A node whose key comes late is taken for nobody who is dead")
    func lateKey() throws {
        var scene = ClusterScene(1)
        scene.put(try Self.document(at: Self.stranger, [8]))
        scene.join(0, 1)
        #expect(Self.news(scene, 0, 1).isEmpty)
        let record = NodeRecord(.alive, epoch: ClusterScene.epoch, nodeName: "late")
        scene.lastRevision += 1
        let revision = Revision(raw: scene.lastRevision)
        scene.keys[.node(Self.stranger)] = (record.encoded, revision)
        scene.give(0, .bus(.watched(.node(Self.stranger), record.encoded, revision)))
        scene.run(100)
        guard case .state(_, let others)? = Self.news(scene, 0, 1).first else {
            Issue.record("nobody was there")
            return
        }
        #expect(others.map(\.connection) == [ConnectionID(raw: 8)])
    }

    @Test("What the dead have left in the store is taken away by one node, slowly")
    func sweep() throws {
        var scene = ClusterScene(2)
        scene.put(try Self.document(at: Self.stranger, [8, 9]))
        // First the node is written down as dead, then its members are taken out, then the room.
        scene.run(2 * 310_000)
        #expect(scene.document?.room.members.isEmpty == true)
        scene.run(130_000)
        #expect(scene.document == nil)
        #expect(!scene.said[1].contains { if case .next = $0 { true } else { false } })
    }

    @Test("Empty rooms and garbage go as well, whoever left them; what lives or is newer stays")
    func leftOvers() throws {
        var scene = ClusterScene(1)
        scene.join(0, 1)
        func key(_ number: UInt8) -> StoreKey {
            .room(RoomDigest(bytes: Array(repeating: number, count: 32)))
        }
        let empty = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "s")
        var newer = empty.encoded
        newer[2] = 2
        for (number, bytes) in [(11 as UInt8, empty.encoded), (12, [1, 2, 3]), (13, newer)] {
            scene.lastRevision += 1
            scene.keys[key(number)] = (bytes, Revision(raw: scene.lastRevision))
        }
        scene.run(310_000 + 130_000)
        #expect(scene.keys[key(11)] == nil && scene.keys[key(12)] == nil)
        #expect(scene.keys[key(13)]?.bytes == newer)
        #expect(scene.document?.room.members.count == 1)
    }

    @Test("A ghost of one's own is taken out without anybody meeting it")
    func ownGhost() throws {
        var scene = ClusterScene(1)
        scene.put(try Self.document(at: scene.nodes[0].incarnation, [8]))
        scene.run(310_000)
        #expect(scene.document?.room.members.isEmpty == true)
    }

    @Test("Who died is forgotten with its key, an hour later")
    func forgotten() {
        var scene = ClusterScene(1)
        let record = NodeRecord(.dead, epoch: ClusterScene.epoch, nodeName: "old")
        scene.lastRevision += 1
        let revision = Revision(raw: scene.lastRevision)
        scene.keys[.node(Self.stranger)] = (record.encoded, revision)
        scene.give(0, .bus(.watched(.node(Self.stranger), record.encoded, revision)))
        #expect(scene.nodes[0].gone == [Self.stranger])
        // In steps that no node takes for sleep.
        scene.run(3_600_000, step: 900)
        scene.run(2000)
        #expect(scene.nodes[0].gone.isEmpty && scene.keys[.node(Self.stranger)] == nil)
    }
}
