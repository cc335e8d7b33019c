import Cluster
import Identifiers
import Rooms
import Signalling
import Testing

@Suite("A node whose store fails it (docs/decisions/0036)")
struct TroubleTests {
    private static let room = ClusterScene.room

    private static func refused(_ id: UInt64) -> ClusterNode.Effect {
        .refused(ConnectionID(raw: id), room, .temporarilyUnavailable)
    }

    @Test(
        "What is no document is written over, and costs nobody who is there a place",
        arguments: [
            [], [9, 9, 9], Array("UR".utf8), Array("UR\u{1}rubbish".utf8), Array("UR\u{0}".utf8),
            Array("UR\u{1}".utf8) + Array(repeating: 0, count: RoomDocument.bytesMax),
        ] as [[UInt8]])
    func garbage(_ bytes: [UInt8]) {
        var scene = ClusterScene(2)
        scene.put(bytes)
        scene.join(0, 1)
        scene.run(300)
        #expect(scene.has(0, scene.admitted(1)))
        scene.join(1, 2)
        scene.run(300)
        #expect(scene.document?.room.members.count == 2)
        scene.put(bytes)
        let before = scene.said.map(\.count)
        scene.join(0, 3)
        scene.run(300)
        #expect(scene.document?.room.members.count == 3 && scene.has(0, scene.admitted(3)))
        for node in 0...1 {
            let ends = scene.said[node][before[node]...].contains { effect in
                switch effect {
                case .ended, .tell(_, _, .left, _): true
                default: false
                }
            }
            #expect(!ends)
        }
    }

    @Test("A document of another room under this one's key counts for nothing")
    func foreign() throws {
        var scene = ClusterScene(1)
        var document = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "other")
        _ = try document.join(
            RoomMember(
                connection: ConnectionID(raw: 8), route: .v1(subject: nil), peerID: PeerID("p")),
            at: scene.nodes[0].incarnation)
        scene.put(document)
        scene.join(0, 1)
        scene.run(300)
        #expect(scene.document?.name == "r" && scene.document?.room.members.count == 1)
    }

    @Test("A newer document is never written over, and nobody waits for it for long")
    func newer() {
        var scene = ClusterScene(1)
        var bytes = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "r").encoded
        bytes[2] = 9
        scene.put(bytes)
        scene.join(0, 1)
        scene.run(2500)
        #expect(!scene.has(0, Self.refused(1)))
        scene.run(1000)
        #expect(scene.has(0, Self.refused(1)))
        scene.run(20_000)
        #expect(scene.keys[.room(Self.room.digest)]?.bytes == bytes)
        // Nor for a leave of one who is in it.
        scene.keys[.room(Self.room.digest)] = nil
        scene.join(0, 2)
        scene.run(300)
        #expect(scene.has(0, scene.admitted(2)))
        scene.put(bytes)
        scene.give(0, .leave(ConnectionID(raw: 2), Self.room, .left))
        scene.run(4000)
        #expect(scene.has(0, .left(ConnectionID(raw: 2), Self.room)))
        #expect(scene.keys[.room(Self.room.digest)]?.bytes == bytes)
        #expect(scene.nodes[0].isAtRest)
    }

    @Test("Who lost the bus for a moment lets people in, who wait until it is there again")
    func moment() {
        var scene = ClusterScene(1)
        scene.give(0, .bus(.disconnected))
        scene.cut = [0]
        scene.run(1000)
        scene.join(0, 1)
        scene.run(1000)
        #expect(scene.nodes[0].standing == .member && !scene.has(0, Self.refused(1)))
        scene.cut = []
        scene.give(0, .bus(.connected(ClusterScene.epoch)))
        scene.give(0, .bus(.watchedAll))
        scene.run(500)
        #expect(scene.has(0, scene.admitted(1)))
        scene.give(0, .bus(.disconnected))
        scene.run(3500)
        #expect(scene.nodes[0].standing == .cutOff)
    }

    @Test("A join that can't be written is refused after 10 s, and is no ghost if it was")
    func giveUp() {
        var scene = ClusterScene(1)
        scene.cut = [0]
        scene.join(0, 1)
        scene.run(9500)
        #expect(!scene.has(0, Self.refused(1)))
        scene.run(1000)
        #expect(scene.has(0, Self.refused(1)))
        scene.cut = []
        scene.unanswered = [0]
        scene.run(1000)
        scene.unanswered = []
        scene.run(2000)
        #expect(scene.document?.room.members.isEmpty != false && scene.nodes[0].isAtRest)
    }

    @Test("So many rooms ask at once and no more, and all get their turn")
    func manyRooms() {
        var node = ClusterScene(1).nodes[0]
        var requests: [UInt64] = []
        func note(_ effects: [ClusterNode.Effect]) {
            for case .write(.room, _, _, let request) in effects { requests.append(request) }
        }
        for number in 0..<3000 as Range<UInt64> {
            let digest = RoomDigest(
                bytes: [UInt8(number >> 8), UInt8(number & 255)] + Array(repeating: 0, count: 30))
            let place = RoomPlace(digest: digest, clientID: "a", name: RoomName("\(number)"))
            let member = RoomMember(
                connection: ConnectionID(raw: number), route: .v1(subject: nil), peerID: PeerID("p")
            )
            note(node.handle(.join(member, place, sdp: nil)))
        }
        #expect(requests.count == 2000)
        let first = requests
        for (index, request) in first.enumerated() {
            let revision = Revision(raw: 2 << 20 + UInt64(index))
            note(node.handle(.bus(.answer(.accepted(revision), request: request))))
        }
        #expect(requests.count == 3000)
    }
}
