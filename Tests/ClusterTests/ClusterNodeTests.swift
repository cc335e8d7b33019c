import Bytes
import Cluster
import Identifiers
import Rooms
import Sessions
import Signalling
import Testing

@Suite("A node of a cluster (docs/decisions/0036)")
struct ClusterNodeTests {
    private static let room = ClusterScene.room

    @Test("A session's home that comes to be known while others are asked is asked as well")
    func knownMeanwhile() {
        var scene = ClusterScene(2)
        let (connection, home) = (ConnectionID(raw: 1), Incarnation(raw: 99))
        scene.mute = [1]
        let claim = ClusterScene.claim(1)
        scene.give(0, .resume(connection, claim, home: home))
        let record = NodeRecord(.alive, epoch: ClusterScene.epoch, nodeName: "new")
        scene.give(0, .bus(.watched(.node(home), record.encoded, Revision(raw: 3 << 20))))
        scene.mute = []
        scene.run(500)
        let isAsked = scene.said[0].contains { effect in
            if case .frame(_, home) = effect { true } else { false }
        }
        #expect(isAsked && !scene.has(0, .unresumable(connection, claim)))
    }

    @Test("Members of two nodes meet, and each relay knows where the other is")
    func meeting() {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        scene.join(1, 2, sdp: [5])
        #expect(scene.has(0, scene.admitted(1)) && scene.has(1, scene.admitted(2)))
        let told = scene.said[0].compactMap { effect -> [UInt8]?? in
            if case .tell(_, _, .joined, let sdp) = effect { .some(sdp) } else { nil }
        }
        #expect(told == [[5]])
        let homes = scene.said[0].compactMap { effect -> [ConnectionID: Incarnation]? in
            if case .room(_, _, let elsewhere) = effect { elsewhere } else { nil }
        }
        #expect(homes.last == [ConnectionID(raw: 2): Incarnation(raw: 2)])
        let isSaid = scene.say(0, 1, to: 2, at: 1)
        #expect(isSaid)
        let payload = scene.said[1].compactMap { effect -> IncomingPayload? in
            if case .deliver(let payload) = effect { payload } else { nil }
        }
        #expect(payload.map(\.event) == [[7]] && payload[0].targets == [ConnectionID(raw: 2)])
        scene.give(1, .delivered(payload[0].receipt, isTaken: true))
        #expect(scene.has(0, .answered(ticket: 1, isKept: true)))
        scene.give(1, .leave(ConnectionID(raw: 2), Self.room, .left))
        #expect(scene.has(1, .left(ConnectionID(raw: 2), Self.room)))
        #expect(scene.has(1, .room(Self.room, Room(), elsewhere: [:])))
    }

    @Test("Nobody joins a node that does not reach its cluster")
    func cutOff() {
        var scene = ClusterScene(1)
        scene.cut = [0]
        scene.run(3500)
        scene.join(0, 1)
        let refusal = ClusterNode.Effect.refused(
            ConnectionID(raw: 1), Self.room, .temporarilyUnavailable)
        #expect(scene.has(0, refusal) && scene.keys[.room(Self.room.digest)] == nil)
        scene.cut = []
        scene.run(500)
        scene.join(0, 2)
        #expect(scene.has(0, scene.admitted(2)))
    }

    @Test("What was held back while the store was out of reach is written afterwards")
    func heldWrites() {
        var scene = ClusterScene(1)
        scene.join(0, 1)
        scene.cut = [0]
        scene.run(3500)
        scene.give(0, .leave(ConnectionID(raw: 1), Self.room, .closed))
        scene.run(1000)
        #expect(scene.document?.room.members.count == 1)
        scene.cut = []
        scene.run(500)
        #expect(scene.document?.room.members.isEmpty == true)
        #expect(scene.has(0, .left(ConnectionID(raw: 1), Self.room)))
    }

    @Test("A ghost is taken out by its own node, once that hears of it")
    func ghost() throws {
        var scene = ClusterScene(2)
        var document = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "r")
        let ghost = RoomMember(
            connection: ConnectionID(raw: 9), route: .v1(subject: nil), peerID: PeerID("g"))
        _ = try document.join(ghost, at: scene.nodes[0].incarnation)
        scene.keys[.room(Self.room.digest)] = (document.encoded, Revision(raw: 1 << 20))
        scene.join(1, 2)
        scene.run(300)
        #expect(scene.document?.room.members.map(\.connection) == [ConnectionID(raw: 2)])
        #expect(scene.has(1, scene.admitted(2)))
    }

    @Test("Who dies while a bucket is restored is told as gone once that stands in the room")
    func deathInBarrier() {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        scene.join(1, 2)
        scene.keys = [:]
        let epoch = BucketEpoch(createdAt: 2, nonce: 2 << 20)
        scene.give(0, .bus(.connected(epoch)))
        scene.give(0, .bus(.watchedAll))
        let victim = scene.nodes[1].incarnation
        let record = NodeRecord(.dead, epoch: epoch)
        scene.give(0, .bus(.watched(.node(victim), record.encoded, Revision(raw: 3 << 20))))
        #expect(scene.left(0).isEmpty)
        scene.cut.insert(1)
        scene.run(8000)
        #expect(scene.left(0) == [.lost])
    }

    @Test("An empty room is purged two minutes later")
    func emptyRoom() {
        var scene = ClusterScene(1)
        scene.join(0, 1)
        scene.give(0, .leave(ConnectionID(raw: 1), Self.room, .left))
        scene.run(119_000)
        #expect(scene.document?.room.members.isEmpty == true)
        scene.run(2000)
        #expect(scene.document == nil)
    }

    @Test("A room whose document would be too long is full")
    func tooLong() {
        var scene = ClusterScene(1)
        let name = String(repeating: "n", count: 300_000)
        for id in 1...4 as ClosedRange<UInt64> {
            let member = RoomMember(
                connection: ConnectionID(raw: id), route: .v1(subject: nil),
                peerID: PeerID("p\(id)"), name: name)
            scene.give(0, .join(member, Self.room, sdp: nil))
        }
        #expect(scene.has(0, scene.admitted(3)))
        #expect(scene.has(0, .refused(ConnectionID(raw: 4), Self.room, .roomFull)))
        scene.run(1000)
        #expect(scene.document?.room.members.count == 3)
    }

    @Test("Frames that are none, of strangers and of the dead are passed over")
    func strangers() {
        var scene = ClusterScene(2)
        let mail = ClusterMail.kick(number: 1, ConnectionID(raw: 1))
        let line = Link<ClusterMail>.Frame(first: 1, mails: [mail], acknowledged: 0)
        let own = scene.nodes[0].incarnation
        let stranger = ClusterFrame(from: Incarnation(raw: 99), to: own, line)
        for bytes in [[1, 2, 3], stranger.encoded] { scene.give(0, .bus(.frame(bytes))) }
        #expect(!scene.has(0, .kick(ConnectionID(raw: 1))))
    }

    @Test("What is said to one whose own node does not know yet that it is in waits there")
    func earlyPayload() {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        scene.unanswered = [1]
        scene.join(1, 2)
        // It learns of the other by reading whether a refusal is right, and writes nothing.
        let refused = RoomMember(
            connection: ConnectionID(raw: 3), route: .v1(subject: nil), peerID: PeerID("p1"))
        scene.give(0, .join(refused, Self.room, sdp: nil))
        #expect(scene.has(0, .refused(ConnectionID(raw: 3), Self.room, .peerIDTaken)))
        let isSaid = scene.say(0, 1, to: 2, at: 1)
        func delivered() -> [IncomingPayload] {
            scene.said[1].compactMap { effect in
                if case .deliver(let payload) = effect { payload } else { nil }
            }
        }
        #expect(isSaid && delivered().isEmpty && !scene.has(1, scene.admitted(2)))
        scene.unanswered = []
        scene.run(500)
        #expect(delivered().map(\.targets) == [[ConnectionID(raw: 2)]])
        #expect(scene.has(1, scene.admitted(2)))
    }

    @Test("A newcomer hears nothing of those who were gone before it was told who is there")
    func newcomer() {
        var scene = ClusterScene(3)
        scene.delivers = true
        scene.join(0, 1)
        scene.join(1, 2)
        // It is in, and its own node does not know.
        scene.unanswered = [2]
        scene.cutLines = [[0, 1], [0, 2], [1, 2]]
        scene.join(2, 3)
        scene.join(1, 4)
        let isSaid = scene.say(1, 2, to: 3, at: 2)
        guard var document = scene.document else { return }
        document.leave(ConnectionID(raw: 2), .replaced)
        scene.put(document)
        scene.unanswered = []
        scene.run(500)
        let isTold = scene.said[2].contains { if case .tell = $0 { true } else { false } }
        #expect(isTold)
        scene.cutLines = []
        scene.run(2000)
        #expect(isSaid && scene.delivered(2) == 0)
        #expect(scene.has(1, .answered(ticket: 1, isKept: false)) && scene.isAtRest)
    }

    @Test("What is said in a room that its target has left reaches it, if they share another one")
    func otherRoom() {
        var scene = ClusterScene(2)
        let other = RoomPlace(
            digest: RoomDigest(bytes: Array(repeating: 2, count: 32)), clientID: "a", name: "s")
        for (node, id) in [(0, 1 as UInt64), (1, 2)] {
            scene.join(node, id)
            scene.join(node, id, in: other)
        }
        scene.mute = [1]
        scene.give(1, .leave(ConnectionID(raw: 2), Self.room, .left))
        scene.run(200)
        let isLeft = scene.has(1, .left(ConnectionID(raw: 2), Self.room))
        let isSaid = scene.say(0, 1, to: 2, at: 1)
        #expect(isLeft && isSaid)
        let places = scene.said[1].compactMap { effect -> RoomPlace? in
            if case .deliver(let payload) = effect { payload.room } else { nil }
        }
        #expect(places == [other])
    }

    @Test("More than may be unanswered is refused, until it is answered")
    func full() {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        scene.join(1, 2)
        scene.mute = [0]
        var count = 0
        while count < 10_000, scene.say(0, 1, to: 2, at: 1) { count += 1 }
        #expect(count == 2048)
        scene.mute = []
        for _ in 0..<40 {
            let before = scene.said[1].count
            scene.run(100)
            for case .deliver(let payload) in scene.said[1][before...] {
                scene.give(1, .delivered(payload.receipt, isTaken: true))
            }
        }
        #expect(scene.has(0, .hasRoom(Incarnation(raw: 2))))
        let isSaid = scene.say(0, 1, to: 2, at: 1)
        #expect(isSaid)
    }

    @Test("A leave waits for what was said before, and a join behind it for the leave")
    func heldLeave() {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        scene.join(1, 2)
        let isSaid = scene.say(0, 1, to: 2, at: 1)
        #expect(isSaid)
        scene.give(0, .leave(ConnectionID(raw: 1), Self.room, .left))
        scene.join(0, 1)
        #expect(!scene.has(0, .left(ConnectionID(raw: 1), Self.room)))
        for case .deliver(let payload) in scene.said[1] {
            scene.give(1, .delivered(payload.receipt, isTaken: true))
        }
        #expect(scene.has(0, .left(ConnectionID(raw: 1), Self.room)))
        scene.run(300)
        #expect(scene.said[0].filter { $0 == scene.admitted(1) }.count == 2)
        #expect(scene.document?.room.members.count == 2)
    }

    @Test("A kick finds a connection of whatever node, and says where there is none")
    func kicks() {
        var scene = ClusterScene(2)
        for (ticket, wasThere) in [(1 as UInt64, true), (2, false)] {
            let one = ConnectionID(raw: ticket)
            let outcome = wasThere ? KickOutcome.closed(at: "n1") : .nowhere
            scene.give(0, .kick(one, ticket: ticket))
            scene.give(0, .kicked(one, wasHere: false))
            #expect(scene.has(1, .kick(one)))
            #expect(!scene.has(0, .kickAnswered(ticket: ticket, outcome)))
            scene.give(1, .kicked(one, wasHere: wasThere))
            #expect(scene.has(0, .kickAnswered(ticket: ticket, outcome)))
        }
    }

    @Test(
        "A kick of one whom no node has is not answered so while a node is silent, but by its name")
    func kickWithSilentNode() {
        var scene = ClusterScene(2)
        scene.mute = [1]
        let one = ConnectionID(raw: 1)
        scene.give(0, .kick(one, ticket: 1))
        scene.give(0, .kicked(one, wasHere: false))
        scene.run(Timing().kickWait - 200)
        #expect(!scene.has(0, .kickAnswered(ticket: 1, .silent(["n1"]))))
        scene.run(500)
        #expect(scene.has(0, .kickAnswered(ticket: 1, .silent(["n1"]))), "\(scene.said[0])")
        #expect(!scene.has(0, .kickAnswered(ticket: 1, .nowhere)))
    }

    @Test("Writes, conflicts, deaths, and what is sent once more are counted")
    func tally() {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        let before = scene.nodes[0].counted
        #expect(before.accepted > 1 && before.died == 0 && scene.nodes[0].livingCount == 2)
        scene.join(1, 2)
        scene.mute = [0]
        let isSaid = scene.say(0, 1, to: 2, at: 1)
        #expect(isSaid)
        scene.run(1000)
        #expect(scene.nodes[0].counted.resent > before.resent)
        scene.give(0, .bus(.frame([1, 2, 3])))
        #expect(scene.nodes[0].counted.unreadable == 1)
    }

    @Test("Whoever leaves in order does so when its members have")
    func farewell() {
        var scene = ClusterScene(1)
        scene.join(0, 1)
        scene.give(0, .farewell)
        scene.run(200)
        #expect(scene.nodes[0].standing == .member)
        scene.join(0, 2)
        #expect(
            scene.has(0, .refused(ConnectionID(raw: 2), Self.room, .temporarilyUnavailable)))
        scene.give(0, .leave(ConnectionID(raw: 1), Self.room, .closed))
        scene.run(200)
        #expect(scene.nodes[0].standing == .left)
    }
}
