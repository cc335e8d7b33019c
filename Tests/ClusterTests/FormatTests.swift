import Bytes
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

    private static func tooNew(_ nodes: (name: String, reads: Int)...) -> NodeStanding {
        .refused(
            .formatTooNew(
                at: nodes.map { node in
                    .init(name: ByteText(node.name), version: ByteText("v\(node.reads)"))
                }))
    }

    @Test("It is raised a minute after all that live can read the next one, and never lowered")
    func raise() {
        var net = KeysNet()
        net.start(reads: 1)
        net.start(reads: 2)
        net.start(reads: 3)
        net.run(12_000)
        #expect(net.nodes.map(\.standing) == [.member, .member, .member])
        #expect(Self.format(net) == nil && net.nodes.map(\.format) == [1, 1, 1])
        // The one that is in the way is replaced, and then the next.
        net.tell(0) { $0.farewell(&$1) }
        net.start(name: "n0", reads: 3)
        net.run(59_000)
        #expect(Self.format(net) == nil)
        net.run(2000)
        #expect(Self.format(net) == 2 && net.nodes[1...].allSatisfy { $0.format == 2 })
        net.tell(1) { $0.farewell(&$1) }
        net.start(name: "n1", reads: 3)
        net.run(61_000)
        #expect(Self.format(net) == 3)
        #expect(net.nodes[2].standing == .member && net.nodes[4].standing == .member)
        // A roll-back comes too late, and is told who is in its way.
        net.start(reads: 2)
        #expect(net.nodes[5].standing == .joining(StableCode("older_format")))
        net.run(1000)
        #expect(net.nodes[5].standing == Self.tooNew(("n0", 3), ("n1", 3), ("n2", 3)))
        #expect(net.record(5) == nil)
    }

    @Test("The last of an older version holds it, however often it is started again")
    func hold() {
        var net = KeysNet()
        for reads: UInt8 in [2, 2, 1] { net.start(reads: reads) }
        net.run(12_000)
        for life in 0..<4 {
            let last = net.nodes.count - 1
            if life % 2 == 0 {
                net.tell(last) { $0.farewell(&$1) }
            } else {
                net.stopped.insert(last)
            }
            net.run(50_000)
            #expect(Self.format(net) == nil, "life \(life)")
            net.start(name: "n2", reads: 1)
            net.run(9000)
            #expect(net.nodes[last + 1].standing == .member, "life \(life)")
        }
        net.tell(net.nodes.count - 1) { $0.farewell(&$1) }
        net.start(name: "n2", reads: 2)
        net.run(59_000)
        #expect(Self.format(net) == nil)
        net.run(2000)
        #expect(Self.format(net) == 2)
    }

    @Test("An older one that is down holds it for ten minutes, unless one of its name comes")
    func down() {
        for isKilled in [false, true] {
            var net = KeysNet()
            for reads: UInt8 in [2, 2, 1] { net.start(reads: reads) }
            net.run(12_000)
            if isKilled { net.stopped.insert(2) } else { net.tell(2) { $0.farewell(&$1) } }
            net.run(590_000)
            #expect(Self.format(net) == nil, "killed: \(isKilled)")
            net.start(name: "n2", reads: 1)
            net.run(9000)
            #expect(net.nodes[3].standing == .member, "killed: \(isKilled)")
            net.tell(3) { $0.farewell(&$1) }
            net.run(599_000)
            #expect(Self.format(net) == nil, "killed: \(isKilled)")
            net.run(2000)
            #expect(Self.format(net) == 2, "killed: \(isKilled)")
        }
    }

    @Test("Whoever has another connection counts the minute anew")
    func connection() {
        var net = KeysNet()
        net.start(reads: 2)
        net.run(50_000)
        net.tell(0) { $0.disconnected(&$1) }
        net.run(500)
        net.connect(0)
        net.run(59_000)
        #expect(Self.format(net) == nil)
        net.run(4000)
        #expect(Self.format(net) == 2)
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
        #expect(net.nodes[2].standing == Self.tooNew(("n0", 2), ("n3", 2)))
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
        #expect(net.nodes[0].standing == .refused(.formatTooNew(at: [])))
    }

    @Test("What was in use in the former bucket is used in a new one at once, unless an older came")
    func formerBucket() {
        for hasOlder in [false, true] {
            var net = KeysNet()
            net.start(reads: 2)
            net.run(67_000)
            #expect(net.nodes[0].format == 2)
            net.vanish()
            net.nodes[0].hasWrittenBack = false
            net.connect(0)
            #expect(net.nodes[0].format == 1)
            if hasOlder { net.start(reads: 1) }
            net.nodes[0].hasWrittenBack = true
            net.run(12_000)
            #expect(Self.format(net) == (hasOlder ? nil : 2))
            guard hasOlder else { continue }
            #expect(net.nodes[1].standing == .member)
            net.tell(1) { $0.farewell(&$1) }
            net.start(name: "n1", reads: 2)
            net.run(59_000)
            #expect(Self.format(net) == nil)
            net.run(2000)
            #expect(Self.format(net) == 2)
        }
    }

    @Test("Rooms are written in the format in use, and read in all before it")
    func rooms() throws {
        var scene = ClusterScene(2, reads: 2)
        scene.run(61_000)
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

    @Test("Sessions go from the next version to this one, and back, and all is read that is said")
    func sessions() {
        for (reads, format) in [([2, 1], 1), ([1, 2], 1), ([2, 2], 2)] as [([UInt8], UInt8)] {
            var scene = ClusterScene(reads: reads)
            scene.run(61_000)
            scene.join(0, 1)
            scene.join(1, 2)
            scene.run(300)
            for (home, node) in [(0, 1), (1, 0)] {
                scene.resume(node, 1, from: home)
                scene.run(300)
                #expect(scene.has(node, .resumable(ConnectionID(raw: 1))), "\(reads) to \(node)")
            }
            #expect(scene.nodes.map(\.format) == [format, format])
            #expect(scene.nodes.map(\.counted.unreadable) == [0, 0], "\(reads)")
            #expect(scene.left(1).isEmpty)
        }
    }

    @Test("What the imagined version writes differs in more than its number")
    func imagined() {
        let document = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "r")
        for format: UInt8 in [1, 2] {
            var bytes = document.encoded(in: format)
            bytes[2] = 3 - format
            #expect(throws: DocumentFault.malformed) { try RoomDocument(bytes, upTo: 2) }
        }
        // What it says besides is passed over.
        var scene = ClusterScene(reads: [2, 1])
        scene.join(1, 1)
        scene.join(0, 2)
        scene.run(300)
        #expect(scene.nodes[1].counted.passedOver > 0 && scene.nodes[0].counted.passedOver == 0)
    }
}
