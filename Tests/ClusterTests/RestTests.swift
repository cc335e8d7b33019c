import Bytes
import Cluster
import Identifiers
import Rooms
import Signalling
import Testing

@Suite("Rooms in which nothing happens (docs/architecture.md §14)")
struct RestTests {
    private static func place(_ number: Int) -> RoomPlace {
        let bytes = [UInt8](repeating: 0, count: 30) + [UInt8(number >> 8), UInt8(number & 255)]
        return RoomPlace(
            digest: RoomDigest(bytes: bytes), clientID: "a", name: RoomName("r\(number)"))
    }

    /// Two members, the first at the first node.
    private static func pair(_ nodes: Int = 2) -> ClusterScene {
        var scene = ClusterScene(nodes)
        scene.join(0, 1)
        scene.join(1, 2)
        return scene
    }

    @Test("A room rests once nobody has joined or left for a while, and not before")
    func rest() {
        var scene = Self.pair()
        #expect(scene.nodes[0].restingRooms == 0)
        scene.run(100)
        #expect(scene.nodes[0].restingRooms == 0)
        scene.run(400)
        #expect(scene.nodes[0].restingRooms == 1)
        #expect(scene.nodes[1].restingRooms == 1)
        #expect(scene.nodes[0].isAtRest)
    }

    @Test("What is said to one member goes through a room that rests, and leaves it so")
    func payload() {
        var scene = Self.pair()
        scene.run(500)
        let isTaken = scene.say(0, 1, to: 2, at: 1)
        #expect(isTaken)
        let delivered = scene.said[1].contains { effect in
            guard case .deliver(let payload) = effect else { return false }
            return payload.sender == ConnectionID(raw: 1) && payload.event == [7]
        }
        #expect(delivered)
        #expect(scene.nodes[0].restingRooms == 1)
        #expect(scene.nodes[1].restingRooms == 1)
    }

    @Test("Whoever joins or leaves a room that rests meets it as it was")
    func join() {
        var scene = Self.pair()
        scene.run(500)
        scene.join(0, 3)
        #expect(scene.has(0, scene.admitted(3)))
        #expect(scene.nodes[0].restingRooms == 0)
        // Each of those who were there is told once.
        for (node, member) in [(0, 1), (1, 2)] {
            let joined = scene.said[node].count { effect in
                guard case .tell(let connection, _, .joined(let other), _) = effect else {
                    return false
                }
                return connection.raw == UInt64(member) && other.connection.raw == 3
            }
            #expect(joined == 1)
        }
        scene.run(500)
        scene.give(1, .leave(ConnectionID(raw: 2), ClusterScene.room, .left))
        #expect(scene.document?.room.members.map(\.connection.raw) == [1, 3])
        scene.run(500)
        #expect(scene.nodes[0].restingRooms == 1)
        #expect(scene.nodes[1].restingRooms == 0)
        #expect(scene.nodes[1].revision(of: ClusterScene.room.digest) == nil)
    }

    @Test("A node that dies is missed in rooms that rest, and others rest on beside its memory")
    func death() {
        var scene = Self.pair()
        scene.run(500)
        scene.kill(1)
        scene.run(12_000)
        #expect(scene.document?.room.members.map(\.connection.raw) == [1])
        #expect(scene.nodes[0].restingRooms == 1)
        scene.join(0, 5, in: Self.place(1))
        scene.run(500)
        #expect(scene.nodes[0].restingRooms == 2)
    }

    @Test("A node's death wakes rooms in which it was alone, and that it is forgotten wakes none")
    func othersDeath() {
        // By a number that nothing else has: a look at one that rests may be wrong.
        var scene = Self.pair(9)
        scene.join(0, 3, in: Self.place(1))
        scene.join(8, 4, in: Self.place(1))
        scene.run(500)
        #expect(scene.nodes[0].restingRooms == 2)
        scene.kill(8)
        while scene.nodes[0].gone.isEmpty, scene.now < 60_000 { scene.run(100) }
        #expect(scene.nodes[0].gone.count == 1)
        #expect(scene.nodes[0].restingRooms == 1)
        scene.run(12_000)
        #expect(scene.nodes[0].restingRooms == 2)
        while !scene.nodes[0].gone.isEmpty, scene.now < 4_000_000 { scene.run(1000, step: 1000) }
        #expect(scene.nodes[0].gone == [])
        #expect(scene.nodes[0].restingRooms == 2)
        // Whoever joins there waits for nobody, though it was one of the last who left.
        #expect(scene.keys[.node(scene.nodes[8].incarnation)] == nil)
        scene.join(1, 5, in: Self.place(1))
        #expect(scene.has(1, .admitted(ConnectionID(raw: 5), Self.place(1))))
        scene.run(500)
        #expect(scene.nodes[0].restingRooms == 2)
    }

    @Test("A node's death is told in all of very many rooms, not at once and within a second")
    func manyDeaths() {
        var scene = ClusterScene(2)
        let count: UInt64 = 1200
        for number in 0..<count {
            scene.join(0, 2 * number + 1, in: Self.place(Int(number)))
            scene.join(1, 2 * number + 2, in: Self.place(Int(number)))
        }
        scene.run(1500)
        #expect(scene.nodes[0].restingRooms == 1200)
        scene.kill(1)
        while scene.nodes[0].gone.isEmpty, scene.now < 60_000 { scene.run(100) }
        let toldAtOnce = scene.left(0).count
        #expect(toldAtOnce > 0 && toldAtOnce < 1200)
        scene.run(1000)
        #expect(scene.left(0) == Array(repeating: .lost, count: 1200))
    }

    @Test("Rooms of a burst all come to rest, and are found again")
    func many() {
        var scene = ClusterScene(1)
        for number in 0..<200 { scene.join(0, UInt64(number) + 1, in: Self.place(number)) }
        scene.run(600)
        #expect(scene.nodes[0].restingRooms == 200)
        for number in 0..<200 {
            let connection = ConnectionID(raw: UInt64(number) + 1)
            scene.give(0, .leave(connection, Self.place(number), .left))
        }
        #expect(scene.nodes[0].restingRooms == 0)
        let node = scene.nodes[0]
        #expect((0..<200).allSatisfy { node.revision(of: Self.place($0).digest) == nil })
    }
}
