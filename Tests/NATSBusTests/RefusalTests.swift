import Bytes
import Cluster
import Foundation
import Locking
import ServerSupport
import StrictJSON
import Testing

@testable import NATSBus

/// Servers that can't serve, or don't want to (docs/decisions/0037).
@Suite(.enabled(if: NATSProcess.program != nil, NATSProcess.comment))
struct RefusalTests {
    /// What a start ends with.
    private func fault(
        _ servers: [NATSProcess], _ change: (inout NATSConfiguration) -> Void = { _ in }
    ) async throws -> NATSFault? {
        let configuration = try TestNode.configuration(servers, TestNode.someCluster(), change)
        return try await TestNode(configuration).outcome()
    }

    @Test("A server too old is refused by name, before it is shown any credentials (0037)")
    func tooOld() async throws {
        let answers = ScriptedServer.Said()
        let server = try ScriptedServer { peer in
            peer.send(
                #"INFO {"server_id":"N1","version":"2.9.10","max_payload":1048576,"headers":true}"#
                    + "\r\n")
            answers.add(peer.line())
        }
        let url = try NATSServer("nats://127.0.0.1:\(server.port)")
        let configuration = NATSConfiguration(
            servers: [url], cluster: try #require(ClusterName("c")), nodeName: "n")
        let node = try TestNode(configuration)
        await #expect(throws: NATSFault.tooOld(url, version: "2.9.10")) {
            try await node.start(secondsMax: 2)
        }
        #expect(node.heard.now.notices == [.waiting(.tooOld(url, version: "2.9.10"))])
        #expect(node.heard.now.events == [])
        #expect("\(NATSFault.tooOld(url, version: "2.9.10"))".contains("2.10.26"))
        #expect(answers.all.allSatisfy { $0 == nil }, "nothing was said to it")
    }

    @Test("A server without JetStream is refused by name (0037)")
    func withoutJetStream() async throws {
        let server = try NATSProcess(jetStream: false)
        try server.start()
        try await server.waitUntilReady()
        #expect(try await fault([server]) == .noJetStream(server.server))
    }

    @Test("A server that takes only small messages is refused by name (0037)")
    func smallMessages() async throws {
        let server = try await NATSProcess.started("max_payload: 524288")
        #expect(
            try await fault([server]) == .messagesTooSmall(server.server, bytes: 524_288))
    }

    @Test("What is longer than the server takes is not sent, and told; the connection stays (0037)")
    func longMessages() async throws {
        let server = try await NATSProcess.started()
        let node = try await TestNode.start([server])
        let long = [UInt8](repeating: 1, count: (1 << 20) + 1)
        #expect(try await node.answer { .write(.room(1), long, .absent, $0) } == .unknown)
        node.bus.tell([.send(long, Incarnation(raw: 1)), .heartbeat(long)])
        _ = try await node.put(.room(1), "short")
        let notices = node.heard.now.notices.dropFirst(2)
        #expect(
            notices.map(\.code.description) == Array(repeating: "bus_message_too_long", count: 3))
        #expect(!node.heard.now.events.contains(.disconnected))
        node.bus.stop()
    }

    @Test("A bucket that would forget is refused; one that only differs is used, and told (0037)")
    func foreignBuckets() async throws {
        let server = try await NATSProcess.started()
        func make(_ more: String) throws -> String {
            let cluster = TestNode.someCluster()
            let tool = try Tool(server, cluster)
            defer { tool.close() }
            let keys = "$KV.usher-\(cluster).\(UInt64(0).hex).>"
            try tool.ask(
                "STREAM.CREATE", "",
                #"{"name":"KV_usher-\#(cluster)","subjects":["\#(keys)"],"#
                    + #""num_replicas":1,\#(more)}"#)
            return cluster
        }
        let forgetting = try make(#""storage":"file","max_age":3600000000000"#)
        let node = try TestNode(TestNode.configuration([server], forgetting))
        let fault = await #expect(throws: NATSFault.self) { try await node.start(secondsMax: 2) }
        #expect(fault?.code == "nats_bucket")
        let other = try make(#""storage":"memory","max_msgs_per_subject":5"#)
        let served = try await TestNode.start([server], other) { $0.replicas = 3 }
        #expect(try await served.epoch().nonce == 0)
        _ = try await served.put(.room(1), "one")
        let told = served.heard.now.notices.compactMap {
            if case .bucketDiffers(let what) = $0 { what } else { nil }
        }
        #expect(told.count == 3, "storage, history, replicas: \(told)")
        var configuration = try TestNode.configuration([server], other)
        configuration.replicas = 3
        let found = try #require(try NATSExamination.run(configuration).bucket.get()).differences
        #expect(found.map(\.what) == told)
        #expect(
            found.last?.remedy == "nats stream edit KV_usher-\(other) --replicas 3; nodes may run")
        served.bus.stop()
    }

    @Test("A bucket that is not in use yet is not taken before its writers have raced (0037)")
    func raceThatFails() async throws {
        // One that takes no second connection.
        let server = try await NATSProcess.started("max_connections: 1")
        let configuration = try TestNode.configuration([server])
        for _ in 0..<3 {
            #expect(throws: NATSFault.self) {
                let dialled = try Dialled.dial(
                    server.server, configuration, seen: nil, WritersRace.Answers(),
                    notify: { _ in })
                dialled.line.close()
            }
        }
    }

    @Test("Nobody else of a node's account hears what it is answered (0037)")
    func inboxes() async throws {
        let server = try await NATSProcess.started()
        let stranger = WritersRace.Answers()
        let configuration = try TestNode.configuration([server])
        let line = try NATSLine.open(try server.server, configuration, stranger)
        defer { line.close() }
        #expect(line.subscribe("_INBOX.>", for: .answers))
        let node = try await TestNode.start([server])
        _ = try await node.put(.room(1), "one")
        _ = try await node.read(.room(1))
        _ = try await node.wait { $0.events.contains(.watchedAll) ? true : nil }
        #expect(stranger.take(1, millisecondsMax: 300).isEmpty)
        node.bus.stop()
    }

    @Test("Where nobody answers, a start says so in time, and leaves no thread behind")
    func nobody() async throws {
        let server = try NATSProcess()
        let found = try await fault([server])
        #expect(found?.code == "nats_unreachable")
    }

    // MARK: TLS

    private static func identity(_ identity: ServerIdentity) -> String {
        "tls { cert_file: '\(identity.path).pem', key_file: '\(identity.path).key' }"
    }

    private func overTLS(
        _ server: NATSProcess, _ host: String, _ authority: String?
    ) async throws -> NATSFault? {
        try await nodeOverTLS(server, host, authority).outcome()
    }

    private func nodeOverTLS(
        _ server: NATSProcess, _ host: String, _ authority: String?
    ) throws -> TestNode {
        let url = try NATSServer("tls://\(host):\(server.port)")
        var configuration = NATSConfiguration(
            servers: [url], cluster: try #require(ClusterName("c")), nodeName: "n")
        configuration.authorityFile = authority
        return try TestNode(configuration)
    }

    @Test("Over TLS a server that says nothing any more is given up, and holds up no end (0037)")
    func frozenOverTLS() async throws {
        let server = try await NATSProcess.started(Self.identity(TestKeys.good))
        let node = try nodeOverTLS(server, "localhost", TestKeys.authority)
        try await node.start()
        server.signal(SIGSTOP)
        defer { server.signal(SIGCONT) }
        _ = try await node.wait { state in
            state.notices.contains { if case .disconnected = $0 { true } else { false } }
                ? true : nil
        }
        node.bus.stop()
    }

    @Test(
        "TLS is spoken with a server that an authority of ours knows by the name we call it (0037)")
    func tls() async throws {
        let server = try await NATSProcess.started(Self.identity(TestKeys.good))
        let authority = TestKeys.authority
        #expect(try await overTLS(server, "localhost", authority) == nil)
        #expect(try await overTLS(server, "127.0.0.1", authority) == nil)
        #expect(try await overTLS(server, "localhost", nil)?.code == "nats_tls")
        #expect(try await fault([server]) == .wantsTLS(server.server))
        let other = try await NATSProcess.started(Self.identity(TestKeys.other))
        #expect(try await overTLS(other, "localhost", authority)?.code == "nats_tls")
        #expect(try await overTLS(other, "127.0.0.1", authority)?.code == "nats_tls")
        let expired = try await NATSProcess.started(Self.identity(TestKeys.expired))
        #expect(try await overTLS(expired, "localhost", authority)?.code == "nats_tls")
        let plain = try await NATSProcess.started()
        #expect(try await overTLS(plain, "localhost", authority)?.code == "nats_tls")
    }

    @Test("Authorities that are no certificates are refused before anything else")
    func authorities() throws {
        let path = try TestKeys.file("none.pem", "no certificate")
        for path in [path, "/nowhere/authorities.pem"] {
            var configuration = NATSConfiguration(
                servers: [try NATSServer("tls://localhost")],
                cluster: try #require(ClusterName("c")), nodeName: "n")
            configuration.authorityFile = path
            #expect(throws: NATSFault.self) { try configuration.check() }
        }
    }
}

extension ScriptedServer {
    /// What its peers have said.
    final class Said: Sendable {
        private let lines = Lock<[String?]>([])
        func add(_ line: String?) { lines.withLock { $0.append(line) } }
        var all: [String?] { lines.withLock { $0 } }
    }
}
