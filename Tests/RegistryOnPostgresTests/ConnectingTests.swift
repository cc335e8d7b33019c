import Clients
import Foundation
import Glibc
import RegistrySupport
import ServerSupport
import Testing

@testable import RegistryOnPostgres

/// docs/decisions/0033: why no connection comes about is told by states, never by the server's
/// words, and says what to do.
@Suite struct ConnectingWordsTests {
    @Test(
        "What libpq says before there is a session becomes a code",
        arguments: [
            (
                "failed: FATAL:  28P01: Passwort-Authentifizierung fehlgeschlagen\nLOCATION:  x",
                "registry_password_refused"
            ),
            ("failed: FATAL:  28000: Rolle »x« existiert nicht", "registry_login_refused"),
            ("failed: FATAL:  3D000: la base de données n'existe pas", "registry_no_database"),
            ("failed: FATAL:  53300: x", "registry_connections_exhausted"),
            ("failed: FATAL:  57P03: x", "registry_starting"),
            ("failed: fe_sendauth: no password supplied", "registry_password_refused"),
            ("could not translate host name \"x\" to address: x", "registry_host_unknown"),
            ("failed: server does not support SSL, but SSL was required", "registry_tls_failed"),
            ("failed: SSL error: certificate verify failed", "registry_tls_failed"),
            ("failed: session is read-only", "registry_read_only"),
            ("failed: Connection refused\n\tIs the server running?", "registry_unreachable"),
            // Of several hosts: a replica where the primary is away is none by mistake.
            ("failed: session is read-only\nfailed: Connection refused", "registry_unreachable"),
            ("failed: Connection refused\nfailed: session is read-only", "registry_unreachable"),
            ("failed: Connection refused\nfailed: FATAL:  28P01: x", "registry_password_refused"),
            // No state, whatever the server calls its things.
            ("failed: x: 28P01: y", "registry_unreachable"),
            ("", "registry_unreachable"),
        ])
    func words(text: String, code: String) {
        #expect(PostgresFault(connecting: Array(text.utf8)).failure.code == code)
    }

    @Test("A server that is too old is refused by its version, and told which would do")
    func old() {
        let failure = PostgresFault.serverTooOld(version: 120_011).failure
        #expect(failure.code == "registry_server_unsupported")
        #expect("\(failure)".contains("PostgreSQL 12") && "\(failure)".contains("13 or newer"))
    }
}

@Suite(.serialized, .enabled(if: PostgresServer.isWanted, "no PostgreSQL to be started"))
struct ConnectingTests {
    private static let password = "s3cret/of@this:role"
    private static let written = "s3cret%2Fof%40this%3Arole"

    private func failure(_ target: String) -> RegistryFailure? {
        do throws(RegistryFailure) {
            _ = try RegistryOnPostgres(PostgresTarget(target), random: { 0 })
            return nil
        } catch {
            return error
        }
    }

    private func expect(
        _ target: String, _ code: String, says advice: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let failure = failure(target)
        #expect(
            failure?.code == code, "\(target): \(failure as Any)", sourceLocation: sourceLocation)
        let text = "\(failure.map { "\($0)" } ?? "")"
        #expect(text.contains(advice), "\(text)", sourceLocation: sourceLocation)
        for secret in [Self.password, Self.written, "wr0ng"] {
            #expect(!text.contains(secret), sourceLocation: sourceLocation)
        }
    }

    @Test(
        "Each way in which a connection fails has its code, says what to do, and tells no password")
    func table() throws {
        let server = try PostgresServer(
            hba: [
                "host all guarded 127.0.0.1/32 scram-sha-256",
                "host all rejected 127.0.0.1/32 reject",
                "hostssl all overtls 127.0.0.1/32 trust", "host all overtls 127.0.0.1/32 reject",
            ], "-c max_connections=8 -c superuser_reserved_connections=3")
        try server.makeRegistry()
        try server.execute(
            """
            CREATE ROLE guarded LOGIN PASSWORD '\(Self.password)'; CREATE ROLE rejected LOGIN;
            CREATE ROLE poor LOGIN; CREATE ROLE overtls LOGIN
            """)
        try server.execute("CREATE DATABASE empty")
        let (at, host) = ("127.0.0.1:\(server.port)", "postgresql://")
        expect("\(host)guarded:wr0ng@\(at)/postgres", "registry_password_refused", says: "password")
        expect(
            "\(host)guarded@\(at)/postgres?passfile=/dev/null", "registry_password_refused",
            says: "password file")
        expect(
            "\(host)nobody:\(Self.written)@\(at)/postgres", "registry_login_refused", says: "role")
        expect(
            "\(host)rejected:\(Self.written)@\(at)/postgres", "registry_login_refused",
            says: "pg_hba.conf")
        expect(
            "\(host)overtls@\(at)/postgres?sslmode=disable", "registry_login_refused",
            says: "pg_hba.conf")
        expect("\(host)usher:\(Self.written)@\(at)/none", "registry_no_database", says: "createdb")
        expect("\(host)usher@\(at)/empty", "registry_not_initialised", says: "usher registry init")
        expect("\(host)poor:\(Self.written)@\(at)/postgres", "registry_forbidden", says: "--role")
        expect(
            "\(host)usher:\(Self.written)@127.0.0.1:1/postgres", "registry_unreachable",
            says: "port")
        expect(
            "\(host)usher:\(Self.written)@none.invalid/postgres", "registry_host_unknown",
            says: "name")
        expect(
            "\(host)usher:\(Self.written)@\(at)/postgres?sslmode=require", "registry_tls_failed",
            says: "sslmode")
        try tls(server)
        try connections(server)
    }

    private func tls(_ server: PostgresServer) throws {
        try server.asOwner(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                -subj /CN=other.example -addext subjectAltName=DNS:other.example \
                -keyout data/server.key -out data/server.crt 2>>log
            cp data/server.crt authority.crt; chmod 644 authority.crt; chmod 600 data/server.key
            """)
        try server.execute("ALTER SYSTEM SET ssl = on")
        try server.execute("SELECT pg_reload_conf()")
        let authority = server.folder.path + "/authority.crt"
        let url = server.url() + "?sslrootcert=\(authority)&sslmode="
        while failure(url + "verify-ca") != nil { usleep(20_000) }
        expect(url + "verify-full", "registry_tls_failed", says: "certificate")
        expect(
            server.url() + "?sslmode=verify-full&sslrootcert=/none.crt", "registry_tls_failed",
            says: "sslrootcert")
        let seen = try RegistryOnPostgres.examine(PostgresTarget(url + "verify-ca"))
        #expect(seen.usesTLS)
    }

    private func connections(_ server: PostgresServer) throws {
        try server.execute("GRANT USAGE ON SCHEMA usher TO poor")
        let target = try PostgresTarget(server.url(user: "poor"))
        let deadline = PostgresDeadline(after: .seconds(5))
        let held = (0..<8).compactMap { _ in try? PostgresConnection.open(target, until: deadline) }
        expect(server.url(user: "poor"), "registry_connections_exhausted", says: "max_connections")
        #expect(held.count == 5)
    }

    @Test("A server that starts, one that recovers and one that takes no changes are told by name")
    func states() throws {
        let server = try PostgresServer()
        try server.makeRegistry()
        let replica = try PostgresServer(following: server)
        expect(replica.url(), "registry_read_only", says: "name the primary")
        #expect(try RegistryOnPostgres.examine(PostgresTarget(replica.url())).isReplica)
        // Whichever stands first, the one that takes changes is found.
        let both = "127.0.0.1:\(replica.port),127.0.0.1:\(server.port)"
        #expect(failure("postgresql://usher@\(both)/postgres") == nil)
        // With what is written ahead of a crash to be read, nobody is let in.
        try server.stop()
        try replica.promote()
        #expect(failure("postgresql://usher@\(both)/postgres") == nil)
        try replica.asOwner(
            "touch data/standby.signal; echo \"hot_standby = off\" >>data/postgresql.conf")
        try replica.stop()
        try replica.start()
        expect(replica.url(), "registry_starting", says: "starting")
    }

    @Test("A host that is gone without a word does not use up the time of the next")
    func deadHost() throws {
        let server = try PostgresServer()
        try server.makeRegistry()
        // It takes connections, and says nothing.
        let (listener, port) = try ScriptedServer.listen(backlog: 16)
        defer { close(listener) }
        let both = "127.0.0.1:\(port),127.0.0.1:\(server.port)"
        #expect(failure("postgresql://usher@\(both)/postgres") == nil)
        #expect(
            failure("host=127.0.0.1 port=\(port),\(server.port) user=usher dbname=postgres") != nil)
    }
}
