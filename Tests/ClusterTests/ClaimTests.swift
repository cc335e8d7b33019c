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

    @Test("A claim whose client is gone is waited for no more, and may come again")
    func abandoned() {
        var scene = ClusterHandOverTests.begun(2)
        let (nobody, nowhere) = (ConnectionID(raw: 8), Incarnation(raw: 99))
        let claim = ClusterScene.claim(1)
        scene.give(1, .resume(nobody, claim, home: nowhere))
        scene.give(1, .abandon(nobody, claim))
        scene.run(900)
        scene.give(1, .resume(nobody, claim, home: nowhere))
        scene.run(700)
        // For as long as if it had not been there before.
        #expect(!scene.has(1, .unresumable(nobody, claim)))
        scene.run(1000)
        #expect(scene.has(1, .unresumable(nobody, claim)) && scene.isAtRest)
    }

    @Test("A session whose client is gone again comes all the same, and waits for it")
    func abandonedOnItsWay() {
        var scene = ClusterHandOverTests.begun(2)
        scene.unsettled = [1]
        scene.resume(1, 1, from: 0)
        scene.give(1, .abandon(Self.one, ClusterScene.claim(1)))
        scene.give(0, .settled(Self.one, rooms: [Self.room]))
        scene.run(300)
        #expect(scene.sessions == [[], [1, 2]] && scene.isAtRest)
        scene.resume(1, 1, from: 0)
        #expect(scene.has(1, .resumable(Self.one)))
    }

    @Test("Whoever claims a member that has no session is told so, and nobody is held up")
    func noSession() {
        var scene = ClusterHandOverTests.begun(3)
        // A classic peer, say: the relay knows of no session of it.
        scene.mute = [1]
        let claim = ClusterScene.claim(9)
        scene.give(0, .resume(Self.one, claim, home: Incarnation(raw: 99)))
        #expect(scene.has(0, .unresumable(Self.one, claim)))
        let isSaid = scene.say(2, 2, to: 1, at: 0)
        #expect(isSaid)
        scene.run(300)
        #expect(scene.said[0].contains { if case .deliver = $0 { true } else { false } })
        #expect(scene.sessions[0] == [1])
    }

    @Test("A home that comes to be known while others are made up is asked at once")
    func heardLate() {
        var scene = ClusterHandOverTests.begun(2)
        let home = Incarnation(raw: 50)
        let (claim, falseClaim) = (ClusterScene.claim(7), ClusterScene.claim(8))
        // The store does not say that there is none of these.
        scene.unread = [1]
        for bits: UInt64 in 100..<200 {
            let connection = ConnectionID(raw: bits)
            scene.give(1, .resume(connection, falseClaim, home: Incarnation(raw: bits)))
        }
        scene.give(1, .resume(ConnectionID(raw: 9), claim, home: home))
        scene.run(3000)
        let record = NodeRecord(.alive, epoch: ClusterScene.epoch)
        scene.give(1, .bus(.watched(.node(home), record.encoded, Revision(raw: 2 << 20))))
        let isAsked = { (effect: ClusterNode.Effect) in
            if case .frame(_, home) = effect { true } else { false }
        }
        #expect(!scene.said[1].contains(where: isAsked))
        scene.run(100)
        #expect(scene.said[1].contains(where: isAsked))
    }

    @Test("Homes that nobody ever heard of are looked for in the order of claims, few at once")
    func searches() {
        var scene = ClusterHandOverTests.begun(2)
        scene.unread = [1]
        for bits: UInt64 in (100..<200).reversed() {
            let connection = ConnectionID(raw: bits)
            scene.give(1, .resume(connection, ClusterScene.claim(9), home: .init(raw: bits)))
        }
        scene.run(2000)
        let sought = scene.said[1].compactMap { effect -> UInt64? in
            if case .read(.node(let home), _) = effect { home.raw } else { nil }
        }
        #expect(sought == (184..<200).reversed())
    }
}
