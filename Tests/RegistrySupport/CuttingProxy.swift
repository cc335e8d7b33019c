import Glibc
import Locking
import ServerSupport
import Threads

/// Stands before a PostgreSQL server, and loses a connection at a moment of a test's choice.
package final class CuttingProxy: Sendable {
    package enum Cut: Sendable {
        /// The commit does not arrive, and the server does not hear of the end.
        case beforeCommit
        /// The commit arrives, and its answer does not.
        case afterCommit
        /// The commit arrives some time after the connection is lost.
        case lateCommit
    }

    package let port: UInt16
    private let listener: Int32
    private let serverPort: UInt16
    private let cuts = Lock<[Cut]>([])
    /// What is kept open, so that the server goes on waiting.
    private let kept = Lock<[Int32]>([])
    private static let commit = Array("COMMIT\0".utf8)

    package init(to serverPort: UInt16) throws {
        self.serverPort = serverPort
        (listener, port) = try ScriptedServer.listen(backlog: 64)
        let listener = listener
        let accepting = try OwnThread(named: "test-proxy") { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self else { return }
                self.begin(client)
            }
        }
        accepting.detach()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        forget()
    }

    /// Loses the connection of the next commit so.
    package func cutNext(_ cut: Cut) { cuts.withLock { $0.append(cut) } }

    /// Lets the server hear of the ends that it did not.
    package func forget() {
        for descriptor in kept.withLock({ kept in
            defer { kept = [] }
            return kept
        }) { close(descriptor) }
    }

    private func begin(_ client: Int32) {
        let thread = try? OwnThread(named: "test-proxy") { [self] in relay(client) }
        thread?.detach()
    }

    private func relay(_ client: Int32) {
        let server = Self.connect(to: serverPort)
        var keepsServer = false
        defer {
            close(client)
            if keepsServer { kept.withLock { $0.append(server) } } else { close(server) }
        }
        while true {
            var ready = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard unsafe poll(&ready, 2, 60_000) > 0 else { return }
            if ready[1].revents != 0 {
                guard let bytes = Self.read(server), Self.write(bytes, to: client) else { return }
            }
            guard ready[0].revents != 0 else { continue }
            guard let bytes = Self.read(client) else { return }
            switch cut(for: bytes) {
            case nil: guard Self.write(bytes, to: server) else { return }
            case .beforeCommit:
                keepsServer = true
                return
            case .lateCommit:
                shutdown(client, Int32(SHUT_RDWR))
                usleep(700_000)
                _ = Self.write(bytes, to: server)
                return
            case .afterCommit:
                _ = Self.write(bytes, to: server)
                _ = Self.read(server)
                return
            }
        }
    }

    private func cut(for bytes: [UInt8]) -> Cut? {
        let ends =
            bytes.count >= Self.commit.count
            && bytes.suffix(Self.commit.count).elementsEqual(Self.commit)
        guard ends else { return nil }
        return cuts.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    private static func connect(to port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, size)
            }
        }
        return descriptor
    }

    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }
}
