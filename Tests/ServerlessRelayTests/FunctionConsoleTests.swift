import Access
import Admission
import Bytes
import Identifiers
import Locking
import Rooms
import Signalling
import StrictJSON
import Tables
import Testing

@testable import ServerlessRelay

/// What an operator sees and does from outside of the function.
@Suite struct FunctionConsoleTests {
    private let world = StoreWorld()

    private var console: FunctionConsole {
        FunctionConsole(
            table: world.table.port, gateway: world.gateway.port, ports: world.ports,
            resumeGraceSeconds: 30, begin: { world.invocation() })
    }

    private func rooms() throws -> [FunctionConsole.RoomSummary] { try console.rooms { _ in } }

    private func isEnded(_ peer: Peer) -> Bool {
        world.gateway.state.withLock { $0.ended.contains(peer.gateway) }
    }

    /// Why its connection was closed, as it was told.
    private func closing(_ peer: Peer) -> Int64? {
        peer.heard("usher.closing").last?.data["code"]?.int64
    }

    private func item(_ key: String) -> Item? {
        world.table.state.withLock { $0.items[ItemKey(ByteText(key))] }
    }

    @Test("Rooms and their members are seen, in their order, part after part of the table")
    func listing() throws {
        #expect(try rooms() == [])
        let peers = try (0..<7).map { try Peer(world, "p\($0)", $0 == 3 ? .classic : .v1) }
        for (index, peer) in peers.enumerated() {
            try peer.join(index < 4 ? "r" : "a#\(index)")
        }
        let other = try Peer(world, "q", client: "c#2")
        try other.join("r#")
        let parts = Lock<[Int]>([])
        let found = try console.rooms { examined in parts.withLock { $0.append(examined) } }
        #expect(
            found.map { "\($0.client) \($0.room)" }
                == ["c a#4", "c a#5", "c a#6", "c r", "c#2 r#"])
        #expect(found[3].members.map(\.connection) == peers[..<4].map(\.connection))
        #expect(found[3].members.map(\.peerID.text) == ["p0", "p1", "p2", "p3"])
        #expect(found[3].members.map(\.dialect) == [.v1, .v1, .v1, .classic])
        #expect(found[3].members.first?.name == "N")
        let count = world.table.state.withLock { $0.items.count }
        #expect(parts.withLock { $0.count } == (count + 4) / 5)
        #expect(parts.withLock { $0.last } == count)
    }

    @Test("Whose session is over is no member, though nobody has taken it out")
    func ghosts() throws {
        let (one, two) = try pair(in: world)
        try two.drop()
        #expect(try rooms().first?.members.map(\.connection) == [one.connection, two.connection])
        world.pass(seconds: 31)
        #expect(try rooms().first?.members.map(\.connection) == [one.connection])
        #expect(world.members(of: "r").count == 2)
        try one.drop(isHeard: false)
        world.pass(seconds: 8000)
        #expect(try rooms() == [])
    }

    @Test("Items of rooms that are none are passed over")
    func strangeRooms() throws {
        world.table.state.withLock { state in
            for key in ["R#", "R#1", "R#x#c#r", "R#9#c#r", "R#-1#c#r", "R#1#cc#r", "R##c#r"] {
                state.items[ItemKey(ByteText(key))] = ["count": .number(1)]
            }
        }
        #expect(try rooms() == [])
    }

    @Test("A kick ends the session, closes the connection, and the others are told")
    func kick() throws {
        let (one, two) = try pair(in: world)
        world.steps.begin(nil)
        #expect(try console.kick(two.connection))
        // Operators have no right to others.
        let calls = Set(world.steps.log.compactMap { $0.split(separator: " ").first })
        #expect(calls.isSubset(of: ["get", "query", "write", "post", "end"]))
        #expect(isEnded(two) && !isEnded(one))
        #expect(closing(two) == 4501)
        let left = one.heard("someone_left")
        #expect(left.map { $0.data["reason"]?.string } == ["kicked"])
        #expect(left.first?.data["connectionId"]?.string == two.id)
        #expect(world.members(of: "r") == [one.id])
        #expect(try two.view() == nil)
        // What it was is over for good.
        #expect(try console.kick(two.connection) == false)
        let (old, secret) = try two.reconnect()
        #expect(try two.resume(old, secret, after: 0) == false)
        #expect(try console.kick(ConnectionID(raw: 7)) == false)
    }

    @Test("A kick reaches classic peers, and sessions whose clients are away")
    func kickOthers() throws {
        let old = try Peer(world, "o", .classic)
        let (one, two) = try pair(in: world)
        try old.join("r")
        try two.drop()
        #expect(try console.kick(two.connection))
        #expect(try console.kick(old.connection))
        #expect(isEnded(old))
        #expect(
            one.heard("someone_left").map { $0.data["reason"]?.string } == ["kicked", "kicked"])
        #expect(world.members(of: "r") == [one.id])
    }

    @Test("A kick of what nobody answers for says so, and is done by whoever comes next")
    func kickInTrouble() throws {
        let (one, two) = try pair(in: world)
        let steps = world.steps
        steps.begin(.unavailable(at: 1))
        #expect(throws: StoreFault.self) { try console.kick(two.connection) }
        steps.begin(.killed(at: 3))
        _ = try? console.kick(two.connection)
        steps.begin(nil)
        // It is over, though its connection was not closed and nobody told.
        #expect(try console.kick(two.connection) == false)
        #expect(try two.view() == nil)
        #expect(isEnded(two))
        let three = try Peer(world, "x")
        try three.join("r", id: PeerID("b"))
        #expect(one.heard("someone_left").first?.data["reason"]?.string == "kicked")
    }

    @Test("A token that was taken back is refused, and what it opened closed, and no more")
    func token() throws {
        let (one, two) = try pair(in: world)
        let withdrawal = Withdrawal.token(
            id: ByteText(two.grant.token.tokenID), expiresAt: two.grant.expiresAt)
        #expect(try console.withdraw(withdrawal))
        #expect(
            item("J#t-b")
                == ["revoked": .flag(true), "ttl": .number(two.grant.expiresAt + 300)])
        #expect(try world.store.isRevoked(two.grant.token))
        #expect(try !world.store.isRevoked(one.grant.token))
        #expect(!isEnded(two))
        let examined = Lock(0)
        #expect(try console.close(withdrawal) { count in examined.withLock { $0 = count } } == 1)
        #expect(examined.withLock { $0 } > 0)
        #expect(isEnded(two) && !isEnded(one))
        #expect(closing(two) == 4501)
        #expect(one.heard("someone_left").map { $0.data["reason"]?.string } == ["kicked"])
        #expect(try console.close(withdrawal) { _ in } == 0)
    }

    @Test("A token that was used once stays used when it is taken back")
    func usedToken() throws {
        #expect(world.store.markUsed(tokenID: "t", expiresAt: 1_900_000_000) == .fresh)
        #expect(try console.withdraw(.token(id: "t", expiresAt: 1_900_000_000)))
        #expect(world.store.markUsed(tokenID: "t", expiresAt: 1_900_000_000) == .used)
        #expect(try console.withdraw(.token(id: "u", expiresAt: .max)))
        #expect(item("J#u")?["ttl"] == .number(.max))
    }

    @Test("A client that is disabled has no connections, until it is enabled again")
    func client() throws {
        let (one, two) = try pair(in: world)
        let other = try Peer(world, "o", client: "d")
        #expect(try console.withdraw(.client("c")))
        #expect(try world.store.isRevoked(one.grant.token))
        #expect(try !world.store.isRevoked(other.grant.token))
        #expect(try console.close(.client("c")) { _ in } == 2)
        #expect(isEnded(one) && isEnded(two) && !isEnded(other))
        #expect(closing(one) == 4501 && closing(two) == 4501)
        #expect(try rooms() == [])
        try console.enable("c")
        #expect(try !world.store.isRevoked(one.grant.token))
        // Whom nobody had disabled gets no item.
        try console.enable("nobody")
        #expect(item("V#nobody") == nil)
    }

    @Test(
        "Of all who are closed, whoever stays is told, in whichever order they are",
        arguments: [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]])
    func witness(order: [Int]) throws {
        let world = StoreWorld(seed: UInt64(order[0] + 1))
        let names = ["bob", "bob", "ann", "bob"]
        let peers = try order.map { try Peer(world, "p\($0)", subject: names[$0]) }
        for peer in peers { try peer.join("r") }
        // Whose room nobody else is in who is closed.
        let eve = try Peer(world, "eve", subject: "eve")
        try eve.join("s")
        for peer in peers where peer.grant.token.tokenID == "t-p3" { try peer.join("s") }
        let console = FunctionConsole(
            table: world.table.port, gateway: world.gateway.port, ports: world.ports,
            resumeGraceSeconds: 30, begin: { world.invocation() })
        let bob = Withdrawal.subjects(["c:bob"], of: "c", issuedBefore: 1)
        #expect(try console.withdraw(bob))
        #expect(try console.close(bob) { _ in } == 3)
        let ann = try #require(peers.first { $0.grant.token.subject == "c:ann" })
        #expect(world.members(of: "r") == [ann.id])
        #expect(world.members(of: "s") == [eve.id])
        #expect(ann.present == [] && eve.present == [])
        #expect(
            ann.heard("someone_left").map { $0.data["reason"]?.string }
                == ["kicked", "kicked", "kicked"])
    }

    @Test("A user's tokens are taken back by their sub, whichever way that names the user")
    func subjects() throws {
        let named = try Peer(world, "a", subject: "ann")
        let bare = try Peer(world, "b")
        let withdrawal = Withdrawal.subjects(["c:ann", "ann"], of: "c", issuedBefore: 1)
        #expect(try console.withdraw(withdrawal))
        #expect(
            item("V#c") == ["subjects": .map(["c:ann": .number(1), "ann": .number(1)])])
        #expect(try console.close(withdrawal) { _ in } == 1)
        #expect(isEnded(named) && !isEnded(bare))
        // What is issued later is good.
        let later = Withdrawal.subjects(["c"], of: "c", issuedBefore: 0)
        #expect(try console.withdraw(later))
        #expect(try console.close(later) { _ in } == 0)
        #expect(try console.withdraw(.subjects(["c"], of: "c", issuedBefore: 1)))
        #expect(try world.store.isRevoked(bare.grant.token))
        // All of a client takes the place of its users.
        #expect(try console.withdraw(.tokens(of: "c", issuedBefore: 2)))
        #expect(item("V#c") == ["issued_before": .number(2)])
        #expect(try console.close(.tokens(of: "c", issuedBefore: 2)) { _ in } == 1)
        #expect(isEnded(bare))
    }

    @Test("So many users of a client, and no more; those that stand can be taken back again")
    func manySubjects() throws {
        let many = (0..<Store.subjectsMax).map { (ByteText("s\($0)"), ItemValue.number(1)) }
        let map = Dictionary(uniqueKeysWithValues: many)
        world.table.state.withLock { $0.items[ItemKey("V#c")] = ["subjects": .map(map)] }
        #expect(try console.withdraw(.subjects(["x"], of: "c", issuedBefore: 2)) == false)
        #expect(try console.withdraw(.subjects(["s1"], of: "c", issuedBefore: 2)))
        #expect(item("V#c")?["subjects"]?.map?["s1"] == .number(2))
        #expect(item("V#c")?["subjects"]?.map?.count == Store.subjectsMax)
    }

    @Test("Who got another token meanwhile stays")
    func refreshed() throws {
        let (one, _) = try pair(in: world)
        let withdrawal = Withdrawal.token(id: "t-a", expiresAt: 2_000_000_000)
        #expect(try console.withdraw(withdrawal))
        let key = SessionItem.key(one.connection)
        world.table.onCall.withLock {
            $0 = { name, state in
                // After the scan has seen it.
                guard name.hasPrefix("get C#"), var map = state.items[key]?["grant"]?.map else {
                    return
                }
                map["jti"] = .text("t-new")
                state.items[key]?["grant"] = .map(map)
            }
        }
        #expect(try console.close(withdrawal) { _ in } == 0)
        #expect(!isEnded(one))
    }

    @Test("A fault on the way is told, and what could be closed was")
    func closingInTrouble() throws {
        let one = try Peer(world, "a")
        let two = try Peer(world, "b")
        #expect(try console.withdraw(.client("c")))
        let scans = (world.table.state.withLock { $0.items.count } + 4) / 5
        for step in [1, scans + 1] {
            world.steps.begin(.unavailable(at: step))
            #expect(throws: StoreFault.self) { try console.close(.client("c")) { _ in } }
        }
        world.steps.begin(nil)
        // The one that was not asked for in vain.
        #expect(isEnded(one) != isEnded(two))
        #expect(try console.close(.client("c")) { _ in } == 1)
        #expect(isEnded(one) && isEnded(two))
    }

    @Test("What a command was stopped over is done by the same once more, wherever it was stopped")
    func closingAgain() throws {
        var stopped = 0
        for step in 1...100 {
            let world = StoreWorld()
            let (one, two) = try pair(in: world)
            let console = FunctionConsole(
                table: world.table.port, gateway: world.gateway.port, ports: world.ports,
                resumeGraceSeconds: 30, begin: { world.invocation() })
            let withdrawal = Withdrawal.token(id: "t-b", expiresAt: 2_000_000_000)
            #expect(try console.withdraw(withdrawal))
            world.steps.begin(.killed(at: step))
            let first = try? console.close(withdrawal) { _ in }
            world.steps.begin(nil)
            let isEnded = try world.store.session(two.connection)?.ended != nil
            stopped += first == nil && isEnded ? 1 : 0
            #expect(try console.close(withdrawal) { _ in } == (isEnded ? 0 : 1))
            #expect(world.members(of: "r") == [one.id])
            guard first == nil else { break }
        }
        #expect(stopped > 2)
    }
}
