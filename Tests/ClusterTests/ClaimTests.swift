import Cluster
import Sessions
import Signalling
import Testing

/// What becomes of what clients claim where their sessions are not (docs/decisions/0036).
@Suite("Claims of sessions that are at other nodes")
struct ClaimTests {
    private static let room = ClusterScene.room
    private static let one = ConnectionID(raw: 1)

    @Test("A client that comes back to the old home with the old secret is led on")
    func back() {
        var scene = ClusterHandOverTests.begun(3)
        scene.resume(1, 1, from: 0)
        scene.run(300)
        scene.resume(0, 1, from: 0)
        scene.run(300)
        #expect(scene.has(0, .resumable(Self.one)) && scene.sessions == [[1], [], [2]])
        scene.resume(2, 1, from: 1)
        scene.run(300)
        #expect(scene.has(2, .resumable(Self.one)) && scene.sessions == [[], [], [1, 2]])
        // After a minute nobody remembers, and the present home is asked as well as any.
        scene.run(61_000)
        scene.resume(0, 1, from: 0)
        #expect(scene.has(0, .unresumable(Self.one, ClusterScene.claim(1))) && scene.isAtRest)
    }

    @Test("Who is not there, or shows another's secret, can't be resumed")
    func unknown() {
        var scene = ClusterHandOverTests.begun(2)
        scene.resume(1, 9, from: 0)
        scene.run(300)
        #expect(scene.has(1, .unresumable(ConnectionID(raw: 9), ClusterScene.claim(9))))
        #expect(scene.isAtRest)
        #expect(scene.sessions == [[1], [2]])
    }

    @Test("A home that nobody ever heard of is waited for, but not for ever")
    func unheard() {
        var scene = ClusterHandOverTests.begun(2)
        let claim = ClusterScene.claim(1)
        scene.give(1, .resume(Self.one, claim, home: Incarnation(raw: 99)))
        scene.run(300)
        // All the others are asked at once.
        #expect(scene.has(1, .resumable(Self.one)))
        let nobody = ConnectionID(raw: 8)
        // Where the store can say nothing.
        scene.cut = [1]
        scene.give(1, .resume(nobody, claim, home: Incarnation(raw: 99)))
        scene.run(9000)
        #expect(!scene.has(1, .unresumable(nobody, claim)))
        scene.run(2000)
        #expect(scene.has(1, .unresumable(nobody, claim)))
    }

    @Test("A home that was never heard of, and has no key, is waited for a second")
    func noKey() {
        var scene = ClusterHandOverTests.begun(2)
        let (nobody, claim) = (ConnectionID(raw: 8), ClusterScene.claim(1))
        scene.give(1, .resume(nobody, claim, home: Incarnation(raw: 99)))
        scene.run(900)
        #expect(!scene.has(1, .unresumable(nobody, claim)))
        scene.run(600)
        #expect(scene.has(1, .unresumable(nobody, claim)) && scene.isAtRest)
    }

    @Test("Whoever claims another's session, however often, holds up nobody")
    func claims() {
        var scene = ClusterHandOverTests.begun(3)
        // Their home does not answer, and was never heard of.
        scene.mute = [2]
        let home = scene.nodes[2].incarnation
        for bits: UInt128 in 100..<120 {
            scene.give(1, .resume(Self.one, ClusterScene.claim(bits), home: home))
            let nowhere = Incarnation(raw: UInt64(bits))
            scene.give(1, .resume(Self.one, ClusterScene.claim(bits + 100), home: nowhere))
        }
        scene.run(100)
        scene.resume(1, 1, from: 0)
        scene.run(300)
        #expect(scene.has(1, .resumable(Self.one)) && scene.sessions == [[], [1], [2]])
    }

    @Test("A claim that has come to nothing is named, and others go on")
    func falseClaim() {
        var scene = ClusterHandOverTests.begun(3)
        scene.unsettled = [1]
        let claim = ClusterScene.claim(99)
        scene.resume(1, 1, from: 0)
        scene.give(1, .resume(Self.one, claim, home: scene.nodes[2].incarnation))
        scene.run(300)
        scene.give(2, .unsettled(Self.one))
        scene.run(300)
        #expect(scene.has(1, .unresumable(Self.one, claim)))
        #expect(!scene.has(1, .unresumable(Self.one, ClusterScene.claim(1))))
        scene.unsettled = []
        scene.give(0, .settled(Self.one, rooms: [Self.room]))
        scene.run(1000)
        #expect(scene.has(1, .resumable(Self.one)) && scene.isAtRest)
    }
}
