import Cluster
import Identifiers
import Signalling
import Testing

/// What `usher_cluster_hand_overs_failed_total` counts (docs/operating.md, "Metrics").
@Suite("Sessions that are lost on their way are counted once, by why")
struct LossTallyTests {
    private static let one = ConnectionID(raw: 1)

    /// By node: as the other died, and as nobody could go on with it.
    private static func counts(_ scene: ClusterScene) -> [[Int]] {
        scene.nodes.map { [$0.counted.diedOnTheWay, $0.counted.lostOnTheWay] }
    }

    @Test("What this version does not read is lost")
    func unreadable() {
        var scene = ClusterScene(reads: [2, 1])
        scene.join(0, 1)
        scene.run(300)
        let raised = FormatRecord(epoch: ClusterScene.epoch, 2).encoded
        scene.give(0, .bus(.watched(.format, raised, Revision(raw: 1_000_000))))
        scene.resume(1, 1, from: 0)
        scene.run(300)
        #expect(scene.nodes[1].counted.unreadable > 0)
        #expect(Self.counts(scene) == [[0, 0], [0, 1]])
    }

    @Test("Whose giver dies before its rooms have it at its new home has died")
    func adopting() {
        var scene = ClusterHandOverTests.begun(3)
        scene.stuck = [1]
        scene.resume(1, 1, from: 0)
        scene.run(300)
        #expect(!scene.has(1, .resumable(Self.one)))
        scene.kill(0)
        scene.run(8000)
        scene.stuck = []
        scene.run(6000)
        #expect(scene.left(2) == [.lost])
        #expect(Self.counts(scene)[1] == [1, 0] && Self.counts(scene)[2] == [0, 0])
    }

    @Test("One that was taken out of its room while its giver lives is lost")
    func takenOut() {
        var scene = ClusterHandOverTests.begun(3)
        scene.stuck = [1]
        scene.resume(1, 1, from: 0)
        scene.run(300)
        guard var document = scene.document else {
            Issue.record("the room is there")
            return
        }
        document.leave(Self.one, .lost)
        scene.put(document)
        scene.stuck = []
        scene.run(3000)
        #expect(Self.counts(scene) == [[0, 0], [0, 1], [0, 0]])
    }

    @Test("One that was to go elsewhere and ends here is counted once, however often it was tried")
    func declined() {
        for hasHome in [false, true] {
            var scene = ClusterHandOverTests.begun(2)
            // A home that lives and takes nobody, or none.
            if hasHome { scene.cut = [1] } else { scene.give(1, .drain([])) }
            scene.run(4000)
            for _ in 0..<3 {
                scene.give(0, .drain([.init(Self.one, room: ClusterScene.room.digest)]))
                scene.run(1000)
            }
            #expect(scene.has(0, .undrainable(Self.one)) == !hasHome)
            #expect(scene.nodes[0].counted.undrained == 0)
            scene.give(0, .leave(Self.one, ClusterScene.room, .lost))
            #expect(scene.nodes[0].counted.undrained == 1, "has a home: \(hasHome)")
            scene.give(0, .sessionEnded(Self.one, .lost))
            #expect(scene.nodes[0].counted.undrained == 1, "has a home: \(hasHome)")
        }
    }

    @Test("One that leaves by itself meanwhile, or goes, is not counted")
    func goes() {
        var scene = ClusterHandOverTests.begun(2)
        scene.give(0, .drain([.init(Self.one, room: ClusterScene.room.digest)]))
        scene.run(1000)
        #expect(scene.has(1, .resumable(Self.one)))
        #expect(scene.nodes.map(\.counted.undrained) == [0, 0])
        scene = ClusterHandOverTests.begun(2)
        scene.give(1, .drain([]))
        scene.run(1000)
        scene.give(0, .drain([.init(Self.one, room: ClusterScene.room.digest)]))
        scene.give(0, .leave(Self.one, ClusterScene.room, .closed))
        #expect(scene.nodes[0].counted.undrained == 0)
    }
}
