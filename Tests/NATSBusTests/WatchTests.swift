import Bytes
import Cluster
import Foundation
import StrictJSON
import Testing

@testable import NATSBus

/// What is told of nodes' keys (docs/decisions/0037).
@Suite(.enabled(if: NATSProcess.program != nil, NATSProcess.comment))
struct WatchTests {
    @Test(
        "Keys of nodes are told in the order of the bucket, what there was before the rest (0037)")
    func order() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let writer = try await TestNode.start([server], cluster)
        _ = try await writer.wait { $0.events.contains(.watchedAll) ? true : nil }
        #expect(writer.heard.now.events.watched == ["connected", "all"], "of an empty bucket")
        let first = try await writer.put(.node(1), "one")
        _ = try await writer.put(.room(1), "not told")
        _ = try await writer.put(.node(2), "two")
        _ = try await writer.put(.node(1), "one again", from: first)
        let watcher = try await TestNode.start([server], cluster)
        _ = try await watcher.wait { $0.events.contains(.watchedAll) ? true : nil }
        _ = try await writer.put(.open, "open")
        _ = try await writer.put(.node(3), "three")
        let isTold = { (state: TestNode.Heard.State) in
            state.events.watched.last?.hasSuffix("three") == true ? true : nil
        }
        _ = try await watcher.wait(isTold)
        _ = try await writer.wait(isTold)
        let node = { (number: UInt64, text: String) in "\(StoreKey.node(number)): \(text)" }
        let later = ["open: open", node(3, "three")]
        #expect(
            watcher.heard.now.events.watched
                == ["connected", node(2, "two"), node(1, "one again"), "all"] + later)
        #expect(
            writer.heard.now.events.watched
                == ["connected", "all", node(1, "one"), node(2, "two"), node(1, "one again")]
                + later)
        for bus in [writer.bus, watcher.bus] { bus.stop() }
    }

    @Test("A consumer that is gone is made anew, and nothing is told twice or left out (0037)")
    func restart() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let node = try await TestNode.start([server], cluster)
        for number in 1...3 { _ = try await node.put(.node(UInt64(number)), "first") }
        _ = try await node.wait { $0.events.watched.count >= 5 ? true : nil }
        let tool = try Tool(server, cluster)
        let consumers = try tool.ask("CONSUMER.NAMES")["consumers"]?.array?.compactMap(\.string)
        let name = try #require(consumers?.first)
        _ = try tool.ask("CONSUMER.DELETE", ".\(name)")
        for number in 4...6 { _ = try await node.put(.node(UInt64(number)), "second") }
        _ = try await node.wait { $0.events.watched.count >= 8 ? true : nil }
        _ = try await node.put(.node(7), "third")
        _ = try await node.wait { $0.events.watched.last?.hasSuffix("third") == true ? true : nil }
        let told = node.heard.now.events.watched
        #expect(told.count == 9 && Set(told).count == 9, "\(told)")
        node.bus.stop()
        tool.close()
    }

    @Test("A key that somebody's tool has deleted is told as gone, and can be written from absent")
    func tombstones() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let node = try await TestNode.start([server], cluster)
        _ = try await node.put(.node(1), "here")
        let tool = try Tool(server, cluster)
        try tool.delete(.node(1))
        _ = try await node.wait { $0.events.watched.last?.hasSuffix("gone") == true ? true : nil }
        #expect(try await node.write(.node(1), "again", from: .absent) == .conflict)
        #expect(try await node.read(.node(1)) == .unreadable)
        try await node.waitUntilAbsent(.node(1))
        _ = try await node.put(.node(1), "again")
        node.bus.stop()
        tool.close()
    }
}

/// An operator's own tool, as far as the tests need one.
struct Tool {
    private final class Nobody: ArrivalSink {
        func put(_ arrival: Arrival, line: UInt32) -> Bool { true }
    }

    private let line: NATSLine
    private let subjects: Subjects

    init(
        _ server: NATSProcess, _ cluster: String,
        _ change: (inout NATSConfiguration) -> Void = { _ in }
    ) throws {
        let configuration = try TestNode.configuration([server], cluster, change)
        line = try NATSLine.open(configuration.servers[0], configuration, Nobody())
        let subjects = Subjects(cluster: configuration.cluster)
        let found = try Bucket.find(line, subjects, replicas: 1)
        self.subjects = subjects.inBucket(found?.epoch.nonce ?? 0)
    }

    /// Of JetStream.
    @discardableResult
    func ask(_ name: String, _ rest: String = "", _ text: String = "") throws -> JSONObject {
        let bytes = try line.ask("$JS.API.\(name).\(subjects.stream)\(rest)", Array(text.utf8))
        return try #require(JetStreamAnswer.object(bytes)).get()
    }

    /// As a key-value store does it, by a message that says so.
    func delete(_ key: StoreKey) throws {
        let isSent = line.publish(
            [], to: subjects.subject(key), "KV-Operation", "DEL", reply: nil)
        #expect(isSent)
        line.flush(millisecondsMax: 1000)
    }

    func close() { line.close() }
}
