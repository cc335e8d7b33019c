import Bytes
import Clients
import Foundation
import Glibc
import Identifiers
import Locking
import RegistrySupport
import ServerSupport
import TestSupport
import Testing

@testable import RegistryOnPostgres

/// docs/decisions/0033: what was acknowledged is kept, and what was not is told as such.
@Suite(.serialized, .enabled(if: PostgresServer.isWanted, "no PostgreSQL to be started"))
struct TransactionTests {
    private let server: PostgresServer
    private let proxy: CuttingProxy

    init() throws {
        server = try PostgresServer()
        try server.makeRegistry()
        proxy = try CuttingProxy(to: server.port)
    }

    private func registry() throws -> any Registry { try PostgresDatabase.open(server.url()) }

    private func registryBehindProxy() throws -> any Registry {
        try PostgresDatabase.open("postgresql://usher@127.0.0.1:\(proxy.port)/postgres")
    }

    @Test("A body that swallows a failed statement keeps nothing, and is told so")
    func swallowed() throws {
        let registry = try registry()
        for _ in 0..<2 {
            do throws(RegistryFailure) {
                try registry.write { rows in
                    try rows.put(try Client.sample("a"))
                    _ = try? (rows as? PostgresRows)?.execute("SELECT 1 / 0")
                }
                Issue.record("it was told as made")
            } catch {
                #expect(error.code == "registry_failed")
            }
        }
        #expect(try registry.client(id: "c_a") == nil)
        try registry.add(try Client.sample("a"))
        #expect(try registry.client(id: "c_a") != nil)
    }

    @Test(
        "A commit that arrives is told as made, though its answer is lost",
        arguments: [
            CuttingProxy.Cut.afterCommit, .lateCommit,
        ])
    func answerLost(_ cut: CuttingProxy.Cut) throws {
        let registry = try registryBehindProxy()
        proxy.cutNext(cut)
        try registry.add(try Client.sample("a"))
        #expect(try server.texts("SELECT target FROM audit") == ["c_a"])
        proxy.cutNext(cut)
        #expect(try registry.markTokenUsed(id: "t", expiresAt: 9))
        #expect(try !registry.markTokenUsed(id: "t", expiresAt: 9))
        #expect(try server.texts("SELECT id FROM used_token WHERE expires_at = 9") == ["t"])
    }

    @Test("A mark that was lost with its connection is told as not made, and can be made")
    func markLost() throws {
        let registry = try registryBehindProxy()
        _ = try registry.isTokenUsed(id: "t")
        proxy.cutNext(.beforeCommit)
        // The server waits for more of it: nobody can tell.
        #expect(throws: RegistryFailure.self) { try registry.markTokenUsed(id: "t", expiresAt: 9) }
        proxy.forget()
        #expect(try registry.markTokenUsed(id: "t", expiresAt: 9))
    }

    @Test("While a lost change may still come, its outcome is told as unknown; then others go on")
    func unknown() throws {
        let registry = try registryBehindProxy()
        proxy.cutNext(.beforeCommit)
        do throws(RegistryFailure) {
            try registry.revoke(.token(id: "t", expiresAt: 9))
            Issue.record("it was told as made")
        } catch {
            #expect(error.code == "registry_outcome_unknown")
        }
        proxy.forget()
        try registry.revoke(.token(id: "u", expiresAt: 9))
        #expect(try registry.revocations() == [.token(id: "u", expiresAt: 9)])
    }

    @Test(
        "The server is killed and stopped under eight writers: what was acknowledged is there once")
    func restarts() throws {
        let registry = try registry()
        let writers = Writers()
        let threads = (0..<8).map { number in
            TestThread { writers.run(number, on: registry) }
        }
        for round in 0..<4 {
            let before = writers.count
            while writers.count < before + 40 { usleep(10_000) }
            if round % 2 == 0 { server.kill() } else { try server.stop() }
            try server.start()
        }
        let before = writers.count
        while writers.count < before + 40 { usleep(10_000) }
        writers.stop()
        threads.forEach { $0.wait() }
        try writers.check(server)
    }

    @Test("A server that is frozen costs a call its time and no thread, and is found again")
    func frozen() async throws {
        let registry = try registry()
        try registry.add(try Client.sample("a"))
        server.freeze()
        let threads = (0..<4).map { _ in
            TestThread {
                for _ in 0..<2 {
                    do throws(RegistryFailure) {
                        _ = try registry.client(id: "c_a")
                        Issue.record("it answered")
                    } catch {
                        #expect(error.code == "registry_timed_out")
                    }
                }
            }
        }
        threads.forEach { $0.wait() }
        server.thaw()
        #expect(try await eventually { (try? registry.client(id: "c_a")) != nil })
        try registry.disable(id: "c_a")
    }

    @Test("A database without space refuses changes and keeps what it has; with space it goes on")
    func diskFull() throws {
        let space = server.folder.path + "/space"
        try server.asOwner("mkdir space")
        guard PostgresServer.mount(at: space, megabytes: 24) else {
            print("SKIPPED: no file system can be mounted here, so no disk was filled")
            return
        }
        defer { PostgresServer.unmount(space) }
        try server.asOwner("mkdir space/own && chmod 700 space/own")
        try server.execute("CREATE TABLESPACE small LOCATION '\(space)/own'")
        try server.execute("CREATE DATABASE small TABLESPACE small")
        try RegistryOnPostgres.migrate(PostgresTarget(server.url("small")))
        let registry = try PostgresDatabase.open(server.url("small"))
        try server.asOwner("cat /dev/zero >space/fill || true")
        var made = 0
        var trouble: RegistryFailure?
        while trouble == nil, made < 5_000 {
            do throws(RegistryFailure) {
                try registry.revoke(.token(id: "t\(made)", expiresAt: 9))
                made += 1
            } catch {
                trouble = error
            }
        }
        #expect(trouble?.code == "registry_disk_full")
        #expect(try registry.revocations().count == made)
        try server.asOwner("rm space/fill")
        try registry.revoke(.token(id: "last", expiresAt: 9))
        #expect(try registry.revocations().count == made + 1)
    }
}

/// Threads that register clients, and what each was told.
final class Writers: Sendable {
    private struct State {
        var acknowledged: [String] = []
        var refused: [String] = []
        var isOver = false
    }

    private let state = Lock(State())

    var count: Int { state.withLock { $0.acknowledged.count } }

    func stop() { state.withLock { $0.isOver = true } }

    func run(_ number: Int, on registry: any Registry) {
        var turn = 0
        while !state.withLock({ $0.isOver }) {
            turn += 1
            let name = "w\(number)_\(turn)"
            do {
                try registry.add(try Client.sample(name))
                state.withLock { $0.acknowledged.append("c_\(name)") }
            } catch let failure as RegistryFailure where failure.code == "registry_outcome_unknown"
            {
                continue
            } catch {
                state.withLock { $0.refused.append("c_\(name)") }
                usleep(20_000)
            }
        }
    }

    /// All that was acknowledged is there, once; nothing of what was refused is; each change has
    /// its number.
    func check(_ server: PostgresServer) throws {
        let (acknowledged, refused) = state.withLock { ($0.acknowledged, $0.refused) }
        let there = try server.texts("SELECT id FROM client")
        let names = Set(there.map { ByteText($0) })
        #expect(names.count == there.count)
        #expect(acknowledged.allSatisfy { names.contains(ByteText($0)) })
        #expect(!refused.contains { names.contains(ByteText($0)) })
        let numbers = try server.texts(
            """
            SELECT revision::TEXT FROM registry
            UNION ALL SELECT count(*)::TEXT FROM change
            UNION ALL SELECT count(*)::TEXT FROM audit WHERE action = 'client.add'
            UNION ALL SELECT audit_id::TEXT FROM registry
            """)
        #expect(numbers == Array(repeating: "\(there.count)", count: 4))
    }
}
