package import Clients
import Cryptography
import Foundation

@testable import RegistryOnPostgres

/// A database of one test's own.
package struct PostgresDatabase: Sendable {
    /// A server of all tests, without a database; nil where they have none.
    package static let server = ProcessInfo.processInfo.environment["USHER_TEST_POSTGRES"]

    private let server: String
    private let name: String

    /// `server` is the URL of a server, without a database; with `isEmpty` there are no tables yet.
    package init(
        on server: String, _ name: String = UUID().uuidString, isEmpty: Bool = false
    ) throws {
        self.server = server
        self.name = "test_" + name.lowercased().replacingOccurrences(of: "-", with: "_")
        try asAdministrator("CREATE DATABASE \(self.name)")
        if !isEmpty { try RegistryOnPostgres.migrate(target()) }
    }

    private func target() throws -> PostgresTarget { try PostgresTarget(url()) }

    package func url(user: String? = nil) -> String {
        let own = user.map { "\($0)@" + (server.split(separator: "@").last ?? "") }
        return (own.map { "postgresql://\($0)" } ?? server) + "/\(name)"
    }

    package func open(user: String? = nil) throws -> any Registry {
        try Self.open(url(user: user))
    }

    package static func open(_ url: String) throws -> any Registry {
        try RegistryOnPostgres(PostgresTarget(url), random: numbers())
    }

    func openForCopy(toBeFilled: Bool) throws -> any CopiedRegistry {
        try toBeFilled
            ? RegistryOnPostgres(toBeFilled: target(), random: Self.numbers())
            : RegistryOnPostgres(target(), random: Self.numbers())
    }

    private static func numbers() -> @Sendable () -> Int64 {
        let reserve = RandomReserve()
        return { Int64(bitPattern: reserve.uint64()) }
    }

    package func drop() throws { try asAdministrator("DROP DATABASE \(name) WITH (FORCE)") }

    package func execute(_ sql: String) throws {
        try connection(target()).run(script: sql, until: Self.deadline)
    }

    package func texts(_ sql: String) throws -> [String] {
        try connection(target()).execute(sql, until: Self.deadline).map { try $0.text(0) }
    }

    func hide() throws {
        try asAdministrator("ALTER DATABASE \(name) WITH ALLOW_CONNECTIONS false")
        try asAdministrator(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'")
    }

    func show() throws { try asAdministrator("ALTER DATABASE \(name) WITH ALLOW_CONNECTIONS true") }

    private func asAdministrator(_ sql: String) throws {
        let target = try PostgresTarget("\(server)/postgres")
        try PostgresConnection.open(target, until: Self.deadline).run(
            script: sql, until: Self.deadline)
    }

    private func connection(_ target: PostgresTarget) throws -> PostgresConnection {
        let connection = try PostgresConnection.open(target, until: Self.deadline)
        try connection.run(
            script: "SET search_path = \(PostgresSchema.name)", until: Self.deadline)
        return connection
    }

    private static var deadline: PostgresDeadline { PostgresDeadline(after: .seconds(30)) }
}
