import Bytes
import Foundation
import Identifiers
import Locking
import ServerlessRelay
import Signalling
import StrictJSON
import TestSupport
import Testing

/// Invocations on threads of their own, at the same moment. `USHER_RACE_ROUNDS` says how often each
/// test does it, if not as often as it does by itself.
@Suite struct StoreRaceTests {
    private static func rounds(_ usual: Int) -> Int {
        ProcessInfo.processInfo.environment["USHER_RACE_ROUNDS"].flatMap { Int($0) } ?? usual
    }

    private func failing(_ faults: Faults, _ body: () throws -> Void) {
        do { try body() } catch { faults.all.withLock { $0.append("\(error)") } }
    }

    private final class Faults: Sendable { let all = Lock<[String]>([]) }

    private func checkNumbers(_ peer: Peer) {
        let seqs = peer.heard.compactMap(\.seq)
        #expect(seqs == (0..<Int64(seqs.count)).map { $0 + 1 })
    }

    @Test(
        "Of fifty who join at once one is the first, and each pair is told once", .serialized,
        arguments: 0..<rounds(20))
    func joinsAtOnce(round: Int) throws {
        let world = StoreWorld(seed: UInt64(round))
        // A third of them speaks classic.
        let peers = try (0..<50).map { index in
            try Peer(world, "p\(index)", (index + round) % 3 == 0 ? .classic : .v1)
        }
        let faults = Faults()
        onThreads(50) { index in
            self.failing(faults) {
                let error = try peers[index].join("r", ack: index)
                #expect(error == nil)
            }
        }
        #expect(faults.all.withLock { $0 } == [])
        var pairs: Set<Set<ByteText>> = []
        var told = 0
        var firsts = 0
        for peer in peers {
            let events = peer.all
            firsts += events.count { $0.type == "first_to_join" }
            let own = ByteText(peer.connection.text)
            let joiners = events.filter { $0.type == "someone_joined" }
                .compactMap { $0.data["connectionId"]?.string }
            told += joiners.count
            pairs.formUnion(joiners.map { [own, $0] })
            guard peer.dialect == .v1 else { continue }
            #expect(events.compactMap(\.seq) == (1...Int64(events.count - 1)).map { $0 })
            let state = events.first { $0.type == "room_state" }?.data["members"]?.array
            #expect((state?.count ?? 0) + joiners.count == 49)
            #expect(events.count { $0.type == "ack" } == 1)
        }
        #expect(firsts == 1)
        #expect(told == 1225)
        #expect(pairs.count == 1225)
    }

    @Test("What twelve say at once comes in the order of each, under numbers without gaps")
    func writersAtOnce() throws {
        let world = StoreWorld()
        let target = try Peer(world, "t")
        let old = try Peer(world, "o", .classic)
        let writers = try (0..<12).map { try Peer(world, "w\($0)") }
        for peer in [target, old] + writers { #expect(try peer.join("r") == nil) }
        let faults = Faults()
        onThreads(12) { index in
            self.failing(faults) {
                let writer = writers[index]
                for number in 0..<20 {
                    let text = "\(index)-\(number)"
                    let isForAll = number % 4 == 0
                    let error =
                        isForAll
                        ? try writer.broadcast(text, in: "r", ack: number)
                        : try writer.send(text, to: target, ack: number)
                    #expect(error == nil)
                }
            }
        }
        #expect(faults.all.withLock { $0 } == [])
        for peer in [target, old] + writers {
            try world.store.drain(peer.connection, in: world.invocation())
        }
        checkNumbers(target)
        for index in 0..<12 {
            let own = target.chats.filter { $0.hasPrefix("\(index)-") }
            #expect(own == (0..<20).map { "\(index)-\($0)" })
            let others = old.chats.filter { $0.hasPrefix("\(index)-") }
            #expect(others == (0..<20).filter { $0 % 4 == 0 }.map { "\(index)-\($0)" })
            #expect(writers[index].acks == (0..<20).map { $0 })
            checkNumbers(writers[index])
        }
    }

    @Test(
        "Of a session's old and new connection at once, what is acknowledged was done", .serialized,
        arguments: 0..<rounds(150))
    func oldAndNew(round: Int) throws {
        let world = StoreWorld(seed: UInt64(round))
        let one = try Peer(world, "one")
        let two = try Peer(world, "two")
        for peer in [one, two] { #expect(try peer.join("r") == nil) }
        let former = try #require(try one.view())
        let seq = one.lastSeq
        let before = try one.reconnect()
        let (event, faults) = (one.payload("x"), Faults())
        onThreads(3) { index in
            self.failing(faults) {
                switch index {
                case 0:
                    #expect(try one.resume(before.old, before.secret, after: seq))
                case 1:
                    let error = try world.store.send(
                        former, to: two.connection, event: event, ack: Peer.ack(1),
                        in: world.invocation())
                    #expect(error == nil)
                default: #expect(try two.send("y", to: former.connection) == nil)
                }
            }
        }
        #expect(faults.all.withLock { $0 } == [])
        try world.store.drain(former.connection, in: world.invocation())
        // What was still sent to the former connection came there, or comes again here.
        let sent = former.gateway.map { gateway in
            world.gateway.state.withLock { $0.posts[gateway] ?? [] }
        }
        one.state.withLock { $0.earlier = sent ?? [] }
        #expect(one.acks.contains(1) == two.chats.contains("x"))
        #expect(one.chats == ["y"])
        checkNumbers(one)
        checkNumbers(two)
    }

    @Test(
        "Ghosts are found, though most of what the gateway says of them is lost", .serialized,
        arguments: 0..<UInt64(rounds(10)))
    func ghosts(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let world = StoreWorld(seed: seed, hasTimers: false)
        var living: [Peer] = []
        for number in 0..<60 {
            if living.count > 4, Bool.random(using: &generator) {
                let peer = living.remove(
                    at: Int.random(in: 0..<living.count, using: &generator))
                try peer.drop(isHeard: Int.random(in: 0..<10, using: &generator) < 4)
            } else {
                let dialect: Dialect = number % 3 == 0 ? .classic : .v1
                let peer = try Peer(world, "p\(number)", dialect)
                #expect(try peer.join("r") == nil)
                living.append(peer)
            }
            if number % 10 == 0 { world.pass(seconds: 20) }
        }
        // One finds those who are gone, and when their time is over the next takes them out.
        let first = try Peer(world, "first")
        #expect(try first.join("r") == nil)
        world.pass(seconds: 31)
        let last = try Peer(world, "last")
        #expect(try last.join("r") == nil)
        let all = living + [first, last]
        #expect(world.members(of: "r") == Set(all.map { ByteText($0.connection.text) }))
        for peer in all where peer.dialect == .v1 {
            checkNumbers(peer)
            #expect(peer.present == world.members(of: "r").subtracting([peer.id]))
        }
    }

    @Test(
        "Whatever many do at once, all agree in the end on who is there", .serialized,
        arguments: 0..<UInt64(rounds(12)))
    func everythingAtOnce(seed: UInt64) throws {
        let world = StoreWorld(seed: seed)
        let peers = try (0..<6).map { try Peer(world, "p\($0)", $0 == 0 ? .classic : .v1) }
        let faults = Faults()
        onThreads(6) { index in
            var generator = SeededGenerator(seed: seed * 100 + UInt64(index))
            self.failing(faults) {
                for number in 0..<25 {
                    try Self.act(
                        peers[index], among: peers, number, using: &generator)
                }
            }
        }
        #expect(faults.all.withLock { $0 } == [])
        world.pass(seconds: 7)
        try world.runTimers()
        let last = try Peer(world, "last")
        #expect(try last.join("r") == nil)
        let members = world.members(of: "r")
        for peer in peers {
            let isIn = members.contains(peer.id)
            let view = try world.store.find(peer.connection)
            #expect(isIn == (view?.rooms == ["r"]))
            guard isIn, peer.dialect == .v1 else { continue }
            #expect(peer.present == members.subtracting([peer.id]))
        }
        for peer in peers where peer.dialect == .v1 {
            checkNumbers(peer)
            #expect(Set(peer.chats).count == peer.chats.count)
        }
    }

    private static func act(
        _ peer: Peer, among peers: [Peer], _ number: Int, using generator: inout SeededGenerator
    ) throws {
        let other = peers[Int.random(in: 0..<peers.count, using: &generator)]
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<4: try peer.join("r", ack: number)
        case 4 where peer.dialect == .v1: try peer.leave("r", ack: number)
        case 5 where peer.dialect == .v1:
            try peer.broadcast("\(peer.peerID.text)-\(number)", in: "r", ack: number)
        case 6 where peer.dialect == .v1:
            if try peer.view()?.isFresh == false { _ = try peer.resume(ack: number) }
        default:
            try peer.send("\(peer.peerID.text)-\(number)", to: other, ack: number)
        }
    }
}
