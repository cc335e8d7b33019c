import Bytes
import Identifiers
import Locking
import Signalling
import StrictJSON
import Tables
import Testing

@testable import ServerlessRelay

/// What one client, or a step that failed, could do to others.
@Suite struct StoreHostileTests {
    private let room = ItemKey("R#1#c#r")

    @Test("A connection that stands twice in a room keeps nobody out", arguments: [0, 2])
    func twice(membersMax: Int) throws {
        var limits = StoreLimits()
        limits.roomMembersMax = membersMax
        let world = StoreWorld(limits)
        let one = try Peer(world, "a")
        #expect(try one.join("r") == nil)
        // As of two joins at a time, under two ids.
        try world.table.state.withLock { state in
            var item = try #require(state.items[room])
            let order = try #require(item["order"]?.number)
            var member = try #require(item["m:v1:a"]?.map)
            member["p"] = .text("b")
            item["m:v1:b"] = .map(member)
            item["o:v1:b"] = .number(order + 1)
            item["order"] = .number(order + 1)
            item["count"] = .number(2)
            state.items[room] = item
        }
        let two = try Peer(world, "a")
        #expect(try two.join("r") == nil)
        #expect(world.members(of: "r") == [one.id, two.id])
        #expect(world.table.state.withLock { $0.items[room]?["count"] } == .number(2))
        try two.leave("r")
        #expect(world.members(of: "r") == [one.id])
        #expect(world.table.state.withLock { $0.items[room]?["count"] } == .number(1))
    }

    @Test("Joins at a time do not pass the limit of rooms together")
    func rooms() throws {
        var limits = StoreLimits()
        limits.roomsPerConnectionMax = 1
        let world = StoreWorld(limits)
        let one = try Peer(world, "a")
        let before = try #require(try one.view())
        #expect(try one.join("r") == nil)
        let refused = try world.store.join(
            before, room: "other", peerID: one.peerID, name: "N", sdp: nil, ack: nil,
            in: world.invocation())
        #expect(refused == .tooManyRooms)
        #expect(world.members(of: "other").isEmpty)
        #expect(try one.view()?.rooms == ["r"])
    }

    @Test("Nor do joins of rooms that were left")
    func roomsAnew() throws {
        var limits = StoreLimits()
        limits.roomsPerConnectionMax = 2
        let world = StoreWorld(limits)
        let one = try Peer(world, "a")
        #expect(try one.join("r") == nil)
        for room: RoomName in ["x", "y"] {
            #expect(try one.join(room) == nil)
            try one.leave(room)
        }
        let before = try #require(try one.view())
        #expect(try one.join("x") == nil)
        let refused = try world.store.join(
            before, room: "y", peerID: one.peerID, name: "N", sdp: nil, ack: nil,
            in: world.invocation())
        #expect(refused == .tooManyRooms)
        #expect(world.members(of: "y").isEmpty)
        #expect(try one.view()?.rooms == ["r", "x"])
    }

    /// A peer to which timers will send five chats; `afterThree` is told of each post to it that
    /// comes when three of them were sent.
    private func owed(
        _ world: StoreWorld, afterThree: @escaping @Sendable (MemoryGateway, ByteText) -> Void
    ) throws -> Peer {
        let (one, two) = (try Peer(world, "a"), try Peer(world, "b"))
        for peer in [one, two] { #expect(try peer.join("r") == nil) }
        world.gateway.isDown.withLock { $0 = true }
        for number in 0..<5 { try two.send("\(number)", to: one) }
        world.gateway.isDown.withLock { $0 = false }
        let (sent, connection) = (one.texts.count, one.gateway)
        world.gateway.onPost.withLock { [gateway = world.gateway] onPost in
            onPost = { other in
                let count = gateway.state.withLock { $0.posts[connection]?.count ?? 0 }
                if other == connection, count == sent + 3 { afterThree(gateway, connection) }
            }
        }
        world.pass(seconds: 8)
        return one
    }

    @Test("What was sent in part is sent again whole")
    func inPart() throws {
        let world = StoreWorld()
        let one = try owed(world) { gateway, connection in
            gateway.state.withLock { _ = $0.gone.insert(connection) }
        }
        let seq = one.lastSeq
        try world.runTimers()
        #expect(one.chats == ["0", "1", "2"])
        let (old, secret) = try one.reconnect()
        #expect(try one.resume(old, secret, after: seq))
        #expect(one.chats == ["0", "1", "2", "3", "4"])
    }

    @Test("What was sent in part before the gateway was down is sent on, and kept for a resume")
    func inPartForNow() throws {
        let world = StoreWorld()
        let refused = Lock(0)
        let one = try owed(world) { gateway, _ in
            // For longer than one delivery waits.
            let isDown = refused.withLock { refused in
                refused += 1
                return refused <= 15
            }
            gateway.isDown.withLock { $0 = isDown }
        }
        let seq = one.lastSeq
        try world.runTimers()
        #expect(refused.withLock { $0 } > 15)
        #expect(one.chats == ["0", "1", "2", "3", "4"])
        let (old, secret) = try one.reconnect()
        #expect(try one.resume(old, secret, after: seq + 1))
        let numbers = one.all.filter { $0.type == "chat" }.compactMap(\.seq)
        #expect(numbers.map { $0 - Int64(seq) } == [1, 2, 3, 4, 5, 2, 3, 4, 5])
    }

    @Test("Many whose tokens were taken back end, and do not end over each other")
    func manyRevoked() throws {
        let world = StoreWorld()
        let sender = try Peer(world, "sender")
        #expect(try sender.join("r") == nil)
        let others = try (0..<12).map { try Peer(world, "p\($0)") }
        for other in others { #expect(try other.join("r") == nil) }
        world.pass(seconds: 2)
        world.table.state.withLock { state in
            for index in others.indices {
                state.items[ItemKey("J#t-p\(index)")] = ["revoked": .flag(true)]
            }
        }
        world.steps.begin(nil)
        #expect(try sender.broadcast("last", in: "r", ack: 1) == nil)
        // A few steps for each, and not as many again for each whom it would have told.
        #expect(world.steps.count < 20 * others.count)
        try world.runTimers()
        #expect(world.members(of: "r") == [sender.id])
        #expect(sender.heard("someone_left").count == others.count)
        #expect(sender.acks == [1])
        for other in others {
            #expect(other.chats.isEmpty)
            #expect(other.heard("usher.closing").map { $0.data["code"]?.int64 } == [4501])
        }
    }

    @Test("What waits behind the lease of one that was killed is sent when that has run out")
    func heldLease() throws {
        let world = StoreWorld()
        let (one, two) = (try Peer(world, "a"), try Peer(world, "b"))
        for peer in [one, two] { #expect(try peer.join("r") == nil) }
        world.steps.begin(nil)
        try two.send("0", to: one)
        let step = try #require(world.steps.log.firstIndex { $0.hasPrefix("transact") })
        world.steps.begin(.killed(at: step + 2))
        _ = try? two.send("1", to: one, ack: 1)
        world.steps.begin(nil)
        // A timer that comes too early sets another.
        try world.store.lapse(one.connection, in: world.invocation())
        #expect(one.chats == ["0"])
        world.pass(seconds: 8)
        try world.runTimers()
        #expect(one.chats == ["0", "1"])
    }

    @Test("A fault over a mailbox leaves it to the next")
    func faultGivesBack() throws {
        let world = StoreWorld()
        let (one, two) = (try Peer(world, "a"), try Peer(world, "b"))
        for peer in [one, two] { #expect(try peer.join("r") == nil) }
        world.pass(seconds: 2)
        world.steps.begin(nil)
        try two.send("0", to: one)
        let asked = "get J#t-a -"
        world.pass(seconds: 2)
        let step = try #require(world.steps.log.firstIndex(of: asked))
        world.steps.begin(.unavailable(at: step + 1))
        try two.send("1", to: one)
        #expect(world.steps.log.contains(asked))
        #expect(one.chats == ["0"])
        world.steps.begin(nil)
        try two.send("2", to: one)
        #expect(one.chats == ["0", "1", "2"])
    }

    @Test("A resume stands, whatever comes of sending what it is owed")
    func resumeStands() throws {
        let world = StoreWorld()
        let (one, two) = (try Peer(world, "a"), try Peer(world, "b"))
        for peer in [one, two] { #expect(try peer.join("r") == nil) }
        try one.drop()
        #expect(try two.send("missed", to: one, ack: 1) == nil)
        let seq = one.lastSeq
        let (old, secret) = try one.reconnect()
        world.gateway.isDown.withLock { $0 = true }
        #expect(try one.resume(old, secret, after: seq, ack: 2))
        world.gateway.isDown.withLock { $0 = false }
        #expect(world.members(of: "r") == [one.id, two.id])
        world.pass(seconds: 8)
        try world.runTimers()
        #expect(one.heard("resumed").count == 1)
        #expect(one.chats == ["missed"])
        #expect(one.acks == [2])
    }

    @Test("What a resume asks for beyond all that is kept is not read")
    func farBack() throws {
        let world = StoreWorld()
        let (one, two) = (try Peer(world, "a"), try Peer(world, "b"))
        for peer in [one, two] { #expect(try peer.join("r") == nil) }
        for number in 0..<300 { #expect(try two.send("\(number)", to: one) == nil) }
        try one.drop()
        let (old, secret) = try one.reconnect()
        world.steps.begin(nil)
        #expect(try !one.resume(old, secret, after: 1))
        #expect(!world.steps.log.contains { $0.hasPrefix("query") })
    }

    @Test("Mailboxes that are too much for one transaction give way, the fullest first")
    func tooMuchAtOnce() throws {
        let world = StoreWorld()
        let sender = try Peer(world, "sender")
        #expect(try sender.join("r") == nil)
        let away = try (0..<20).map { try Peer(world, "p\($0)") }
        for peer in away { #expect(try peer.join("r") == nil) }
        let large = String(repeating: "x", count: 30_000)
        for (index, peer) in away.enumerated() {
            try peer.drop()
            for _ in 0..<(index == 7 ? 8 : 6) { #expect(try sender.send(large, to: peer) == nil) }
        }
        #expect(try sender.broadcast("all", in: "r", ack: 1) == nil)
        #expect(sender.acks == [1])
        let left = sender.heard("someone_left").map { $0.data["connectionId"]?.string }
        #expect(left.first == away[7].id)
        #expect(left.count < 5)
    }

    @Test("What counts as a session's size is no less than that of its item, rooms included")
    func size() throws {
        let world = StoreWorld()
        let reader = try Peer(world, "reader")
        for room: RoomName in ["r", "s", "t"] {
            for number in 0..<30 {
                let id = String(repeating: "x", count: 250) + "\(number)"
                let peer = try Peer(world, "p")
                #expect(try peer.join(room, id: PeerID(id)) == nil)
            }
            #expect(try reader.join(room) == nil)
        }
        try reader.drop()
        let key = SessionItem.key(reader.connection)
        let item = try #require(world.table.state.withLock { $0.items[key] })
        let session = try #require(try world.store.session(reader.connection))
        let real = MemoryTable.size(item)
        #expect(real > 25_000)
        #expect(real <= session.size && session.size < 2 * real)
        // Who waits for little because of what others wait for, and know, is not the one to go.
        let other = try Peer(world, "other")
        try other.join("r")
        let slim = try #require(try world.store.session(other.connection))
        let all = [slim] + Array(repeating: session, count: 200)
        let fullest = Store.fullest(of: all, with: all.map { _ in SessionChange() })
        #expect(fullest?.connection == reader.connection)
        let few = [slim, session]
        #expect(Store.fullest(of: few, with: few.map { _ in SessionChange() }) == nil)
    }
}
