import Bytes
import Cluster
import Foundation
import StrictJSON
import Testing

@testable import NATSBus

/// Three servers that keep the bucket together (docs/decisions/0037).
@Suite(.enabled(if: NATSProcess.program != nil, NATSProcess.comment))
struct ClusteredTests {
    @Test("The first revision and the time of a bucket outlive a restart of all servers (0037)")
    func restartOfAll() async throws {
        let cluster = try await NATSCluster()
        let node = try await TestNode.start(cluster.servers)
        let epoch = try await node.epoch()
        #expect(node.heard.now.notices.contains(.bucketMade(replicas: 3)))
        let gone = try await node.putWhenReady(.room(2), "purged")
        #expect(gone.raw >= epoch.nonce)
        node.bus.tell(.purge(.room(2), gone))
        try await node.waitUntilAbsent(.room(2))
        var count = node.heard.now.events.count
        try await cluster.restartAll()
        #expect(try await node.epoch(after: count) == epoch)
        let first = try await node.putWhenReady(.room(1), "one")
        #expect(first > gone, "with nothing in the bucket as well")
        count = node.heard.now.events.count
        try await cluster.restartAll()
        #expect(try await node.epoch(after: count) == epoch)
        #expect(try await node.readWhenReady(.room(1)) == .found(Array("one".utf8), first))
        node.bus.stop()
    }

    @Test("A leader that is killed makes writes unknown for a while, and no more than that (0037)")
    func killedLeader() async throws {
        let cluster = try await NATSCluster()
        let name = TestNode.someCluster()
        let node = try await TestNode.start(cluster.servers, name)
        let epoch = try await node.epoch()
        var last = try await node.put(.room(1), "0")
        let leader = try cluster.leader(name)
        try cluster.servers[leader].kill()
        var outcomes: [StoreAnswer] = []
        let end = Date() + 20
        while Date() < end {
            let answer = try await node.write(.room(1), "\(outcomes.count)", from: last)
            outcomes.append(answer)
            if case .accepted(let revision) = answer {
                #expect(revision > last)
                break
            }
            if answer == .conflict, case .found(_, let revision) = try await node.read(.room(1)) {
                // One of those unknown came through.
                last = revision
            }
        }
        guard case .accepted = outcomes.last else {
            throw TestNode.TooLate(events: [], notices: node.heard.now.notices)
        }
        let connections = node.heard.now.events.compactMap { event in
            if case .connected(let epoch) = event { epoch } else { nil }
        }
        #expect(Set(connections) == [epoch])
        #expect(node.heard.now.longestTick < 1000)
        node.bus.stop()
    }

    @Test("Of writers that race one wins, and all the others are told that they lost (0037)")
    func race() async throws {
        let cluster = try await NATSCluster()
        let name = TestNode.someCluster()
        var nodes: [TestNode] = []
        for server in cluster.servers { nodes.append(try await TestNode.start([server], name)) }
        var base = try await nodes[0].put(.room(1), "0")
        for round in 1...30 {
            let numbers = (0..<4).map { UInt64(round * 1000 + $0) }
            for node in nodes {
                node.bus.tell(numbers.map { .write(.room(1), [1], base, $0) })
            }
            var won: [Revision] = []
            for node in nodes {
                let answers = try await node.wait { state -> [StoreAnswer]? in
                    let answers = state.events.compactMap { event -> StoreAnswer? in
                        guard case .answer(let answer, let number) = event else { return nil }
                        return numbers.contains(number) ? answer : nil
                    }
                    return answers.count == numbers.count ? answers : nil
                }
                for case .accepted(let revision) in answers { won.append(revision) }
                #expect(answers.count { $0 == .conflict } >= 3, "\(answers)")
            }
            #expect(won.count == 1)
            base = try #require(won.first)
        }
        for node in nodes { node.bus.stop() }
    }

    @Test("Where most servers are silent nothing is known, and then all goes on (0037)")
    func minority() async throws {
        let cluster = try await NATSCluster()
        let node = try await TestNode.start(cluster.servers)
        let epoch = try await node.epoch()
        let first = try await node.put(.room(1), "one")
        // Where it is now: a busy machine may have had it change servers.
        let places = node.heard.now.notices.compactMap { notice in
            if case .connected(let url, _) = notice { url } else { nil }
        }
        let others = cluster.servers.filter { $0.url != places.last }
        others.forEach { $0.signal(SIGSTOP) }
        for _ in 0..<5 {
            let answer = try await node.write(.room(1), "two", from: first)
            #expect(answer == .unknown)
        }
        #expect(!node.heard.now.events.contains(.disconnected), "there is no better server")
        others.forEach { $0.signal(SIGCONT) }
        let next = try await node.putWhenReady(.room(2), "three")
        #expect(next > first)
        let epochs = node.heard.now.events.compactMap { event in
            if case .connected(let epoch) = event { epoch } else { nil }
        }
        #expect(Set(epochs) == [epoch])
        #expect(node.heard.now.longestTick < 1000)
        node.bus.stop()
    }

    @Test("A frozen server blocks nobody, and is left for another (0037)")
    func frozen() async throws {
        let cluster = try await NATSCluster()
        let name = TestNode.someCluster()
        let node = try await TestNode.start(cluster.servers, name)
        let epoch = try await node.epoch()
        _ = try await node.put(.room(1), "one")
        let number = try #require(
            cluster.servers.firstIndex { server in
                node.heard.now.notices.contains { notice in
                    if case .connected(let url, _) = notice { url == server.url } else { false }
                }
            })
        let count = node.heard.now.events.count
        cluster.servers[number].signal(SIGSTOP)
        // So much that the kernel's buffers are full.
        let frame = [UInt8](repeating: 1, count: 500_000)
        var longest = Duration.zero
        let clock = ContinuousClock()
        for _ in 0..<40 {
            let time = clock.measure { node.bus.tell(.send(frame, Incarnation(raw: 1))) }
            longest = max(longest, time)
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(longest < .milliseconds(200), "to tell blocks nobody")
        #expect(try await node.epoch(after: count) == epoch)
        let (_, heard) = (try await node.putWhenReady(.room(2), "two"), node.heard.now)
        // The deadline of a write, and what the machine takes beside it.
        #expect(heard.longestTick < 1200, "\(heard.longestTick) ms without a tick")
        let former = try cluster.servers[number].server
        #expect(
            heard.notices.contains {
                if case .disconnected(.lost(former)) = $0 { true } else { false }
            }, "\(heard.notices)")
        cluster.servers[number].signal(SIGCONT)
        node.bus.stop()
    }
}

extension NATSCluster {
    /// Which server leads the bucket.
    func leader(_ cluster: String) throws -> Int {
        let tool = try Tool(servers[0], cluster)
        defer { tool.close() }
        let info = try tool.ask("STREAM.INFO")
        let name = try #require(info["cluster"]?.object?["leader"]?.string)
        return try #require((0..<3).first { name == .init("n\($0 + 1)") })
    }
}

extension TestNode {
    /// While the servers elect a leader, nothing is known.
    func putWhenReady(_ key: StoreKey, _ text: String) async throws -> Revision {
        let end = Date() + 25
        while Date() < end {
            switch try await write(key, text, from: .absent) {
            case .accepted(let revision): return revision
            case .conflict:
                if case .found(_, let revision) = try await read(key) { return revision }
            default: try await Task.sleep(for: .milliseconds(50))
            }
        }
        throw TooLate(events: heard.now.events, notices: heard.now.notices)
    }

    func readWhenReady(_ key: StoreKey) async throws -> StoreAnswer {
        let end = Date() + 25
        while Date() < end {
            let answer = try await read(key)
            if answer != .unreadable { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TooLate(events: heard.now.events, notices: heard.now.notices)
    }
}
