import Cluster
import Foundation
import NATSBus
import Testing

/// What JetStream keeps (docs/decisions/0037).
@Suite(.enabled(if: NATSProcess.program != nil, NATSProcess.comment))
struct StoreTests {
    @Test("Of what is written, one revision is the base of the next, and of no other (0037)")
    func compareAndSet() async throws {
        let server = try await NATSProcess.started()
        let node = try await TestNode.start([server])
        let epoch = try await node.epoch()
        let key = StoreKey.room(1)
        #expect(try await node.read(key) == .found(nil, .absent))
        let first = try await node.put(key, "one")
        #expect(first.raw >= epoch.nonce, "no revision of a former bucket comes again")
        #expect(try await node.read(key) == .found(Array("one".utf8), first))
        #expect(try await node.write(key, "two", from: .absent) == .conflict)
        let second = try await node.put(key, "two", from: first)
        #expect(second > first)
        #expect(try await node.write(key, "three", from: first) == .conflict)
        #expect(try await node.read(key) == .found(Array("two".utf8), second))
        let long = [UInt8](repeating: 7, count: 1_000_000)
        let third = try await node.answer { .write(key, long, second, $0) }
        guard case .accepted(let revision) = third else { throw TestNode.NotTaken(answer: third) }
        #expect(try await node.read(key) == .found(long, revision))
        let empty = try await node.put(key, "", from: revision)
        #expect(try await node.read(key) == .found([], empty))
        node.bus.stop()
    }

    @Test("What is purged up to a revision is absent, and what came after it stays (0037)")
    func purge() async throws {
        let server = try await NATSProcess.started()
        let node = try await TestNode.start([server])
        let key = StoreKey.room(2)
        let first = try await node.put(key, "one")
        let other = try await node.put(.room(3), "other")
        node.bus.tell(.purge(key, first))
        try await node.waitUntilAbsent(key)
        #expect(try await node.read(.room(3)) == .found(Array("other".utf8), other))
        let second = try await node.put(key, "two")
        node.bus.tell(.purge(key, first))
        #expect(try await node.read(key) == .found(Array("two".utf8), second))
        node.bus.stop()
    }

    @Test("Rooms are walked over in the order in which they were written last, and nothing else")
    func walk() async throws {
        let server = try await NATSProcess.started()
        let node = try await TestNode.start([server])
        #expect(try await node.answer { .next(.absent, $0) } == .found(nil, .absent))
        _ = try await node.put(.room(2), "one")
        let third = try await node.put(.room(3), "three")
        _ = try await node.put(.node(Incarnation(raw: 1)), "node")
        guard case .found(_, let base) = try await node.read(.room(2)) else { return }
        let second = try await node.put(.room(2), "two", from: base)
        var walked: [StoreAnswer] = []
        var behind = Revision.absent
        while case .next(let room, let bytes, let revision) =
            try await node.answer({ [behind] in .next(behind, $0) })
        {
            walked.append(.next(room, bytes, revision))
            behind = revision
        }
        func digest(_ number: UInt8) -> RoomDigest? {
            if case .room(let room) = StoreKey.room(number) { room } else { nil }
        }
        let expected: [StoreAnswer] = [
            .next(digest(3), Array("three".utf8), third),
            .next(digest(2), Array("two".utf8), second),
        ]
        #expect(walked == expected)
        node.bus.stop()
    }

    @Test("Frames reach the incarnation that listens, and no former one; heartbeats reach all")
    func frames() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let one = try await TestNode.start([server], cluster)
        let two = try await TestNode.start([server], cluster)
        let stranger = try await TestNode.start([server])
        let (a, b) = (Incarnation(raw: 10), Incarnation(raw: 11))
        two.bus.tell(.listen(a))
        _ = try await two.read(.open)
        one.bus.tell([.send([1], a), .send([2], b), .heartbeat([3])])
        _ = try await two.wait { $0.events.contains(.heartbeat([3])) ? true : nil }
        two.bus.tell(.listen(b))
        _ = try await two.read(.open)
        one.bus.tell([.send([4], a), .send([5], b), .heartbeat([6])])
        _ = try await two.wait { $0.events.contains(.heartbeat([6])) ? true : nil }
        let frames = two.heard.now.events.compactMap { event in
            if case .frame(let bytes) = event { bytes } else { nil }
        }
        #expect(frames == [[1], [5]])
        #expect(!one.heard.now.events.contains(.heartbeat([6])), "one's own does not come back")
        #expect(!stranger.heard.now.events.contains(.heartbeat([6])))
        for node in [one, two, stranger] { node.bus.stop() }
    }
}
