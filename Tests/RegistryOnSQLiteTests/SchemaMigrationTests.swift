import Bytes
import Clients
import Foundation
import Identifiers
import RegistrySupport
import Testing
import Tokens

@testable import RegistryOnSQLite

@Suite struct SchemaMigrationTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    /// A file as version 1 wrote it, with one client of two secrets and one used token.
    private func makeVersion1() throws {
        try folder.write(Data())
        try RawRegistry(path: folder.path, schema: 1).execute(
            """
            INSERT INTO client VALUES ('c_old', 'Øld', 1000, 0, 3);
            INSERT INTO client_grant VALUES ('c_old', 'room', 0, 'team-*');
            INSERT INTO client_grant VALUES ('c_old', 'room', 1, 'lobby');
            INSERT INTO client_grant VALUES ('c_old', 'origin', 0, 'https://a.example');
            INSERT INTO client_grant VALUES ('c_old', 'scope', 0, 'signal');
            INSERT INTO client_secret VALUES ('c_old', 0, zeroblob(32), 1000, 9000);
            INSERT INTO client_secret VALUES ('c_old', 1, zeroblob(32), 2000, NULL);
            INSERT INTO used_token VALUES ('t1', 5000);
            UPDATE registry SET revision = 3;
            """)
    }

    /// A file as version 2 wrote it: what version 1 had, a key, a revocation and a line of the log.
    private func makeVersion2() throws {
        try makeVersion1()
        let x = String(repeating: "AQEB", count: 10) + "AQE"
        let keys = #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"\#(x)","kid":"key-1"}]}"#
        let raw = try RawRegistry(path: folder.path, schema: 2)
        try raw.execute(
            """
            UPDATE client SET lifetime_seconds_max = 60, assertion_keys = CAST('\(keys)' AS BLOB);
            INSERT INTO revocation VALUES ('token', 't9', NULL, 7000, 'cli:root', 4);
            INSERT INTO audit (at, actor, action, target, details)
                VALUES (2000, 'cli:root', 'client.add', 'c_old', 'rooms team-*');
            UPDATE registry SET revision = 4;
            """)
    }

    /// A file as version 3 wrote it: what version 2 had, and revocations by clients.
    private func makeVersion3() throws {
        try makeVersion2()
        try RawRegistry(path: folder.path, schema: 3).execute(
            """
            INSERT INTO revocation VALUES ('token', 't1', NULL, 7000, 'client:c_old', 5);
            INSERT INTO revocation VALUES ('token', 't2', NULL, 7000, 'client:c_old', 6);
            INSERT INTO revocation VALUES ('subject', 'c_old:u', 10, 7000, 'client:c_old', 7);
            INSERT INTO revocation VALUES ('client', 'c_old', 10, 7000, 'client:c_old', 8);
            UPDATE registry SET revision = 8;
            """)
    }

    private func oldClient(
        lifetimeSecondsMax: Int64 = 3600, keys: [PublicKey] = []
    ) throws -> Client {
        let digest = [UInt8](repeating: 0, count: 32)
        return Client(
            clientID: "c_old", name: "Øld",
            rooms: [try RoomPattern("team-*"), try RoomPattern("lobby")],
            origins: ["https://a.example"], scopes: ["signal"], createdAt: 1000,
            isEnabled: false,
            secrets: [
                ClientSecret(digest: digest, createdAt: 1000, expiresAt: 9000),
                ClientSecret(digest: digest, createdAt: 2000),
            ], lifetimeSecondsMax: lifetimeSecondsMax, assertionKeys: keys)
    }

    private func version() throws -> [String] {
        try RawRegistry(path: folder.path).texts("PRAGMA user_version")
    }

    @Test("A version-1 file keeps everything, and what is new begins at its defaults")
    func migrated() throws {
        try makeVersion1()
        #expect(try version() == ["1"])
        let registry = try folder.openFile(mustExist: true)
        #expect(try version() == ["\(RegistrySchema.version)"])
        #expect(try registry.list() == [try oldClient()])
        #expect(try registry.client(id: "c_old")?.lifetimeSecondsMax == 3600)
        #expect(try registry.client(id: "c_old")?.assertionKeys == [])
        #expect(try !registry.markTokenUsed(id: "t1", expiresAt: 5000))
        #expect(try registry.revocations() == [])
        #expect(try registry.auditEntries(after: 0, limit: 10) == [])
    }

    @Test("A version-2 file keeps everything, and its clients share no secret and manage nothing")
    func migratedFrom2() throws {
        try makeVersion2()
        #expect(try version() == ["2"])
        let registry = try folder.openFile(mustExist: true)
        #expect(try version() == ["\(RegistrySchema.version)"])
        let key = try PublicKey.sample(1)
        #expect(try registry.list() == [try oldClient(lifetimeSecondsMax: 60, keys: [key])])
        #expect(try registry.client(id: "c_old")?.legacySecret == nil)
        #expect(try registry.client(id: "c_old")?.registration == nil)
        #expect(try registry.client(id: "c_old")?.registrationTokenDigest == nil)
        #expect(try registry.revocations() == [.token(id: "t9", expiresAt: 7000)])
        #expect(try registry.auditEntries(after: 0, limit: 10).map(\.target) == ["c_old"])
        let secret = [UInt8](repeating: 5, count: 32)
        try registry.update(id: "c_old", ClientUpdate(legacySecret: .set(secret)))
        #expect(try folder.openFile(mustExist: true).client(id: "c_old")?.legacySecret == secret)
    }

    @Test("The revocations of a version-3 file stay, and count against their clients' shares")
    func migratedFrom3() throws {
        try makeVersion3()
        let registry = try folder.openFile(mustExist: true)
        #expect(try registry.revocations().map(\.name) == ["t9", "t1", "t2", "c_old:u", "c_old"])
        let shares = try RawRegistry(path: folder.path).texts(
            "SELECT share || ' ' || count FROM revocation_share ORDER BY share")
        #expect(shares == [" 2", "subjects c_old 1", "tokens c_old 2"])
    }

    @Test("Of several that list an origin an operator's client keeps it, or else the first")
    func origins() throws {
        try makeVersion3()
        func client(_ id: String, _ at: Int, _ origins: [String], isRegistered: Bool) -> String {
            let grants = origins.enumerated().map {
                "INSERT INTO client_grant VALUES ('\(id)', 'origin', \($0), 'https://\($1)');"
            }
            let registration = """
                INSERT INTO client_registration
                    VALUES ('\(id)', zeroblob(32), 'c_r', 'private_key_jwt', 'client_credentials');
                """
            return "INSERT INTO client VALUES ('\(id)', 'n', \(at), 1, 9, 60, NULL, NULL);"
                + grants.joined() + (isRegistered ? registration : "")
        }
        try RawRegistry(path: folder.path, schema: 3).execute(
            client("c_a", 10, ["a.example", "b", "c", "d"], isRegistered: true)
                + client("c_b", 9, ["b", "e"], isRegistered: true)
                + client("c_c", 11, ["c", "b"], isRegistered: true)
                + client("c_own", 90, ["c", "a.example"], isRegistered: false))
        let registry = try folder.openFile(mustExist: true)
        #expect(try registry.client(id: "c_a")?.origins == ["https://d"])
        #expect(try registry.client(id: "c_b")?.origins == ["https://b", "https://e"])
        #expect(try registry.client(id: "c_c")?.origins == [])
        #expect(try registry.client(id: "c_own")?.origins == ["https://c", "https://a.example"])
        #expect(try registry.client(id: "c_old")?.origins == ["https://a.example"])
        let lines = try registry.auditEntries(after: 0, limit: 20).filter { $0.actor == "server" }
        #expect(
            Set(lines.map { "\($0.target) \($0.details)" }) == [
                "c_a origin https://a.example taken for c_own",
                "c_a origin https://b taken for c_b", "c_a origin https://c taken for c_own",
                "c_c origin https://b taken for c_b", "c_c origin https://c taken for c_own",
            ])
        #expect(lines.allSatisfy { $0.at > 1_700_000_000 && $0.action == "client.update" })
    }

    @Test("A migrated file takes every change that a new one takes")
    func usable() throws {
        try makeVersion1()
        let registry = try folder.openFile(mustExist: true)
        try registry.enable(id: "c_old")
        let key = try PublicKey.sample(1)
        try registry.update(
            id: "c_old", ClientUpdate(lifetimeSecondsMax: 60, assertionKeys: [key]))
        try registry.revoke(.token(id: "t", expiresAt: 1))
        let client = try folder.openFile(mustExist: true).client(id: "c_old")
        #expect(client?.isEnabled == true)
        #expect(client?.lifetimeSecondsMax == 60)
        #expect(client?.assertionKeys == [key])
        #expect(client?.secrets.count == 2)
        #expect(try registry.auditEntries(after: 0, limit: 10).count == 3)
    }

    @Test("A migrated file and a new one have the same schema", arguments: [1, 2, 3])
    func sameSchema(version: Int) throws {
        try [makeVersion1, makeVersion2, makeVersion3][version - 1]()
        _ = try folder.openFile(mustExist: true)
        let other = try RegistryFolder()
        try other.make()
        let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        let schema = try RawRegistry(path: folder.path).texts(sql)
        #expect(schema == (try RawRegistry(path: other.path).texts(sql)))
        #expect(schema.count > 10)
        withExtendedLifetime(other) {}
    }

    @Test("Many who open a version-1 file at the same moment migrate it once")
    func together() async throws {
        try makeVersion1()
        let path = folder.path
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<6 {
                group.addTask { try RegistryOnSQLite(path: path, mustExist: true).list().count }
            }
            for try await count in group { #expect(count == 1) }
        }
        #expect(try version() == ["\(RegistrySchema.version)"])
    }

    @Test("A kill at any moment of a migration leaves a file that the next start completes")
    func killed() throws {
        try makeVersion1()
        let file = try Data(contentsOf: URL(fileURLWithPath: folder.path))
        let registry = try folder.openFile(mustExist: true)
        let journal = try Data(contentsOf: URL(fileURLWithPath: folder.path + "-wal"))
        withExtendedLifetime(registry) {}
        let lengths = Array(stride(from: 0, to: journal.count, by: 2003)) + [journal.count]
        #expect(lengths.count > 10)
        for length in lengths {
            let killed = try RegistryFolder()
            try killed.write(file)
            try journal.prefix(length).write(to: URL(fileURLWithPath: killed.path + "-wal"))
            let after = try killed.openFile(mustExist: true)
            #expect(try after.list() == [try oldClient()])
            try after.revoke(.token(id: "t", expiresAt: 1))
            withExtendedLifetime(killed) {}
        }
    }

    @Test("A migration for which the disk has no room leaves version 1 as it was")
    func full() throws {
        try makeVersion1()
        let pages = try RawRegistry(path: folder.path).texts("PRAGMA page_count")
        let count = try #require(pages.first.flatMap { Int($0) })
        #expect(throws: SQLiteFault.diskFull(path: folder.path).failure) {
            try RegistryOnSQLite(path: folder.path, mustExist: true, pageCountMax: count)
        }
        #expect(try version() == ["1"])
        #expect(try folder.openFile(mustExist: true).list() == [try oldClient()])
    }
}
