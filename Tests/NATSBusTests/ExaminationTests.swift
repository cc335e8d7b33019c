import Bytes
import Cluster
import Foundation
import Locking
import ServerSupport
import StrictJSON
import Testing

@testable import NATSBus

/// What `usher doctor` and `usher cluster status` have of NATS (docs/decisions/0037).
@Suite(.enabled(if: NATSProcess.program != nil, NATSProcess.comment))
struct ExaminationTests {
    @Test("An examination races writers, and changes nothing that lasts (0037)")
    func examination() async throws {
        let server = try await NATSProcess.started()
        let cluster = TestNode.someCluster()
        let configuration = try TestNode.configuration([server], cluster)
        let before = try NATSExamination.run(configuration)
        #expect(try before.bucket.get() == nil)
        let good = try #require(before.servers.first).outcome.get()
        #expect(good.version.hasPrefix("2.") && good.cluster == "" && good.name == "n1")
        let node = try await TestNode.start([server], cluster)
        let after = try #require(try NATSExamination.run(configuration).bucket.get())
        #expect(after.replicas == 1 && after.differences == [] && after.race == nil)
        #expect(after.followers == [] && after.messages == 0)
        let tool = try Tool(server, cluster)
        #expect(try tool.ask("STREAM.INFO")["state"]?.object?["messages"]?.int64 == 0)
        tool.close()
        node.bus.stop()
    }

    @Test("All servers are examined, those that others name and those that are away too (0037)")
    func allServers() async throws {
        let cluster = try await NATSCluster()
        let name = TestNode.someCluster()
        let node = try await TestNode.start(cluster.servers, name)
        // Of three one is named, and names the others by another address.
        let one = try TestNode.configuration([cluster.servers[0]], name)
        let whole = try await examined(one) { $0.servers.count == 3 }
        #expect(whole.servers.map(\.isNamed) == [true, false, false])
        #expect(whole.servers.allSatisfy { (try? $0.outcome.get().cluster) == "c" })
        let bucket = try #require(try whole.bucket.get())
        #expect(bucket.replicas == 3 && bucket.leader != nil && bucket.followers.count == 2)
        // Of three that are named one is gone.
        try cluster.servers[2].kill()
        let all = try TestNode.configuration(cluster.servers, name)
        let rest = try await examined(all) { (try? $0.bucket.get())?.race == nil }
        let named = rest.servers.filter(\.isNamed)
        let known = try cluster.servers.map { try $0.server }
        #expect(named.map(\.server) == known)
        #expect(named.map(\.isGood) == [true, true, false])
        guard case .failure(let fault)? = named.last?.outcome else {
            throw NATSProcess.Failure(what: String(describing: named))
        }
        #expect(fault.code == "nats_unreachable")
        node.bus.stop()
    }

    /// Elections take a while.
    private func examined(
        _ configuration: NATSConfiguration, until isMeant: (NATSExamination) -> Bool
    ) async throws -> NATSExamination {
        let end = Date() + 30
        while true {
            let found = try? NATSExamination.run(configuration)
            if let found, case .success(_?) = found.bucket, isMeant(found) { return found }
            guard Date() < end else {
                throw NATSProcess.Failure(what: String(describing: found))
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    @Test("A server that is too old is found beside a good one, whichever is named first (0037)")
    func oldServer() async throws {
        let old = try ScriptedServer { peer in
            peer.send(
                #"INFO {"server_id":"N9","version":"2.9.10","max_payload":1048576,"headers":true}"#
                    + "\r\n")
            _ = peer.line()
        }
        let url = try NATSServer("nats://127.0.0.1:\(old.port)")
        let good = try await NATSProcess.started()
        for servers in [[url, try good.server], [try good.server, url]] {
            let configuration = NATSConfiguration(
                servers: servers, cluster: try #require(ClusterName("c")), nodeName: "n")
            let found = try NATSExamination.run(configuration)
            #expect(found.servers.map(\.server) == servers)
            let outcome = found.servers.first { $0.server == url }?.outcome
            #expect(outcome == .failure(.tooOld(url, version: "2.9.10")))
            #expect(try found.bucket.get() == nil)
        }
    }

    @Test("Where no server is good each is told all the same, and why (0037)")
    func noneGood() throws {
        let servers = try (0..<2).map { _ in
            try NATSServer("nats://127.0.0.1:\(ScriptedServer.freePort())")
        }
        let configuration = NATSConfiguration(
            servers: servers, cluster: try #require(ClusterName("c")), nodeName: "n")
        let found = try NATSExamination.run(configuration)
        #expect(found.servers.map(\.server) == servers)
        #expect(!found.servers.contains(where: \.isGood) && found.account == nil)
        #expect(throws: NATSFault.self) { try found.bucket.get() }
    }

    @Test("Whom a server names is greeted, and shown no credentials (0037)")
    func learned() async throws {
        let said = Lock<[String]>([])
        let info =
            #""server_id":"N9","version":"2.11.0","max_payload":1048576,"headers":true,"proto":1"#
        let other = try ScriptedServer { peer in
            peer.send("INFO {\(info)}\r\n")
            while let line = peer.line() { said.withLock { $0.append(line) } }
        }
        let first = try ScriptedServer { peer in
            let port = other.port
            peer.send(
                "INFO {\(info.replacing("N9", with: "N8")),"
                    + "\"connect_urls\":[\"127.0.0.1:\(port)\"]}\r\n")
            while let line = peer.line() {
                if line.hasPrefix("PING") { peer.send("PONG\r\n") }
            }
        }
        let configuration = NATSConfiguration(
            servers: [try NATSServer("nats://127.0.0.1:\(first.port)")],
            cluster: try #require(ClusterName("c")), nodeName: "n")
        let found = try NATSExamination.run(configuration)
        #expect(found.servers.map(\.isNamed) == [true, false])
        let areGood = found.servers.map(\.isGood)
        #expect(areGood == [true, true])
        #expect(said.withLock { $0 } == [])
    }

    @Test("What an account may hold is told, and the log names a quota that is used up (0037)")
    func quota() async throws {
        let server = try await NATSProcess.started(
            """
            accounts { A {
                jetstream { max_file: 200K, max_streams: 2, max_consumers: 3 }
                users: [ { user: u, password: p } ]
            } }
            no_auth_user: u
            """)
        let name = TestNode.someCluster()
        let node = try await TestNode.start([server], name)
        _ = try await node.wait { $0.events.contains(.watchedAll) ? true : nil }
        let account = try #require(
            try NATSExamination.run(TestNode.configuration([server], name)).account)
        #expect(account.storage.most == 200 << 10 || account.storage.most == 200_000)
        #expect(account.streams == NATSAccount.Quota(used: 1, most: 2))
        #expect(account.consumers == NATSAccount.Quota(used: 1, most: 3))
        let bytes = [UInt8](repeating: 1, count: 60_000)
        var answers: [StoreAnswer] = []
        for number in 0..<4 {
            answers.append(
                try await node.answer { .write(.room(UInt8(number)), bytes, .absent, $0) })
        }
        #expect(answers.last == .unknown)
        let refusals = node.heard.now.notices.filter { $0.code.description == "bus_quota_used_up" }
        #expect(refusals.count == 1, "once a minute")
        #expect("\(try #require(refusals.first))".contains("quota"))
        node.bus.stop()
    }

    @Test("An account's limits are read with tiers and without (nats-server, $JS.API.INFO)")
    func account() throws {
        func account(_ text: String) -> NATSAccount? { NATSAccount(Array(text.utf8)) }
        let plain = try #require(
            account(
                #"{"memory":0,"storage":70,"streams":1,"consumers":4,"#
                    + #""limits":{"max_storage":100,"max_streams":-1,"max_consumers":3}}"#))
        #expect(plain.storage.left == 30 && plain.streams.left == nil && plain.consumers.left == 0)
        let tiered = try #require(
            account(
                #"{"memory":0,"storage":0,"streams":1,"consumers":1,"limits":{},"#
                    + #""tiers":{"R3":{"storage":9,"streams":1,"consumers":1,"#
                    + #""limits":{"max_storage":10,"max_streams":1,"max_consumers":-1}}}}"#))
        #expect(tiered.storage == NATSAccount.Quota(used: 9, most: 10))
        // What no server says is no reason to end.
        let most = Int64.max
        let hostile = try #require(
            account(
                #"{"storage":\#(-most),"streams":-1,"consumers":\#(most),"#
                    + #""limits":{"max_storage":\#(most),"max_streams":2,"max_consumers":0}}"#))
        #expect(hostile.storage.left == most && hostile.streams.left == 2)
        #expect(hostile.consumers.left == 0)
        #expect(account(#"{"error":{"code":503,"err_code":10076,"description":"no"}}"#) == nil)
    }

    @Test("What servers say of themselves is asked for beside the bus, and told (0037)")
    func report() async throws {
        let cluster = try await NATSCluster()
        let node = try await TestNode.start(cluster.servers)
        func versions() -> [String?] { node.bus.report?.servers.map(\.version) ?? [] }
        let end = Date() + 15
        while versions().count(where: { $0 != nil }) < 3, Date() < end {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(versions().count == 3 && versions().allSatisfy { $0 != nil })
        #expect(node.bus.report?.reconnects == 0)
        let count = node.heard.now.events.count
        let number = try #require(
            cluster.servers.firstIndex { $0.url == node.bus.report?.server })
        try cluster.servers[number].kill()
        _ = try await node.epoch(after: count)
        #expect((node.bus.report?.reconnects ?? 0) >= 1)
        while node.bus.report?.servers[number].trouble == nil, Date() < end + 15 {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(node.bus.report?.servers[number].trouble == "nats_unreachable")
        node.bus.stop()
    }
}
