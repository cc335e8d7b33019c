import Bytes
import Clients
import Foundation
import Identifiers
import RegistrySupport
import TestSupport
import Testing

@testable import RegistryOnPostgres

/// docs/decisions/0033, docs/operating.md: tables are made and brought up to date by one command,
/// and whoever uses them has no more rights than that takes.
@Suite(.enabled(if: PostgresDatabase.server != nil, "no PostgreSQL is given"))
final class PostgresSchemaTests {
    private let database: PostgresDatabase
    private let suffix = UUID().uuidString.lowercased().prefix(8)
    private var service: String { "service_\(suffix)" }

    init() throws {
        database = try PostgresDatabase(on: PostgresDatabase.server ?? "", isEmpty: true)
    }

    deinit {
        try? database.drop()
        if let server = PostgresDatabase.server {
            _ = try? PostgresServer.texts(
                "DROP ROLE IF EXISTS \(service)", at: server + "/postgres")
        }
    }

    private func target(_ user: String? = nil) throws(RegistryFailure) -> PostgresTarget {
        try PostgresTarget(database.url(user: user))
    }

    private func migrate(to version: Int64, grantingTo role: String? = nil) throws {
        let deadline = PostgresDeadline(after: .seconds(30))
        let connection = try PostgresConnection.open(target(), until: deadline)
        try PostgresSchema.migrate(connection, grantingTo: role, to: version, until: deadline)
    }

    /// All that makes the schema what it is, as lines.
    private func shape(_ database: PostgresDatabase) throws -> [ByteText] {
        try database.texts(
            """
            SELECT concat_ws(' ', table_name, column_name, ordinal_position, data_type,
                collation_name, column_default, is_nullable) AS line
            FROM information_schema.columns WHERE table_schema = 'usher'
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'usher'
            UNION ALL SELECT conrelid::regclass || ' ' || conname || pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'usher'::regnamespace
            UNION ALL SELECT pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger
            JOIN pg_class ON pg_class.oid = tgrelid
            WHERE relnamespace = 'usher'::regnamespace AND NOT tgisinternal
            UNION ALL SELECT proname || prosrc FROM pg_proc
            WHERE pronamespace = 'usher'::regnamespace
            UNION ALL SELECT schema::TEXT FROM usher.registry
            ORDER BY line
            """
        ).map { ByteText($0) }
    }

    /// Rows as the first version has them.
    private static let rows = """
        UPDATE registry SET revision = 2, audit_id = 1;
        INSERT INTO change VALUES (1, 11), (2, 22);
        INSERT INTO client VALUES ('c_a', 'a', 5, true, 3600, NULL, NULL, '', 1);
        INSERT INTO client_grant VALUES ('c_a', 'room', 0, '*'), ('c_a', 'scope', 0, 'signal');
        INSERT INTO client_secret VALUES ('c_a', 0, sha256('x'), 5, NULL);
        INSERT INTO revocation VALUES
            ('token', 't', NULL, 900, 'server', NULL, NULL, NULL, '', 2);
        INSERT INTO used_token VALUES ('u', 900, 1);
        INSERT INTO audit VALUES (1, 5, 'server', 'client.add', 'c_a', '', 1)
        """

    @Test(
        "What each earlier version made becomes what a new one is, and keeps its rows",
        arguments: 1...PostgresSchema.version)
    func earlier(version: Int64) throws {
        let fresh = try PostgresDatabase(on: PostgresDatabase.server ?? "")
        defer { try? fresh.drop() }
        _ = try PostgresServer.texts("CREATE ROLE \(service) LOGIN", at: database.url())
        try migrate(to: version, grantingTo: service)
        try database.execute(Self.rows)
        if version < PostgresSchema.version {
            do throws(RegistryFailure) {
                _ = try RegistryOnPostgres(target(), random: { 0 })
                Issue.record("an older schema was taken")
            } catch {
                #expect(error.code == "registry_schema")
                #expect("\(error)".contains("usher registry migrate"))
            }
        }
        try RegistryOnPostgres.migrate(target())
        #expect(try shape(database) == shape(fresh))
        // Whoever used the earlier tables may use those that came.
        let registry = try database.open(user: service)
        #expect(try registry.client(id: "c_a")?.secrets.count == 1)
        #expect(try registry.revocations() == [.token(id: "t", expiresAt: 900)])
        #expect(try registry.isTokenUsed(id: "u"))
        try registry.disable(id: "c_a")
        #expect(try registry.latestAuditEntries(limit: 9).map(\.id) == [1, 2])
        #expect(try RegistryOnPostgres.examine(target(service)).excessRights == [])
    }

    @Test("Several that migrate at once make one registry")
    func atOnce() throws {
        let target = try target()
        onThreads(6) { _ in
            #expect(throws: Never.self) { try RegistryOnPostgres.migrate(target) }
        }
        try database.open().add(try Client.sample("a"))
        #expect(try RegistryOnPostgres.examine(target).isUpToDate)
    }

    @Test("A newer schema is refused by all, and left as it is")
    func newer() throws {
        try RegistryOnPostgres.migrate(target())
        try database.execute("UPDATE registry SET schema = 999")
        for use in [
            { try RegistryOnPostgres.migrate($0) },
            { _ = try RegistryOnPostgres($0, random: { 0 }) },
        ] as [(PostgresTarget) throws -> Void] {
            do {
                try use(target())
                Issue.record("a newer schema was taken")
            } catch let failure as RegistryFailure {
                #expect(failure.code == "registry_schema")
                #expect("\(failure)".contains("newer usher"))
            }
        }
        #expect(try RegistryOnPostgres.examine(target()).schema == 999)
        #expect(try database.texts("SELECT schema::TEXT FROM registry") == ["999"])
    }

    @Test("A role without the right to make tables is told so, and makes none")
    func forbidden() throws {
        _ = try PostgresServer.texts("CREATE ROLE \(service) LOGIN", at: database.url())
        do throws(RegistryFailure) {
            try RegistryOnPostgres.migrate(target(service))
            Issue.record("it was permitted")
        } catch {
            #expect(error.code == "registry_forbidden")
        }
        #expect(try RegistryOnPostgres.examine(target()).schema == nil)
    }

    @Test(
        "The service's role does all that a service does, and cannot touch lines of the audit log")
    func rights() throws {
        #expect(throws: RegistryFailure.self) {
            try RegistryOnPostgres.migrate(target(), grantingTo: service)
        }
        #expect(try RegistryOnPostgres.examine(target()).schema == nil, "nothing half-made")
        _ = try PostgresServer.texts("CREATE ROLE \(service) LOGIN", at: database.url())
        for _ in 0..<2 { try RegistryOnPostgres.migrate(target(), grantingTo: service) }
        let registry = try database.open(user: service)
        try registry.add(try Client.sample("a"))
        try registry.disable(id: "c_a")
        try registry.revoke(.token(id: "t", expiresAt: 9))
        #expect(try registry.markTokenUsed(id: "u", expiresAt: 9))
        try registry.purgeExpired(atSecondsSinceEpoch: 10)
        try registry.remove(id: "c_a")
        for statement in [
            "UPDATE usher.audit SET actor = 'x'", "DELETE FROM usher.audit", "TRUNCATE usher.audit",
            "ALTER TABLE usher.audit DISABLE TRIGGER ALL", "DROP TABLE usher.audit",
            "CREATE TABLE usher.more ()", "SET session_replication_role = replica",
        ] {
            #expect(throws: PostgresFault.self, "\(statement)") {
                _ = try PostgresServer.texts(statement, at: database.url(user: service))
            }
        }
        let seen = try RegistryOnPostgres.examine(target(service))
        #expect(seen.excessRights == [])
        #expect(ByteText(seen.role) == ByteText(service))
        #expect(seen.isUpToDate && !seen.isReplica && !seen.usesTLS)
        #expect(seen.connections >= 1 && seen.connectionsMax > seen.connections)
        #expect(abs(seen.clockAheadSeconds) < 1)
        #expect(seen.server.hasPrefix("1"))
    }

    @Test("Lines of the audit log stay even for the owner; what a role has too much is named")
    func excess() throws {
        try RegistryOnPostgres.migrate(target())
        let registry = try database.open()
        try registry.add(try Client.sample("a"))
        for statement in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"] {
            #expect(throws: PostgresFault.self) { try database.execute(statement) }
        }
        #expect(
            try RegistryOnPostgres.examine(target()).excessRights
                == PostgresExamination.ExcessRight.allCases)
        _ = try PostgresServer.texts("CREATE ROLE \(service) LOGIN", at: database.url())
        try RegistryOnPostgres.migrate(target(), grantingTo: service)
        try database.execute("GRANT DELETE ON audit TO \(service)")
        #expect(try RegistryOnPostgres.examine(target(service)).excessRights == [.changesAudit])
        try database.execute("GRANT CREATE ON SCHEMA usher TO \(service)")
        #expect(
            try RegistryOnPostgres.examine(target(service)).excessRights
                == [.makesTables, .changesAudit])
    }
}
