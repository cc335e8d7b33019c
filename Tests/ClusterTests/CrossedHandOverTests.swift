import Cluster
import Identifiers
import Sessions
import Signalling
import Testing

/// Nodes that ask one another for the same session (docs/decisions/0036).
@Suite("Sessions are handed over while all ask for them")
struct CrossedHandOverTests {
    private static let one = ConnectionID(raw: 1)

    /// One member at the first node.
    private static func begun(_ count: Int) -> ClusterScene {
        var scene = ClusterScene(count)
        scene.join(0, 1)
        scene.run(300)
        return scene
    }

    @Test("A node to which one is on its way has others wait for it, also if it asks these for it")
    func followed() {
        for isCrossed in [false, true] {
            var scene = Self.begun(3)
            scene.unsettled = [1]
            scene.resume(1, 1, from: 0)
            scene.resume(2, 1, from: 0)
            // Somebody else claims it, whose home nobody knows: all are asked.
            if isCrossed { scene.cutLines = [[1, 2]] }
            let nowhere = Incarnation(raw: 99)
            scene.give(1, .resume(Self.one, ClusterScene.claim(7), home: nowhere))
            scene.cutLines.insert([0, 1])
            scene.give(0, .settled(Self.one, rooms: [ClusterScene.room]))
            scene.unsettled = []
            scene.run(300)
            scene.cutLines.remove([1, 2])
            scene.run(300)
            scene.cutLines = []
            scene.run(2000)
            #expect(scene.has(1, .resumable(Self.one)) && scene.has(2, .resumable(Self.one)))
            #expect(!scene.has(2, .unresumable(Self.one, ClusterScene.claim(1))))
            #expect(scene.sessions == [[], [], [1]] && scene.isAtRest)
        }
    }

    @Test("Whom it was followed to is asked once more if each asked the other")
    func askedOnceMore() {
        let (old, new, third) = (
            Incarnation(raw: 1), Incarnation(raw: 2), Incarnation(raw: 3)
        )
        var taker = HandOverTaker(Self.one, at: new, reads: 1)
        _ = taker.ask(ClusterScene.claim(1), attempt: 7, [old])
        let take = HandOverMail.take(attempt: 7, Self.one, ClusterScene.claim(1))
        let follow: [HandOverTaker.Effect] = [.send(take, to: third)]
        #expect(taker.handle(.refused(.elsewhere(third), attempt: 7, by: old)) == follow)
        #expect(taker.handle(.refused(.elsewhere(new), attempt: 7, by: third)) == follow)
        #expect(
            taker.handle(.refused(.elsewhere(new), attempt: 7, by: third)) == [
                .fail(attempt: 7), .expectNoMore,
            ])
    }

    @Test("One that is back before its next home could say that it had it stays if that one dies")
    func backBeforeConfirmed() {
        var scene = Self.begun(4)
        scene.unfrozen = [1]
        scene.resume(1, 1, from: 0)
        scene.run(300)
        // Each asks the other, and a node dies meanwhile: so all are asked.
        scene.cutLines = [[1, 0]]
        scene.resume(0, 1, from: 0)
        scene.kill(3)
        scene.run(10_000)
        scene.cutLines = [[0, 2]]
        scene.run(3000)
        scene.cutLines = [[0, 2], [1, 0]]
        scene.unfrozen = []
        scene.frozen(0, Self.one)
        scene.run(300)
        scene.resume(2, 1, from: 1)
        scene.run(300)
        #expect(scene.sessions == [[], [], [1], []])
        scene.cutLines = [[1, 0]]
        scene.run(1000)
        #expect(scene.has(0, .forget(Self.one)) && scene.has(0, .resumable(Self.one)))
        scene.kill(1)
        scene.run(10_000)
        #expect(scene.nodes[0].gone.contains(scene.nodes[1].incarnation))
        #expect(!scene.has(0, .end(Self.one, .lost)) && scene.sessions[0] == [1])
        #expect(scene.document?.home(of: Self.one) == scene.nodes[0].incarnation)
    }

    @Test("False claims in a ring of nodes hold up for a moment only whom nobody has")
    func ring() {
        var scene = Self.begun(5)
        scene.kill(0)
        scene.run(8000)
        let (own, others) = (ClusterScene.claim(1), ClusterScene.claim(7))
        scene.cutLines = [[1, 2], [2, 3], [3, 1]]
        for node in 1...3 {
            let home = scene.nodes[node % 3 + 1].incarnation
            scene.give(node, .resume(Self.one, others, home: home))
        }
        scene.resume(4, 1, from: 0)
        scene.cutLines = []
        scene.run(1500)
        let isEarly = scene.has(4, .unresumable(Self.one, own))
        #expect(!isEarly)
        scene.run(4500)
        let isTold = scene.has(4, .unresumable(Self.one, own))
        #expect(isTold)
        let areTold = (1...3).allSatisfy { scene.has($0, .unresumable(Self.one, others)) }
        #expect(areTold && scene.isAtRest)
    }
}
