package import Foundation
import Glibc
import Locking
import ServerSupport

@testable import RegistryOnPostgres

/// A PostgreSQL server of one test's own, which it may kill, freeze and replace. It ends with the
/// test, and with the process of the tests, however that ends.
package final class PostgresServer: Sendable {
    /// Where `scripts/test` has the registry tested on PostgreSQL, and servers are installed.
    package static let isWanted =
        ProcessInfo.processInfo.environment["USHER_TEST_POSTGRES"] != nil && programs != nil

    private static let programs = try? FileManager.default
        .contentsOfDirectory(atPath: "/usr/lib/postgresql")
        .compactMap { Int($0) }.max().map { "/usr/lib/postgresql/\($0)/bin" }

    package struct Failure: Error { let what: String }

    package let folder: URL
    package let port: UInt16
    private var data: String { folder.path + "/data" }
    private let settings: String

    /// - Parameters:
    ///   - original: Of which this one is a copy that follows it, until it is promoted.
    ///   - hba: Lines of `pg_hba.conf` that come first; whoever else comes is believed.
    ///   - settings: More of `postgresql.conf`, as flags.
    /// - Throws: Where it does not start.
    package init(
        following original: PostgresServer? = nil, hba: [String] = [], _ settings: String = ""
    ) throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("usher-postgres-\(UUID().uuidString)", isDirectory: true)
        port = ScriptedServer.freePort()
        self.settings = settings
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        try Self.run("chmod 777 '\(folder.path)'")
        if let original {
            try asOwner(
                "$bin/pg_basebackup -D data -R -X stream -c fast -h 127.0.0.1 -p \(original.port) "
                    + "-U usher")
        } else {
            try asOwner(
                "$bin/initdb -D data -U usher -A trust --no-sync -E UTF8 --locale=C >log")
            let lines = hba.map { "echo '\($0)'; " }.joined()
            try asOwner("(\(lines) cat data/pg_hba.conf) > hba && cp hba data/pg_hba.conf")
        }
        try start()
    }

    deinit {
        signal(SIGCONT)
        signal(SIGKILL)
        try? Self.run("rm -rf '\(folder.path)'")
    }

    /// Starts it; it is ready when this returns.
    package func start() throws {
        try asOwner("rm -f data/postmaster.pid")
        let shell = Process()
        (shell.executableURL, shell.arguments) = Self.owner(
            // The pipe ends with whoever holds its other end.
            """
            cd '\(folder.path)' && exec 2>>log >>log
            \(Self.programs ?? "")/postgres -D data -p \(port) -c listen_addresses=127.0.0.1 \
                -c unix_socket_directories= -c max_connections=100 \(settings) &
            read -r _
            kill -QUIT $!
            """)
        let pipe = Pipe()
        shell.standardInput = pipe
        try shell.run()
        life.hold(shell, pipe)
        let end = Date() + 30
        while Date() < end {
            let status = statusFile.split(separator: "\n", omittingEmptySubsequences: false)
            if status.count > 7,
                ["ready", "standby"].contains(status[7].trimmingCharacters(in: .whitespaces))
            {
                return
            }
            usleep(20_000)
        }
        throw Failure(what: "the server does not start: \(log)")
    }

    private let life = Lifeline()

    package var log: String {
        (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? ""
    }

    private var statusFile: String {
        (try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8)) ?? ""
    }

    /// `fast` ends those who are connected; `immediate` is a crash that leaves nothing running.
    package func stop(_ mode: String = "fast") throws {
        try asOwner("$bin/pg_ctl -D data -m \(mode) -w stop >>log")
    }

    /// SIGKILL to all its processes.
    package func kill() {
        signal(SIGKILL)
        while !processes.isEmpty { usleep(10_000) }
    }

    /// It keeps its connections, and says nothing more to anybody.
    package func freeze() { signal(SIGSTOP) }
    package func thaw() { signal(SIGCONT) }
    package func promote() throws { try asOwner("$bin/pg_ctl -D data -w promote >>log") }

    private func signal(_ number: Int32) {
        for process in processes { _ = Glibc.kill(process, number) }
    }

    /// The server, and those that it has started.
    private var processes: [pid_t] {
        guard let first = statusFile.split(separator: "\n").first, let postmaster = pid_t(first)
        else { return [] }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { pid_t($0) }.filter { process in
            let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
            // The name stands in parentheses and may hold anything.
            let fields = status?.split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 2, fields[0] != "Z" else { return false }
            return process == postmaster || pid_t(fields[1]) == postmaster
        }
    }

    package func url(_ database: String = "postgres", user: String = "usher") -> String {
        "postgresql://\(user)@127.0.0.1:\(port)/\(database)"
    }

    package func makeRegistry() throws { try RegistryOnPostgres.migrate(PostgresTarget(url())) }

    package func execute(_ sql: String, in database: String = "postgres") throws {
        _ = try Self.rows(sql, at: url(database))
    }

    package func texts(_ sql: String, in database: String = "postgres") throws -> [String] {
        try Self.rows(sql, at: url(database)).map { try $0.text(0) }
    }

    /// Statements without values, at any server.
    package static func texts(_ sql: String, at url: String) throws -> [String] {
        try rows(sql, at: url).map { try $0.text(0) }
    }

    private static func rows(_ sql: String, at url: String) throws -> [PostgresRow] {
        let deadline = PostgresDeadline(after: .seconds(30))
        let connection = try PostgresConnection.open(
            PostgresTarget(url).takingReplicas, until: deadline)
        try connection.run(script: "SET search_path = usher, public", until: deadline)
        return try connection.run(script: sql, until: deadline)
    }

    /// A file of its own for it, `0600`.
    package func write(_ text: String, to name: String) throws {
        try asOwner("cat >\(name) <<'END' && chmod 600 \(name)\n\(text)\nEND")
    }

    package func asOwner(_ script: String) throws {
        let (program, arguments) = Self.owner(
            "cd '\(folder.path)' && bin='\(Self.programs ?? "")'\n\(script)")
        try Self.run(program, arguments)
    }

    /// The server refuses to be root's.
    private static func owner(_ script: String) -> (URL?, [String]) {
        getuid() == 0
            ? (
                URL(fileURLWithPath: "/usr/sbin/runuser"),
                ["-u", "postgres", "--", "sh", "-c", script]
            )
            : (URL(fileURLWithPath: "/bin/sh"), ["-c", script])
    }

    private static func run(_ script: String) throws {
        try run(URL(fileURLWithPath: "/bin/sh"), ["-c", script])
    }

    private static func run(_ program: URL?, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardError = output
        try process.run()
        let words = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(what: String(decoding: words, as: UTF8.self))
        }
    }

    /// A file system of so many megabytes; false where that is not permitted.
    package static func mount(at path: String, megabytes: Int) -> Bool {
        (try? run("mount -t tmpfs -o size=\(megabytes)m,mode=777 tmpfs '\(path)'")) != nil
    }

    package static func unmount(_ path: String) { try? run("umount -l '\(path)'") }
}

/// What a server lives as long as. `@unchecked Sendable`: nothing is done with what it holds but to
/// let go of it.
private final class Lifeline: Sendable {
    private struct Held: @unchecked Sendable {
        let shell: Process
        let pipe: Pipe
    }

    private let held = Lock<Held?>(nil)

    func hold(_ shell: Process, _ pipe: Pipe) {
        let new = Held(shell: shell, pipe: pipe)
        let before = held.withLock { held in
            defer { held = new }
            return held
        }
        try? before?.pipe.fileHandleForWriting.close()
    }

    deinit { try? held.withLock { $0 }?.pipe.fileHandleForWriting.close() }
}
