import Bytes
import Identifiers
import Locking
import ServerlessRelay
import Signalling
import Tables
import Testing

/// Who may send, and what it costs.
@Suite struct StoreLeaseTests {
    @Test("What a killed holder has left is sent by the next, once its lease is over")
    func takenOver() throws {
        let world = StoreWorld()
        let (one, two) = try pair(in: world)
        // Killed right after the transaction that took both leases.
        world.steps.begin(nil)
        try two.send("0", to: one)
        let step = try #require(world.steps.log.firstIndex { $0.hasPrefix("transact") })
        world.steps.begin(.killed(at: step + 2))
        #expect(try two.send("1", to: one, ack: 1) == nil)
        world.steps.begin(nil)
        #expect(try two.send("2", to: one, ack: 2) == nil)
        #expect(one.chats == ["0"] && two.acks.isEmpty)
        world.pass(seconds: 5)
        #expect(try two.send("3", to: one, ack: 3) == nil)
        #expect(one.chats == ["0"] && two.acks.isEmpty)
        world.pass(seconds: 1)
        #expect(try two.send("4", to: one, ack: 4) == nil)
        #expect(one.chats == ["0", "1", "2", "3", "4"] && two.acks == [1, 2, 3, 4])
    }

    @Test("A holder that is too late takes nothing off")
    func tooLate() throws {
        let world = StoreWorld()
        let (one, two) = try pair(in: world)
        // While the first post is under way its lease ends, another sends all that waits, and more
        // comes, which waits for a third.
        let isFirst = Lock(true)
        world.gateway.onPost.withLock { onPost in
            onPost = { gateway in
                guard gateway == one.gateway,
                    isFirst.withLock({ first in
                        defer { first = false }
                        return first
                    })
                else { return }
                world.pass(seconds: 7)
                try two.send("2", to: one)
                let view = try #require(try two.view())
                world.gateway.isDown.withLock { $0 = true }
                _ = try world.store.send(
                    view, to: one.connection, event: two.payload("3"), ack: nil,
                    in: world.invocation())
                world.gateway.isDown.withLock { $0 = false }
            }
        }
        #expect(try two.send("1", to: one) == nil)
        world.pass(seconds: 7)
        try world.store.drain(one.connection, in: world.invocation())
        #expect(one.chats == ["1", "2", "3"])
        let seqs = one.heard.compactMap(\.seq)
        #expect(seqs == (0..<Int64(seqs.count)).map { $0 + 1 })
    }

    @Test("What is appended while a lease is given back is sent all the same")
    func givenBack() throws {
        let world = StoreWorld()
        let (one, two) = try pair(in: world)
        let old = try Peer(world, "o", .classic)
        #expect(try old.join("r") == nil)
        let until = world.clock.withLock { $0.milliseconds + 5000 }
        let lease = ItemValue.map(["owner": .text("other"), "until": .number(until)])
        let keys = [one, two, old].map { ItemKey("C#\($0.connection.text)") }
        // Others hold all leases, and give them back when the sessions have been read.
        func whileGivenBack(at call: String, _ body: () throws -> Void) rethrows {
            world.table.state.withLock { state in
                for key in keys { state.items[key]?["lease"] = lease }
            }
            world.table.onCall.withLock { onCall in
                onCall = { name, state in
                    guard name.hasPrefix(call) else { return }
                    for key in keys where state.items[key]?["lease"] == lease {
                        state.items[key]?["lease"] = nil
                    }
                }
            }
            try body()
            world.table.onCall.withLock { $0 = nil }
        }
        try whileGivenBack(at: "transact") { try two.send("1", to: one, ack: 1) }
        #expect(one.chats == ["1"] && two.acks == [1])
        try whileGivenBack(at: "write") { try old.send("2", to: one) }
        #expect(one.chats == ["1", "2"])
        let view = try #require(try one.view())
        try whileGivenBack(at: "write") {
            try world.store.append(view, events: [Peer.ack(3)], in: world.invocation())
        }
        #expect(one.acks == [3])
    }

    @Test("Who ends or goes elsewhere in the moment of a payload takes none, and sends none")
    func inTheMoment() throws {
        for isSender in [true, false] {
            let world = StoreWorld()
            let (one, two) = try pair(in: world)
            let key = ItemKey("C#\((isSender ? two : one).connection.text)")
            world.table.onCall.withLock { onCall in
                onCall = { name, state in
                    guard name.hasPrefix("transact") else { return }
                    if isSender {
                        state.items[key]?["g"] = .text("elsewhere=")
                    } else {
                        state.items[key]?["ended"] = .text("lost")
                    }
                }
            }
            let error = try two.send("x", to: one, ack: 1)
            #expect(error == (isSender ? nil : .unknownTarget))
            world.table.onCall.withLock { $0 = nil }
            #expect(one.chats.isEmpty && two.acks.isEmpty)
            // Nor does it wait for anybody.
            let events = world.table.state.withLock { $0.items[key]?["events"]?.list }
            #expect(events == [])
            #expect(two.heard("someone_left").count == (isSender ? 0 : 1))
        }
    }

    @Test("No post is begun in the last second, and a timer sees to what waits")
    func lastSecond() throws {
        let world = StoreWorld()
        let (one, two) = try pair(in: world)
        let view = try #require(try two.view())
        let now = world.clock.withLock { $0.milliseconds }
        let before = one.texts.count
        #expect(
            try world.store.send(
                view, to: one.connection, event: two.payload("x"), ack: nil,
                in: Invoked(id: "late", deadline: now + 1000)) == nil)
        #expect(one.texts.count == before)
        world.pass(seconds: 1)
        try world.runTimers()
        #expect(one.chats == ["x"])
    }

    @Test("A gateway that does not answer is asked again, and then later")
    func gatewayDown() throws {
        let world = StoreWorld()
        let (one, two) = try pair(in: world)
        world.gateway.isDown.withLock { $0 = true }
        #expect(try two.send("x", to: one, ack: 1) == nil)
        #expect(one.chats.isEmpty && two.acks.isEmpty)
        world.gateway.isDown.withLock { $0 = false }
        world.pass(seconds: 7)
        try world.runTimers()
        #expect(one.chats == ["x"] && two.acks == [1])
    }

    /// Calls of the table, and what DynamoDB counts of them.
    private struct Cost: Equatable {
        let calls: Int
        let reads: Int
        let writes: Int

        init(_ calls: Int, reads: Int, writes: Int) {
            self.calls = calls
            self.reads = reads
            self.writes = writes
        }
    }

    private func cost(_ world: StoreWorld, _ body: () throws -> Void) rethrows -> Cost {
        world.table.state.withLock { ($0.calls, $0.reads, $0.writes) = (0, 0, 0) }
        try body()
        return world.table.state.withLock { Cost($0.calls, reads: $0.reads, writes: $0.writes) }
    }

    @Test("What each message costs at the table is known")
    func costs() throws {
        for dialect in [Dialect.v1, .classic] {
            let world = StoreWorld()
            let isV1 = dialect == .v1
            let ack = isV1 ? 1 : nil as Int?
            let one = try Peer(world, "a", dialect)
            #expect(try one.join("r") == nil)
            let opening = try cost(world) { _ = try Peer(world, "x", dialect) }
            // Two reads are for its token, which the function has looked at already.
            #expect(opening == (isV1 ? Cost(7, reads: 3, writes: 4) : Cost(3, reads: 1, writes: 2)))
            let two = try Peer(world, "b", dialect)
            let join = try cost(world) { try two.join("r", ack: ack) }
            #expect(join == (isV1 ? Cost(10, reads: 3, writes: 7) : Cost(7, reads: 3, writes: 4)))
            let send = try cost(world) { try two.send("x", to: one, ack: ack) }
            #expect(send == (isV1 ? Cost(11, reads: 6, writes: 8) : Cost(6, reads: 4, writes: 2)))
            let drop = try cost(world) { try two.drop() }
            #expect(drop == (isV1 ? Cost(3, reads: 2, writes: 1) : Cost(5, reads: 3, writes: 2)))
            guard isV1 else { continue }
            let (old, secret) = try two.reconnect()
            let seq = two.lastSeq
            let resume = try cost(world) { _ = try two.resume(old, secret, after: seq, ack: 2) }
            #expect(resume == Cost(11, reads: 5, writes: 11))
        }
    }
}
