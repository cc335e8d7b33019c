import Bytes
import Clients
import Foundation
import Identifiers
import RegistrySupport
import Testing
import Tokens

@Suite struct RegistryAuditTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    private let digest2 = [UInt8](repeating: 2, count: 32)
    private let root = Actor.commandLine(user: "root")

    private func entries(_ registry: any Registry) throws -> [AuditEntry] {
        try registry.auditEntries(after: 0, limit: 1000)
    }

    /// One change of every kind.
    private func changes() throws -> [(any Registry) throws -> Void] {
        let key = try PublicKey.sample(1)
        let (digest, root) = (digest2, root)
        return [
            { try $0.add(try Client.sample("a", createdAt: 1), by: root) },
            {
                let update = try ClientUpdate(rooms: ["x", "y*"], assertionKeys: [key])
                try $0.update(id: "c_a", update, by: root, at: 2)
            },
            {
                try $0.rotateSecret(
                    id: "c_a", digest: digest, graceSeconds: 60, by: root, at: 3)
            },
            { try $0.disable(id: "c_a", by: root, at: 4) },
            { try $0.enable(id: "c_a", by: root, at: 5) },
            { try $0.revoke(.token(id: "t", expiresAt: 99), by: .client("c_a"), at: 6) },
            {
                try $0.revoke(
                    .subject("c_a:zoe", issuedBefore: 7, expiresAt: 99), by: .client("c_a"), at: 7)
            },
            { try $0.revoke(.client(id: "c_a", issuedBefore: 8, expiresAt: 99), by: root, at: 8) },
            { try $0.appendAudit(action: "key.rotate", target: "kid", by: .server, at: 9) },
            { try $0.remove(id: "c_a", by: root, at: 10) },
        ]
    }

    @Test("Every change says who did what to whom, and when")
    func everyChange() throws {
        let registry = try folder.open()
        for change in try changes() { try change(registry) }
        let found = try entries(registry)
        #expect(found.map(\.id) == Array(1...10))
        #expect(found.map(\.at) == Array(1...10))
        #expect(
            found.map(\.action) == [
                "client.add", "client.update", "client.rotate_secret", "client.disable",
                "client.enable", "token.revoke", "subject.revoke", "client.revoke_tokens",
                "key.rotate", "client.remove",
            ])
        #expect(
            found.map(\.target) == [
                "c_a", "c_a", "c_a", "c_a", "c_a", "t", "c_a:zoe", "c_a", "kid", "c_a",
            ])
        #expect(found.map(\.actor).prefix(5).allSatisfy { $0 == "cli:root" })
        #expect(found.map(\.actor).suffix(5).first == "client:c_a")
        #expect(found[8].actor == "server")
        #expect(
            found[0].details
                == "rooms *; origins -; scopes signal; lifetime 3600; keys -; name a")
        #expect(found[1].details == "rooms x y*; keys key-1")
        #expect(found[2].details.contains("63"))
    }

    @Test("The log holds no digest of a secret")
    func noSecrets() throws {
        let registry = try folder.open()
        for change in try changes() { try change(registry) }
        let digests = [digest2, [UInt8](repeating: 1, count: 32)].flatMap { digest in
            [Base64URL.encode(digest), digest.map { String($0, radix: 16) }.joined()]
        }
        for entry in try entries(registry) {
            #expect(!digests.contains { entry.details.contains($0) })
        }
    }

    @Test("A change without a time is dated by the clock")
    func dated() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let before = Int64(Date().timeIntervalSince1970) - 2
        try registry.disable(id: "c_a")
        let entry = try #require(try entries(registry).last)
        #expect(entry.actor == "server")
        #expect((before...(before + 600)).contains(entry.at))
    }

    @Test("A change that is refused is not logged")
    func refused() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let digest = digest2
        let refused: [() throws -> Void] = [
            { try registry.add(try Client.sample("a")) },
            { try registry.update(id: "c_x", ClientUpdate(name: "n")) },
            { try registry.disable(id: "c_x") }, { try registry.enable(id: "c_x") },
            { try registry.remove(id: "c_x") },
            {
                try registry.rotateSecret(
                    id: "c_a", digest: digest, atSecondsSinceEpoch: 0, graceSeconds: -1)
            },
            { try registry.revoke(.token(id: "", expiresAt: 1)) },
        ]
        for change in refused {
            #expect(throws: RegistryFailure.self, performing: change)
        }
        try registry.update(id: "c_a", ClientUpdate())
        #expect(try entries(registry).map(\.action) == ["client.add"])
    }

    @Test("Where the log cannot be written, nothing changes")
    func both() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        try folder.execute(
            """
            CREATE TRIGGER audit_full BEFORE INSERT ON audit BEGIN
                SELECT RAISE(ABORT, 'played');
            END
            """,
            postgres: """
                CREATE TRIGGER audit_full BEFORE INSERT ON audit
                    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()
                """)
        let before = try registry.list()
        #expect(throws: RegistryFailure.self) { try registry.add(try Client.sample("b")) }
        // Without what is added first, and what would enable a client that is.
        for (index, change) in try changes().enumerated() where ![0, 4].contains(index) {
            #expect(throws: RegistryFailure.self) { try change(registry) }
        }
        #expect(try registry.list() == before)
        #expect(try registry.revocations() == [])
    }

    @Test(
        "Nothing that was logged can be changed or taken away by a statement",
        arguments: [
            "UPDATE audit SET actor = 'x'", "UPDATE audit SET id = id + 5", "DELETE FROM audit",
            "DELETE FROM audit WHERE id = 1", "TRUNCATE audit", "TRUNCATE client, audit",
            """
            INSERT INTO audit VALUES (1, 0, 'x', 'x', 'x', 'x', 0)
            ON CONFLICT (id) DO UPDATE SET actor = 'x'
            """,
            "INSERT OR REPLACE INTO audit VALUES (1, 0, 'x', 'x', 'x', 'x')",
            "REPLACE INTO audit VALUES (1, 0, 'x', 'x', 'x', 'x')",
            """
            INSERT INTO audit VALUES (1, 0, 'x', 'x', 'x', 'x')
            ON CONFLICT DO UPDATE SET actor = 'x'
            """,
        ])
    func appendOnly(sql: String) throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let before = try entries(registry)
        #expect(throws: (any Error).self) { try folder.execute(sql) }
        #expect(try entries(registry) == before)
        try registry.disable(id: "c_a")
        #expect(try entries(registry).map(\.id) == [1, 2])
    }

    @Test("A purge leaves the log alone")
    func purge() throws {
        let registry = try folder.open()
        try registry.revoke(.token(id: "t", expiresAt: 1), at: 1)
        try registry.purgeExpired(atSecondsSinceEpoch: .max)
        #expect(try registry.revocations() == [])
        #expect(try entries(registry).count == 1)
    }

    @Test("The log is read on from a line, and from its end, in pieces of any size")
    func pieces() throws {
        let registry = try folder.open()
        for index in 1...5 {
            try registry.appendAudit(
                action: "test.do", target: "\(index)", by: .server, at: Int64(index))
        }
        #expect(try registry.auditEntries(after: 0, limit: 2).map(\.id) == [1, 2])
        #expect(try registry.auditEntries(after: 2, limit: 2).map(\.id) == [3, 4])
        #expect(try registry.auditEntries(after: 4, limit: 2).map(\.id) == [5])
        #expect(try registry.auditEntries(after: 5, limit: 2) == [])
        #expect(try registry.auditEntries(after: .max, limit: .max) == [])
        #expect(try registry.auditEntries(after: .min, limit: -1) == [])
        #expect(try registry.latestAuditEntries(limit: 2).map(\.id) == [4, 5])
        #expect(try registry.latestAuditEntries(limit: 0) == [])
        #expect(try registry.latestAuditEntries(limit: 9).count == 5)
    }

    @Test("What is appended from outside is bounded")
    func bounded() throws {
        let registry = try folder.open()
        let long = String(repeating: "x\n", count: 5000)
        try registry.appendAudit(action: long, target: long, details: long, by: .server, at: 0)
        let entry = try #require(try entries(registry).first)
        #expect(entry.action.utf8.count <= 64)
        #expect(entry.target.utf8.count <= 512)
        #expect(entry.details.utf8.count <= 1024)
        #expect(!entry.details.contains("\n"))
    }

    @Test(
        "A kill at any moment leaves a change and its line in the log both or neither",
        .enabled(if: RegistryFolder.isFile, "it plays what lies beside the file"))
    func killed() throws {
        struct Moment: Equatable {
            var clients: [Client]
            var revocations: [Revocation]
            var log: [AuditEntry]

            init(_ registry: any Registry) throws {
                clients = try registry.list()
                revocations = try registry.revocations()
                log = try registry.auditEntries(after: 0, limit: 1000)
            }
        }
        let journalURL = URL(fileURLWithPath: folder.path + "-wal")
        try folder.make()
        let file = try Data(contentsOf: URL(fileURLWithPath: folder.path))
        let registry = try folder.open()
        var acknowledged = [(moment: try Moment(registry), length: 0)]
        for change in try changes() {
            try change(registry)
            let length = try Data(contentsOf: journalURL).count
            acknowledged.append((try Moment(registry), length))
        }
        let journal = try Data(contentsOf: journalURL)
        let ends = acknowledged.map(\.length)
        let lengths = stride(from: 0, to: journal.count, by: 1511) + ends + ends.map { $0 - 1 }
        #expect(lengths.count > 30)
        for length in lengths where length >= 0 {
            let killed = try RegistryFolder()
            try killed.write(file)
            try journal.prefix(length).write(to: URL(fileURLWithPath: killed.path + "-wal"))
            let found = try Moment(try killed.open(mustExist: true))
            #expect(found == acknowledged[found.log.count].moment)
            #expect(found.log.count == acknowledged.count { $0.length <= length } - 1)
            withExtendedLifetime(killed) {}
        }
    }

    @Test("Writers side by side lose no line, and the ids have no gap")
    func writers() async throws {
        try folder.make()
        let folder = folder
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    let registry = try folder.open(mustExist: true)
                    for index in 0..<10 {
                        try registry.add(try Client.sample("w\(writer)-\(index)"))
                        try registry.revoke(.token(id: "t\(writer)-\(index)", expiresAt: 1))
                    }
                }
            }
            try await group.waitForAll()
        }
        let found = try entries(try folder.open())
        #expect(found.map(\.id) == Array(1...80))
        #expect(Set(found.map(\.target)).count == 80)
    }
}
