import Cluster
import Foundation
import Testing

@testable import NATSBus

/// Servers and buckets that vanish (docs/decisions/0037).
@Suite(.enabled(if: NATSProcess.program != nil, NATSProcess.comment))
struct LossTests {
    @Test("A bucket deleted under the bus is made anew: another epoch, and no revision comes again")
    func deletedBucket() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let (one, two) = (
            try await TestNode.start([server], cluster), try await TestNode.start([server], cluster)
        )
        let epoch = try await one.epoch()
        #expect(try await two.epoch() == epoch)
        var last = try await one.put(.room(1), "before")
        for _ in 0..<3 { last = try await one.put(.room(1), "before", from: last) }
        let counts = [one, two].map { $0.heard.now.events.count }
        let tool = try Tool(server, cluster)
        try tool.ask("STREAM.DELETE")
        let second = try await one.epoch(after: counts[0])
        #expect(try await two.epoch(after: counts[1]) == second, "both have the same one")
        #expect(second != epoch && second.nonce > last.raw)
        #expect(try await one.read(.room(1)) == .found(nil, .absent))
        #expect(try await one.write(.room(1), "late", from: last) == .conflict)
        #expect(try await one.put(.room(1), "after") > last)
        #expect(one.heard.now.events.watched.filter { $0 == "connected" }.count == 2)
        for node in [one, two] { node.bus.stop() }
        tool.close()
    }

    @Test(
        "What is asked without a connection is unknown, and not repeated; then all goes on (0037)")
    func restartedServer() async throws {
        let server = try await NATSProcess.started()
        let node = try await TestNode.start([server])
        let epoch = try await node.epoch()
        let first = try await node.put(.room(1), "one")
        _ = try await node.put(.node(1), "node")
        let count = node.heard.now.events.count
        try server.kill()
        _ = try await node.wait { $0.events.contains(.disconnected) ? true : nil }
        #expect(try await node.write(.room(1), "lost", from: first) == .unknown)
        #expect(try await node.read(.room(1)) == .unreadable)
        node.bus.tell([.send([1], Incarnation(raw: 1)), .heartbeat([2]), .purge(.room(1), first)])
        try server.start()
        #expect(try await node.epoch(after: count) == epoch, "the bucket outlives its server")
        #expect(try await node.read(.room(1)) == .found(Array("one".utf8), first))
        #expect(try await node.put(.room(1), "two", from: first) > first)
        _ = try await node.wait { state in
            let again = state.events.dropFirst(count).filter {
                if case .watched(.node(Incarnation(raw: 1)), _, _) = $0 { true } else { false }
            }
            return again.isEmpty ? nil : true
        }
        node.bus.stop()
    }

    @Test("A bucket that has lost what it had acknowledged is made anew first (0037)")
    func lostWrites() async throws {
        let server = try await NATSProcess.started()
        let node = try await TestNode.start([server])
        let epoch = try await node.epoch()
        let first = try await node.put(.room(1), "one")
        try server.kill()
        try server.keepStorage()
        var count = node.heard.now.events.count
        try server.start()
        #expect(try await node.epoch(after: count) == epoch, "nothing was lost")
        var last = try await node.put(.room(1), "two", from: first)
        for _ in 0..<3 { last = try await node.put(.room(1), "more", from: last) }
        count = node.heard.now.events.count
        try server.kill()
        try server.restoreStorage()
        try server.start()
        let second = try await node.epoch(after: count)
        #expect(second != epoch && second.nonce > last.raw)
        #expect(try await node.read(.room(1)) == .found(nil, .absent))
        _ = try await node.put(.room(1), "again")
        #expect(node.heard.now.notices.contains(.bucketLostWrites))
        node.bus.stop()
    }

    @Test("That a bucket is removed is told before that is done, whatever follows (0037)")
    func toldFirst() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let node = try await TestNode.start([server], cluster)
        let epoch = try await node.epoch()
        node.bus.stop()
        let configuration = try TestNode.configuration([server], cluster)
        let line = try NATSLine.open(try server.server, configuration, WritersRace.Answers())
        defer { line.close() }
        var notices: [NATSNotice] = []
        #expect(throws: NATSFault.self) {
            _ = try Bucket.prepare(
                line, Subjects(cluster: configuration.cluster), replicas: 1,
                seen: .init(epoch: epoch, revision: Revision(raw: .max)),
                notify: { notice in
                    notices.append(notice)
                    try? server.kill()
                })
        }
        #expect(notices == [.bucketLostWrites])
    }

    @Test("A handler can send until the end, and everything told before is done (0037)")
    func stop() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let (node, other) = (
            try await TestNode.start([server], cluster), try await TestNode.start([server], cluster)
        )
        _ = try await other.read(.open)  // The server knows its subscriptions then.
        node.bus.tell((1...200).map { .heartbeat([UInt8($0)]) })
        node.bus.stop()
        _ = try await other.wait { $0.events.contains(.heartbeat([200])) ? true : nil }
        #expect(
            other.heard.now.events.count { if case .heartbeat = $0 { true } else { false } } == 200)
        node.bus.tell(.heartbeat([0]))
        node.bus.stop()
        other.bus.stop()
    }

    @Test("A server that stops is left for another before it is gone (lame duck)")
    func lameDuck() async throws {
        let cluster = try await NATSCluster()
        let node = try await TestNode.start(cluster.servers)
        let epoch = try await node.epoch()
        let number = try #require(
            node.heard.now.notices.compactMap { notice in
                if case .connected(let server, _) = notice {
                    cluster.servers.firstIndex { $0.url == server }
                } else {
                    nil
                }
            }.first)
        let count = node.heard.now.events.count
        cluster.servers[number].signal(SIGUSR2)
        #expect(try await node.epoch(after: count) == epoch)
        let notices = node.heard.now.notices
        let left = NATSFault.leaving(try cluster.servers[number].server)
        #expect(notices.contains(.disconnected(left)), "\(notices)")
        node.bus.stop()
    }
}
