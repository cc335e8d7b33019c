import Access
import Admission
import Bytes
import Identifiers
import Locking
import ServerlessRelay
import Signalling
import StrictJSON
import Tables
import Testing

/// How sessions wait, go on elsewhere and end.
@Suite struct StoreSessionTests {
    private let world = StoreWorld()

    @Test("The welcome waits for the gateway, and comes first")
    func welcomeFirst() throws {
        let peer = try Peer(world, "a")
        #expect(peer.texts.count == 1)
        let late = try Peer(world, "b")
        world.gateway.state.withLock { $0.early["late="] = 5 }
        let view = try #require(try late.view())
        try world.store.open(
            gateway: "late=", connection: ConnectionID(raw: 7), dialect: .v1, grant: view.grant,
            secret: Peer.digest(SessionSecret(bits: 1)), welcome: Array("hello".utf8),
            in: world.invocation())
        let seven = try #require(try world.store.find(ConnectionID(raw: 7)))
        try world.store.append(seven, events: [Peer.ack(1)], in: world.invocation())
        let texts = world.gateway.state.withLock { $0.posts["late="] ?? [] }
        #expect(
            texts.map { String(decoding: $0, as: UTF8.self) }
                == ["hello", #"{"type":"ack","data":{"ack":1},"seq":1}"#])
    }

    @Test("A connection that never comes is none, and its session over")
    func neverComes() throws {
        let peer = try Peer(world, "a")
        world.gateway.state.withLock { $0.early["never="] = 1000 }
        try world.store.open(
            gateway: "never=", connection: ConnectionID(raw: 7), dialect: .v1, grant: peer.grant,
            secret: nil, welcome: Array("hello".utf8), in: world.invocation())
        try world.store.drain(ConnectionID(raw: 7), in: world.invocation())
        #expect(try world.store.find(ConnectionID(raw: 7)) == nil)
    }

    @Test("A resume brings what was missed, as it was sent, then the rooms, and nobody notices")
    func resumes() throws {
        let (one, two) = try pair(in: world)
        let before = two.all.count
        try one.drop()
        #expect(try two.send("x", to: one, ack: 1) == nil)
        let three = try Peer(world, "c")
        #expect(try three.join("r") == nil)
        #expect(try two.broadcast("y", in: "r", ack: 2) == nil)
        let old = one.connection
        #expect(try one.resume(ack: 7))
        #expect(one.connection == old)
        #expect(
            one.heard.map(\.type) == [
                "welcome", "first_to_join", "room_state", "someone_joined", "welcome", "resumed",
                "chat", "someone_joined", "chat", "room_state", "ack",
            ])
        #expect(one.heard("resumed").first?.data["seq"]?.int64 == 6)
        #expect(one.all.compactMap(\.seq) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(one.heard("room_state").last?.data["members"]?.array?.count == 2)
        #expect(two.all.count == before + 3)
        #expect(try one.send("z", to: two, ack: 3) == nil)
        #expect(two.chats == ["z"] && one.acks == [7, 3])
    }

    @Test("A resume from elsewhere closes the connection that was")
    func takesOver() throws {
        let (one, two) = try pair(in: world)
        let former = one.gateway
        let formerView = try #require(try one.view())
        #expect(try one.resume())
        #expect(world.gateway.state.withLock { $0.ended } == [former])
        let last = world.gateway.state.withLock { $0.posts[former]?.last ?? [] }
        #expect(
            String(decoding: last, as: UTF8.self)
                == #"{"type":"usher.closing","data":{"code":4509,"reason":"#
                + #""the session was resumed elsewhere"}}"#)
        // What the former connection still says, and that it is gone, means nothing.
        #expect(try world.store.find(gateway: former) == nil)
        #expect(
            try world.store.send(
                formerView, to: two.connection, event: one.payload("late"), ack: Peer.ack(1),
                in: world.invocation()) == nil)
        try world.store.append(formerView, events: [Peer.ack(2)], in: world.invocation())
        #expect(
            try world.store.join(
                formerView, room: "late", peerID: one.peerID, name: nil, sdp: nil, ack: nil,
                in: world.invocation()) == nil)
        try world.store.disconnected(gateway: former, code: 1006, in: world.invocation())
        #expect(two.chats.isEmpty && one.acks.isEmpty)
        #expect(try one.view()?.rooms == ["r"])
        let other = try Peer(world, "o")
        #expect(try other.join("late") == nil)
        #expect(other.heard("first_to_join").count == 1)
    }

    @Test("What was sent before is sent again as often as the client asks for it")
    func replays() throws {
        let (one, two) = try pair(in: world)
        for text in ["1", "2", "3"] { #expect(try two.send(text, to: one) == nil) }
        let texts = one.texts.suffix(3)
        try one.drop()
        let (old, secret) = try one.reconnect()
        #expect(try one.resume(old, secret, after: 3))
        #expect(one.texts.suffix(4).dropLast() == texts)
        try one.drop()
        let again = try one.reconnect()
        #expect(try !one.resume(again.old, secret, after: 3))
        #expect(try one.resume(again.old, again.secret, after: 0))
        #expect(one.all.compactMap(\.seq).suffix(8) == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test("A secret is good once, in time, for its client and subject alone")
    func refusesResumes() throws {
        let (one, two) = try pair(in: world)
        let stranger = try Peer(world, "s", subject: "x")
        let secret = one.state.withLock { $0.secret }
        #expect(try !stranger.resume(one.connection, secret, after: 0))
        #expect(try !two.resume(one.connection, SessionSecret(bits: 5), after: 0))
        #expect(try !one.resume(one.connection, secret, after: 0))
        #expect(try one.view() != nil)
        try one.drop()
        world.pass(seconds: 30)
        #expect(try !one.resume())
        #expect(two.heard("someone_left").isEmpty)
        try world.runTimers()
        world.pass(seconds: 1)
        try world.runTimers()
        #expect(two.heard("someone_left").map(\.data["reason"]?.string) == ["lost"])
    }

    @Test("Of two that show one secret in one moment the faster has the session")
    func oneSecretTwice() throws {
        let (one, _) = try pair(in: world)
        try one.drop()
        let (old, secret) = try one.reconnect()
        let key = ItemKey("C#\(old.text)")
        world.table.onCall.withLock { onCall in
            onCall = { name, state in
                guard name.hasPrefix("transact") else { return }
                state.items[key]?["secret"] = .bytes(Array(repeating: 7, count: 16))
            }
        }
        #expect(try !one.resume(old, secret, after: 3))
        world.table.onCall.withLock { $0 = nil }
        #expect(try world.store.find(old)?.rooms == ["r"])
        #expect(try one.view()?.isFresh == true)
    }

    @Test("What is kept no more, or never was, ends the session")
    func cannotReplay() throws {
        for seq in [0, 100] as [UInt64] {
            let world = StoreWorld()
            let (one, two) = try pair(in: world)
            try one.drop()
            world.table.state.withLock { state in
                for key in state.items.keys where key.sort.hasPrefix("E#") && seq == 0 {
                    state.items[key] = nil
                }
            }
            let (old, secret) = try one.reconnect()
            #expect(try !one.resume(old, secret, after: seq))
            #expect(two.heard("someone_left").map(\.data["reason"]?.string) == ["lost"])
            #expect(try one.join("r") == nil)
        }
    }

    @Test("Closing for good leaves, and a place that nothing is in is not kept")
    func closes() throws {
        let (one, two) = try pair(in: world)
        let nobody = try Peer(world, "n")
        try nobody.drop()
        #expect(try world.store.find(nobody.connection) == nil)
        try one.drop(code: 1000)
        #expect(two.heard("someone_left").map(\.data["reason"]?.string) == ["closed"])
        #expect(try two.send("x", to: one) == .unknownTarget)
        let three = try Peer(world, "c", .classic)
        #expect(try three.join("r") == nil)
        let view = try #require(try three.view())
        try world.store.end(
            view, reason: .kicked, code: 4501, text: "no", in: world.invocation())
        #expect(two.heard("someone_left").last?.data["reason"]?.string == "kicked")
        #expect(try three.view() == nil)
        #expect(three.texts.isEmpty)
        let kept = try #require(try two.view())
        try world.store.end(kept, reason: nil, code: 4401, text: "old", in: world.invocation())
        #expect(
            two.texts.last == #"{"type":"usher.closing","data":{"code":4401,"reason":"old"}}"#)
        #expect(try two.resume())
    }

    @Test("Who reads nothing for too long is lost, by events and by bytes")
    func overfull() throws {
        for (eventsMax, bytesMax) in [(6, 0), (0, 400)] {
            var limits = StoreLimits()
            limits.historyEventsMax = eventsMax
            limits.historyBytesMax = bytesMax
            let world = StoreWorld(limits)
            let (one, two) = try pair(in: world)
            try one.drop()
            var sent = 0
            while try two.send("0123456789", to: one) == nil, sent < 100 { sent += 1 }
            #expect(sent == (eventsMax > 0 ? 6 : 4))
            #expect(two.heard("someone_left").map(\.data["reason"]?.string) == ["lost"])
            #expect(try !one.resume())
        }
    }

    @Test("Who is over the limit does not keep a broadcast from the others")
    func broadcastPasses() throws {
        var limits = StoreLimits()
        limits.historyEventsMax = 5
        let world = StoreWorld(limits)
        let (one, two) = try pair(in: world)
        let three = try Peer(world, "c", .classic)
        #expect(try three.join("r") == nil)
        try one.drop()
        for number in 1...7 {
            #expect(try two.broadcast("\(number)", in: "r", ack: number) == nil)
        }
        #expect(three.chats == ["1", "2", "3", "4", "5", "6", "7"])
        #expect(two.acks == [1, 2, 3, 4, 5, 6, 7])
        #expect(two.heard("someone_left").count == 1)
    }

    @Test("Tokens and clients that were taken back are known by the table")
    func revocations() throws {
        let token = RevocableToken(tokenID: "j", subject: "c:s", clientID: "c", issuedAt: 100)
        #expect(try !world.store.isRevoked(token))
        #expect(world.store.markUsed(tokenID: "j", expiresAt: 1) == .fresh)
        #expect(world.store.markUsed(tokenID: "j", expiresAt: 1) == .used)
        #expect(try !world.store.isRevoked(token))
        let rules: [(ItemKey, Item)] = [
            (ItemKey("J#j"), ["revoked": .flag(true)]),
            (ItemKey("V#c"), ["disabled": .flag(true)]),
            (ItemKey("V#c"), ["issued_before": .number(100)]),
            (ItemKey("V#c"), ["subjects": .map(["c:s": .number(100)])]),
        ]
        for (key, item) in rules {
            let world = StoreWorld()
            world.table.state.withLock { $0.items[key] = item }
            #expect(try world.store.isRevoked(token))
            let later = RevocableToken(
                tokenID: "k", subject: "c:s", clientID: "c", issuedAt: 101)
            #expect(try world.store.isRevoked(later) == (item["disabled"] != nil))
        }
    }

    @Test("Whose token was taken back is sent nothing more, and the others are told")
    func revokedReceiver() throws {
        for dialect in [Dialect.v1, .classic] {
            let world = StoreWorld()
            let (one, two) = (try Peer(world, "a"), try Peer(world, "b", dialect))
            #expect(try one.join("r") == nil)
            #expect(try two.join("r") == nil)
            #expect(try one.send("before", to: two, ack: 0) == nil)
            let revoked: Item = ["revoked": .flag(true)]
            world.table.state.withLock { $0.items[ItemKey("J#t-b")] = revoked }
            #expect(try one.send("within the second", to: two, ack: 1) == nil)
            world.pass(seconds: 1)
            #expect(try one.send("too late", to: two, ack: 2) == nil)
            #expect(two.chats == ["before", "within the second"])
            let closing = two.heard("usher.closing").map { $0.data["code"]?.int64 }
            #expect(closing == (dialect == .v1 ? [4501] : []))
            try world.runTimers()
            let left = one.heard("someone_left").map { $0.data["reason"]?.string }
            #expect(left == ["kicked"])
            #expect(world.members(of: "r") == [one.id])
        }
    }
}
