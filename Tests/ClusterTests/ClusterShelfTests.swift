import Cluster
import Identifiers
import Rooms
import Sessions
import Signalling
import TestSupport
import Testing

/// Sessions that wait for the next process of a node's name (docs/architecture.md §14).
@Suite("A node leaves sessions to the next process of its name")
struct ClusterShelfTests {
    private static let (one, two) = (ConnectionID(raw: 1), ConnectionID(raw: 2))

    private static func begun() -> ClusterScene {
        var scene = ClusterScene(1)
        scene.join(0, 1)
        scene.join(0, 2)
        scene.run(300)
        return scene
    }

    @Test("Their seats stay, and the next process has all of a room by one write")
    func comeBack() {
        var scene = Self.begun()
        let old = scene.nodes[0].incarnation
        let shelf = scene.shelve(0)
        #expect(scene.nodes[0].standing == .left && shelf.sessions.count == 2)
        #expect(scene.document?.home(of: Self.one) == old)
        let node = scene.start("n0", awaitsShelf: true)
        scene.said[node] = []
        scene.give(node, .putBack(shelf.sessions, from: shelf.home))
        for connection in [Self.one, Self.two] {
            #expect(scene.has(node, .cameBack(connection, isHere: true)))
            #expect(scene.document?.home(of: connection) == scene.nodes[node].incarnation)
        }
        #expect(scene.writes(node) == 1 && scene.reads(node) == 1)
        #expect(!scene.said[node].contains { if case .tell = $0 { true } else { false } })
        scene.run(6000)
        #expect(scene.sessions[node] == [1, 2] && scene.nodes[node].isAtRest)
    }

    @Test("What a node left that ended in order is swept by nobody while it may come for it")
    func sweep() {
        var scene = Self.begun()
        let shelf = scene.shelve(0)
        let other = scene.start("n1")
        scene.run(10_000)
        #expect(scene.document?.room.members.count == 2)
        let node = scene.start("n0", awaitsShelf: true)
        scene.run(5000)
        scene.give(node, .putBack(Array(shelf.sessions.prefix(1)), from: shelf.home))
        #expect(scene.document?.room.members.map(\.connection) == [Self.one])
        // Whoever is here hears that the other did not come.
        #expect(scene.left(node) == [.lost] && scene.left(other).isEmpty)
    }

    @Test("Later, or of one that was declared dead, it is swept, but by none that may have it")
    func sweepLater() {
        var scene = Self.begun()
        _ = scene.shelve(0)
        _ = scene.start("n1")
        scene.run(1_000_000, step: 500)
        #expect(scene.document?.room.members.isEmpty != false)
        scene = Self.begun()
        scene.kill(0)
        let node = scene.start("n0", awaitsShelf: true)
        scene.run(10_000)
        #expect(scene.document?.room.members.count == 2)
        scene.give(node, .putBack([], from: Incarnation(raw: 0)))
        scene.run(5000)
        #expect(scene.document?.room.members.isEmpty != false)
    }

    @Test("Where somebody met them first they are gone, of which nobody hears")
    func met() {
        var scene = Self.begun()
        let shelf = scene.shelve(0)
        let other = scene.start("n1")
        scene.join(other, 3)
        scene.run(300)
        #expect(scene.document?.room.members.map(\.connection.raw) == [3])
        let node = scene.start("n0", awaitsShelf: true)
        scene.give(node, .putBack(shelf.sessions, from: shelf.home))
        for connection in [Self.one, Self.two] {
            #expect(scene.has(node, .cameBack(connection, isHere: false)))
        }
        // They were never on their way from another node.
        let counted = scene.nodes[node].counted
        #expect(counted.lostOnTheWay == 0 && counted.diedOnTheWay == 0)
        scene.run(6000)
        #expect(scene.left(other).isEmpty)
        #expect(scene.nodes[other].isAtRest && scene.nodes[node].isAtRest)
        #expect(scene.document?.room.members.map(\.connection.raw) == [3])
    }

    @Test("Another node that asks for one waits until it is known what was left")
    func asked() {
        var scene = Self.begun()
        let shelf = scene.shelve(0)
        let other = scene.start("n1")
        let node = scene.start("n0", awaitsShelf: true)
        scene.resume(other, 1, from: 0)
        scene.resume(other, 9, from: 0)
        scene.run(3000)
        #expect(!scene.said[other].contains { $0.isAnswerToResume })
        scene.give(node, .putBack(shelf.sessions, from: shelf.home))
        scene.run(300)
        #expect(scene.has(other, .resumable(Self.one)))
        #expect(scene.has(other, .unresumable(ConnectionID(raw: 9), ClusterScene.claim(9))))
        #expect(scene.sessions[other] == [1] && scene.sessions[node] == [2])
        scene.run(70_000)
        #expect(scene.left(other).isEmpty)
        #expect(scene.nodes[other].isAtRest && scene.nodes[node].isAtRest)
    }

    @Test("It waits for that no longer than for any, as long as what was left is not told")
    func askedTooLong() {
        var scene = Self.begun()
        _ = scene.shelve(0)
        let other = scene.start("n1")
        let node = scene.start("n0", awaitsShelf: true)
        scene.resume(other, 9, from: 0)
        scene.run(2 * Timing().handOverWait + 1000)
        #expect(scene.has(other, .unresumable(ConnectionID(raw: 9), ClusterScene.claim(9))))
        scene.give(node, .putBack([], from: Incarnation(raw: 0)))
        scene.run(300)
        #expect(scene.nodes[other].isAtRest && scene.nodes[node].isAtRest)
    }

    @Test("A node whose farewell is on its way to the store takes nothing back")
    func putBackAfterFarewell() {
        var scene = Self.begun()
        let shelf = scene.shelve(0)
        let node = scene.start("n0", awaitsShelf: true)
        scene.cut = [node]
        scene.give(node, .farewell)
        scene.give(node, .putBack(shelf.sessions, from: shelf.home))
        for connection in [Self.one, Self.two] {
            #expect(scene.has(node, .cameBack(connection, isHere: false)))
        }
        scene.cut = []
        scene.run(1000)
        #expect(scene.nodes[node].standing == .left && scene.sessions[node].isEmpty)
    }

    @Test("One that is about to leave a room is not left, nor one of which a room is not known")
    func notLaid() {
        var scene = Self.begun()
        scene.stuck = [0]
        scene.give(0, .leave(Self.one, ClusterScene.room, .left))
        #expect(scene.shelve(0).sessions.map(\.record.connection) == [Self.two])
        scene.stuck = []
        scene.run(1000)
        // It leaves before the node does.
        #expect(scene.nodes[0].standing == .left)
        #expect(scene.document?.room.members.map(\.connection) == [Self.two])
    }

    @Test("In another bucket nobody comes back")
    func otherBucket() {
        var scene = Self.begun()
        let shelf = scene.shelve(0)
        let document = scene.document
        let node = scene.start("n0", awaitsShelf: true, in: BucketEpoch(createdAt: 9, nonce: 9))
        scene.run(7000)
        scene.give(node, .putBack(shelf.sessions, from: shelf.home))
        #expect(scene.has(node, .cameBack(Self.one, isHere: false)))
        #expect(scene.document == document && scene.sessions[node].isEmpty)
    }

    // MARK: Bytes

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        let sum = bytes.enumerated().reduce(UInt64(7)) {
            ($0 ^ UInt64($1.element) ^ UInt64($1.offset)) &* 0x100_0000_01B3
        }
        return (0..<32).map { UInt8(truncatingIfNeeded: sum >> UInt64($0 % 8 * 8)) }
    }

    @Test("The shelf's bytes are read again, and nothing else is taken for them")
    func bytes() throws {
        var scene = Self.begun()
        let left = scene.shelve(0)
        let shelf = NodeShelf(writtenAt: 1000, left.home, left.sessions, in: 1)
        let bytes = shelf.encoded(sha256: Self.digest)
        #expect(try NodeShelf(bytes, upTo: 1, at: 1000, sha256: Self.digest) == shelf)
        let waiting = try NodeShelf(
            bytes, upTo: 1, at: 1000, graceSeconds: 30, sha256: Self.digest)
        #expect(waiting.sessions.map(\.graceSeconds) == [30, 30])
        for count in bytes.indices {
            #expect(throws: ShelfFault.self) {
                try NodeShelf(Array(bytes.prefix(count)), upTo: 1, at: 1000, sha256: Self.digest)
            }
        }
        #expect(throws: ShelfFault.torn) {
            try NodeShelf(bytes + [0], upTo: 1, at: 1000, sha256: Self.digest)
        }
        #expect(throws: ShelfFault.tooOld) {
            try NodeShelf(bytes, upTo: 1, at: 1601, sha256: Self.digest)
        }
        #expect(throws: ShelfFault.clock) {
            try NodeShelf(bytes, upTo: 1, at: 980, sha256: Self.digest)
        }
        #expect(throws: ShelfFault.torn) { try Shelf(bytes, at: 1000, sha256: Self.digest) }
        var random = SeededGenerator(seed: 1)
        for place in bytes.indices.dropLast(32) {
            var other = Array(bytes.dropLast(32))
            other[place] = .random(in: 0...255, using: &random)
            other += Self.digest(other)
            guard let read = try? NodeShelf(other, upTo: 1, at: 1000, sha256: Self.digest)
            else { continue }
            #expect(
                read.encoded(sha256: Self.digest) == other || read.writtenAt != shelf.writtenAt)
        }
    }

    @Test("No session is in it twice")
    func twice() {
        var scene = Self.begun()
        let left = scene.shelve(0)
        let twice = NodeShelf(
            writtenAt: 0, left.home, left.sessions + left.sessions.prefix(1), in: 1)
        #expect(throws: ShelfFault.torn) {
            try NodeShelf(
                twice.encoded(sha256: Self.digest), upTo: 1, at: 0, sha256: Self.digest)
        }
    }

    @Test("It is in the cluster's format: a version that does not read that drops it")
    func format() throws {
        var scene = Self.begun()
        let left = scene.shelve(0)
        for (format, reads) in [(1, 1), (1, 2), (2, 2)] as [(UInt8, UInt8)] {
            let shelf = NodeShelf(writtenAt: 0, left.home, left.sessions, in: format)
            let bytes = shelf.encoded(sha256: Self.digest)
            let read = try NodeShelf(bytes, upTo: reads, at: 0, sha256: Self.digest)
            #expect(read == shelf && read.sessions.count == 2)
        }
        let newer = NodeShelf(writtenAt: 0, left.home, left.sessions, in: 2)
        #expect(throws: ShelfFault.version) {
            try NodeShelf(
                newer.encoded(sha256: Self.digest), upTo: 1, at: 0, sha256: Self.digest)
        }
    }
}

extension ClusterScene {
    /// Starts one more process.
    mutating func start(
        _ name: String, awaitsShelf: Bool = false, in epoch: BucketEpoch = Self.epoch
    ) -> Int {
        var configuration = ClusterNode.Configuration(
            nodeName: name, alike: [], membersPerRoomMax: 0)
        configuration.awaitsShelf = awaitsShelf
        let node = nodes.count
        nodes.append(ClusterNode(configuration, Incarnation(raw: UInt64(node) + 1)))
        said.append([])
        sessions.append([])
        give(node, .tick(now))
        give(node, .bus(.connected(epoch)))
        let known = keys.filter { !$0.key.isRoom }.sorted { $0.value.revision < $1.value.revision }
        for (key, value) in known where epoch == Self.epoch {
            give(node, .bus(.watched(key, value.bytes, value.revision)))
        }
        give(node, .bus(.watchedAll))
        run(1000)
        return node
    }

    /// Ends a process with what it leaves to the next.
    mutating func shelve(_ node: Int) -> NodeShelf {
        let list = sessions[node].sorted().map { id in
            ClusterNode.Shelving(record(of: ConnectionID(raw: id)), rooms: [Self.room])
        }
        sessions[node] = []
        give(node, .shelve(list))
        give(node, .farewell)
        run(300)
        let left = said[node].compactMap { effect in
            if case .shelved(let sessions) = effect { sessions } else { nil }
        }
        return NodeShelf(
            writtenAt: 0, nodes[node].incarnation, left.flatMap { $0 }, in: nodes[node].format)
    }

    func writes(_ node: Int) -> Int {
        said[node].count { if case .write(.room, _, _, _) = $0 { true } else { false } }
    }
}

extension ClusterNode.Effect {
    fileprivate var isAnswerToResume: Bool {
        switch self {
        case .resumable, .unresumable: true
        default: false
        }
    }
}
