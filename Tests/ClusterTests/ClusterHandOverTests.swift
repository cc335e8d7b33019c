import Cluster
import Identifiers
import Rooms
import Sessions
import Signalling
import Testing

/// Sessions go from node to node, with all that these do for it (docs/decisions/0036).
@Suite("Whole nodes hand sessions over")
struct ClusterHandOverTests {
    private static let room = ClusterScene.room
    private static let (one, two) = (ConnectionID(raw: 1), ConnectionID(raw: 2))

    private static func told(_ scene: ClusterScene, _ node: Int) -> [RoomNews] {
        scene.said[node].compactMap { if case .tell(_, _, let news, _) = $0 { news } else { nil } }
    }

    /// One member at the first node, and another at the last.
    static func begun(_ count: Int) -> ClusterScene {
        var scene = ClusterScene(count)
        scene.delivers = true
        scene.join(0, 1)
        scene.join(count - 1, 2)
        scene.run(300)
        return scene
    }

    @Test("A resume at another node has the session come, with its place in the room")
    func resume() {
        var scene = Self.begun(3)
        let before = Self.told(scene, 2).count
        scene.resume(1, 1, from: 0)
        scene.run(300)
        #expect(scene.has(1, .resumable(Self.one)) && scene.has(0, .forget(Self.one)))
        #expect(scene.sessions == [[], [1], [2]])
        #expect(scene.document?.home(of: Self.one) == scene.nodes[1].incarnation)
        // Nobody is told of that, the one that moved neither.
        #expect(Self.told(scene, 2).count == before && Self.told(scene, 1).isEmpty)
        #expect(scene.isAtRest)
        // What is said to it by one that knows nothing of it comes as well.
        let isSaid = scene.say(2, 2, to: 1, at: 0)
        #expect(isSaid)
        scene.run(300)
        #expect(scene.has(2, .answered(ticket: 1, isKept: true)))
    }

    @Test("Its room is shown before it arrives, and it is reached by the bus until all is answered")
    func order() {
        var scene = Self.begun(2)
        scene.delivers = false
        // Said at its old home's, and unanswered.
        _ = scene.say(1, 2, to: 1, at: 0)
        scene.said[1] = []
        scene.resume(1, 1, from: 0)
        scene.run(300)
        let own = scene.nodes[1].incarnation
        let steps = scene.said[1].compactMap { effect -> String? in
            switch effect {
            case .room(_, _, let elsewhere):
                elsewhere[Self.one] == own ? "arriving" : elsewhere[Self.one] == nil ? "here" : nil
            case .arrive: "arrive"
            case .resumable: "resumable"
            default: nil
            }
        }
        #expect(steps.first == "arriving" && steps.contains("arrive"))
        #expect(steps.firstIndex(of: "arriving") ?? 9 < steps.firstIndex(of: "arrive") ?? 0)
        #expect(steps.firstIndex(of: "arrive") ?? 9 < steps.firstIndex(of: "resumable") ?? 0)
        // Its old home has not answered what was said there.
        #expect(!steps.contains("here"))
    }

    @Test("One that comes again is reached by the bus, even if all was answered on its way")
    func orderAgain() {
        var scene = Self.begun(2)
        scene.delivers = false
        _ = scene.say(1, 2, to: 1, at: 0)
        scene.resume(1, 1, from: 0)
        scene.run(300)
        scene.resume(0, 1, from: 1)
        scene.run(300)
        scene.said[1] = []
        scene.stuck = [1]
        scene.resume(1, 1, from: 0)
        scene.run(300)
        for case .deliver(let payload) in scene.said[0] {
            scene.give(0, .delivered(payload.receipt, isTaken: true))
        }
        scene.stuck = []
        scene.run(1000)
        let own = scene.nodes[1].incarnation
        let steps = scene.said[1].compactMap { effect -> String? in
            switch effect {
            case .room(_, let room, let elsewhere) where room.member(Self.one) != nil:
                elsewhere[Self.one] == own ? "arriving" : elsewhere[Self.one] == nil ? "here" : nil
            case .arrive: "arrive"
            default: nil
            }
        }
        #expect(steps == ["arriving", "arrive", "here"])
    }

    @Test("If the new home dies before it is frozen it stays, and else it is lost")
    func newHomeDies() {
        for isFrozen in [false, true] {
            var scene = Self.begun(3)
            if !isFrozen { scene.unsettled = [1] }
            scene.mute = [1]
            scene.resume(1, 1, from: 0)
            scene.mute = isFrozen ? [0] : []
            scene.run(300)
            scene.kill(1)
            scene.mute = []
            scene.run(12_000)
            #expect(scene.has(0, .release(Self.one)) == !isFrozen)
            #expect(scene.has(0, .end(Self.one, .lost)) == isFrozen)
            #expect(scene.left(2) == (isFrozen ? [.lost] : []))
            #expect(scene.nodes[0].counted.diedOnTheWay == (isFrozen ? 1 : 0))
            #expect(scene.nodes[0].counted.lostOnTheWay == 0)
        }
    }

    @Test("A node that is about to end has others take its sessions, and takes none")
    func drain() {
        var scene = Self.begun(3)
        scene.give(2, .drain([]))
        scene.give(0, .drain([.init(Self.one, room: Self.room.digest)]))
        scene.run(4000)
        #expect(scene.sessions == [[], [1], [2]] && scene.has(1, .resumable(Self.one)))
        scene.give(1, .drain([.init(Self.one, room: Self.room.digest)]))
        scene.run(4000)
        #expect(scene.has(1, .undrainable(Self.one)) && scene.sessions == [[], [1], [2]])
        #expect(scene.left(2).isEmpty && scene.nodes[0].livingOthers == 2)
    }

    @Test("A kick of one that is on its way is not lost")
    func kick() {
        var scene = Self.begun(3)
        scene.unsettled = [1]
        scene.resume(1, 1, from: 0)
        scene.run(200)
        scene.give(2, .kick(Self.one, ticket: 7))
        scene.run(200)
        // Where it is to come it waits; where it still is it is closed.
        #expect(scene.has(0, .kick(Self.one)) && !scene.has(1, .kick(Self.one)))
    }

    @Test("What one that came says to a dead member is answered once it is told of the death")
    func dead() {
        var scene = Self.begun(3)
        scene.kill(0)
        scene.unanswered = [1]
        scene.resume(1, 2, from: 2)
        // It was written down as its new home's, which does not know so before the death.
        scene.cut = [1]
        scene.run(8000)
        (scene.cut, scene.unanswered, scene.stuck) = ([], [], [1])
        scene.run(3000)
        #expect(scene.nodes[1].gone.contains(scene.nodes[0].incarnation))
        #expect(scene.has(1, .resumable(Self.two)) && scene.left(1).isEmpty)
        let isSaid = scene.say(1, 2, to: 1, at: 0)
        scene.run(1000)
        #expect(isSaid && !scene.has(1, .answered(ticket: 1, isKept: false)))
        scene.stuck = []
        scene.run(1000)
        #expect(scene.left(1) == [.lost] && scene.has(1, .answered(ticket: 1, isKept: false)))
        #expect(scene.isAtRest)
    }

    @Test("What it said is answered before it goes, or what it says next might overtake that")
    func unanswered() {
        var scene = Self.begun(3)
        scene.cutLines = [[2, 0]]
        let isSaid = scene.say(0, 1, to: 2, at: 2)
        scene.resume(1, 1, from: 0)
        scene.run(1000)
        #expect(isSaid && !scene.has(1, .resumable(Self.one)))
        scene.cutLines = []
        scene.run(1000)
        #expect(scene.has(0, .answered(ticket: 1, isKept: true)))
        #expect(scene.has(1, .resumable(Self.one)) && scene.isAtRest)
    }

    @Test("What was taken at a home that dies before it says so is not given again at the next")
    func takenBefore() {
        var scene = Self.begun(3)
        scene.cutLines = [[0, 2]]
        let isSaid = scene.say(2, 2, to: 1, at: 0)
        scene.resume(1, 1, from: 0)
        scene.run(300)
        #expect(isSaid && scene.has(1, .resumable(Self.one)))
        scene.kill(0)
        scene.run(10_000)
        #expect(scene.has(2, .answered(ticket: 1, isKept: true)))
        let isGivenAgain = scene.said[1].contains { if case .deliver = $0 { true } else { false } }
        #expect(!isGivenAgain)
    }

    @Test("What is said to one that went on from a node that died is answered by the last")
    func diedBetween() {
        var scene = Self.begun(4)
        // What the first says of that to the last comes late.
        scene.resume(1, 1, from: 0)
        scene.run(300)
        scene.cutLines = [[0, 3], [1, 3], [2, 3]]
        scene.resume(2, 1, from: 1)
        scene.run(300)
        let isSaid = scene.say(3, 2, to: 1, at: 0)
        scene.kill(1)
        scene.run(8000)
        #expect(scene.nodes[3].gone.contains(scene.nodes[1].incarnation))
        scene.cutLines = []
        scene.run(2000)
        let isKept = scene.has(3, .answered(ticket: 1, isKept: true))
        #expect(isSaid && isKept && scene.sessions[2] == [1])
    }

    @Test("A session that is slow to come is found by the second node that asks, too")
    func slow() {
        var scene = Self.begun(3)
        scene.unsettled = [1]
        scene.resume(1, 1, from: 0)
        scene.resume(2, 1, from: 0)
        scene.run(25_000)
        #expect(!scene.has(2, .unresumable(Self.one, ClusterScene.claim(1))))
        scene.unsettled = []
        scene.give(0, .settled(Self.one, rooms: [Self.room]))
        scene.run(1000)
        #expect(scene.has(1, .resumable(Self.one)) && scene.has(2, .resumable(Self.one)))
        #expect(scene.sessions == [[], [], [1, 2]] && scene.isAtRest)
    }

    @Test("What is said to one that has come, as if it were at its old home, is there at once")
    func staleHome() {
        var scene = Self.begun(2)
        scene.resume(1, 1, from: 0)
        scene.run(300)
        scene.said[1] = []
        let isSaid = scene.say(1, 2, to: 1, at: 0)
        // Or what its sender says next, which knows better, would overtake it.
        let isThere = scene.said[1].contains { if case .deliver = $0 { true } else { false } }
        #expect(isSaid && isThere)
    }

    @Test("What one says that has been taken out is for nobody who was told so")
    func takenOut() {
        var scene = Self.begun(3)
        scene.delivers = true
        scene.resume(1, 1, from: 0)
        scene.run(300)
        scene.join(2, 3)
        scene.run(300)
        // Taken out, which its own node does not hear.
        guard var document = scene.document else { return }
        document.leave(ConnectionID(raw: 3), .replaced)
        scene.put(document)
        scene.mute = [1]
        scene.join(1, 4)
        scene.run(300)
        #expect(scene.left(1) == [.replaced] && scene.left(2).isEmpty)
        let isSaid = scene.say(2, 3, to: 1, at: 1)
        scene.mute = []
        scene.run(300)
        #expect(isSaid && scene.has(2, .answered(ticket: 1, isKept: false)))
        #expect(scene.delivered(1) == 0)
        // What a loop told the bus before it heard so comes late.
        let isSaidLate = scene.say(2, 3, to: 4, at: 1)
        scene.run(300)
        #expect(isSaidLate && scene.delivered(1) == 0)
        #expect(scene.said[2].count { $0 == .answered(ticket: 1, isKept: false) } == 2)
    }

    @Test("What came from one node comes from no other that was asked and got it later")
    func askedOfSeveral() {
        var scene = Self.begun(4)
        scene.resume(3, 1, from: 0)
        scene.run(300)
        scene.resume(0, 1, from: 3)
        scene.run(300)
        // The third node asks where it was, and so lets the second wait, which asks them all.
        scene.mute = [3]
        scene.resume(2, 1, from: 3)
        scene.give(1, .resume(Self.one, ClusterScene.claim(1), home: Incarnation(raw: 99)))
        scene.run(300)
        #expect(scene.sessions[1] == [1])
        scene.mute = []
        scene.run(2000)
        #expect(scene.has(2, .resumable(Self.one)))
        #expect(scene.sessions == [[], [], [1], [2]] && scene.isAtRest)
    }

    @Test("Who asks first with a secret that is another's keeps nobody from the session")
    func forgedFirst() {
        var scene = Self.begun(3)
        scene.unsettled = [1]
        scene.give(
            1,
            .resume(Self.one, ClusterScene.claim(99), home: scene.nodes[0].incarnation))
        scene.run(300)
        scene.resume(2, 1, from: 0)
        scene.run(300)
        scene.unsettled = []
        scene.give(0, .unsettled(Self.one))
        scene.run(1000)
        #expect(scene.has(1, .unresumable(Self.one, ClusterScene.claim(99))))
        #expect(scene.has(2, .resumable(Self.one)))
        #expect(scene.sessions == [[], [], [1, 2]] && scene.isAtRest)
    }

    @Test("One that went while a new bucket was written is taken out by nobody")
    func newBucket() {
        let (node, other) = (Incarnation(raw: 1), Incarnation(raw: 2))
        var writer = RoomWriter(of: "a", "r", at: node, in: ClusterScene.epoch)
        let member = RoomMember(connection: Self.one, route: .v1(subject: nil), peerID: PeerID("p"))
        var writes = Self.writes(writer.handle(.join(member)))
        #expect(writes.count == 1)
        _ = writer.handle(.accepted(Revision(raw: 1), request: writes.first?.request ?? 0))
        #expect(writer.lend(Self.one, to: other) != nil)
        writes = Self.writes(writer.handle(.renewed(BucketEpoch(createdAt: 2, nonce: 2))))
        #expect(writes.first?.document.home(of: Self.one) == node)
        let request = writes.first?.request ?? 0
        _ = writer.handle(.givenUp(Self.one, isThere: true))
        writes = Self.writes(writer.handle(.accepted(Revision(raw: 2), request: request)))
        #expect(writes.first?.document.home(of: Self.one) == other)
    }

    @Test("One that is over before a new bucket is made has nothing to do there")
    func overBeforeNewBucket() {
        let (node, other) = (Incarnation(raw: 1), Incarnation(raw: 2))
        var writer = RoomWriter(of: "a", "r", at: node, in: ClusterScene.epoch)
        let member = RoomMember(connection: Self.one, route: .v1(subject: nil), peerID: PeerID("p"))
        let writes = Self.writes(writer.handle(.join(member)))
        _ = writer.handle(.accepted(Revision(raw: 1), request: writes.first?.request ?? 0))
        #expect(writer.lend(Self.one, to: other) != nil)
        #expect(Self.writes(writer.handle(.givenUp(Self.one, isThere: false))).count == 1)
        _ = writer.handle(.renewed(BucketEpoch(createdAt: 2, nonce: 2)))
        _ = writer.handle(.restored)
        // Or a node that ends would wait for it.
        #expect(writer.isIdle)
    }

    private static func writes(
        _ effects: [RoomWriter.Effect]
    ) -> [(document: RoomDocument, request: UInt64)] {
        effects.compactMap { effect in
            if case .write(let document, _, let request) = effect {
                (document, request)
            } else {
                nil
            }
        }
    }

    @Test("It can't be had by its new home's relay: it leaves its rooms")
    func unwanted() {
        var scene = Self.begun(2)
        scene.resume(1, 1, from: 0)
        scene.run(300)
        scene.sessions[1].remove(1)
        scene.give(1, .sessionEnded(Self.one, .kicked))
        scene.run(300)
        #expect(scene.left(1) == [.kicked] && scene.document?.room.members.count == 1)
        #expect(scene.isAtRest)
    }
}
