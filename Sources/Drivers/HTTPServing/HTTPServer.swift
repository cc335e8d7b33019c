import Glibc
package import HTTPMessages
import Locking
package import Monitoring
import Threads

/// An HTTP/1.1 server on libmicrohttpd: threads that accept, read requests whole, run the handler
/// and send its answer.
///
/// The handler runs on those threads, several at once, and should not block for long: a thread
/// that waits serves nobody.
package final class HTTPServer: Sendable {
    /// The port it listens on, which the system has chosen where 0 was asked for.
    package let port: UInt16
    private let core: ServerCore
    private let stage: Lock<Stage>

    /// What a stop must end, in this order.
    private struct Service {
        let workers: [Worker]
        let threads: [OwnThread]
        let listener: Int32

        func end() {
            for worker in workers { worker.end() }
            for thread in threads { thread.join() }
            close(listener)
        }
    }

    private enum Stage {
        case serving(Service)
        case stopping
        case stopped
    }

    /// Listens at once, or throws; requests may come before this returns.
    package init(
        _ configuration: HTTPServerConfiguration,
        handler: @escaping @Sendable (HTTPRequest) -> HTTPOutcome
    ) throws(HTTPServerError) {
        let core = ServerCore(configuration, handler: handler)
        let socket = try ListeningSocket.open(configuration)
        if let identity = configuration.tls { TLSIdentityInUse.replace(identity) }
        port = socket.port
        guard let service = Self.start(core, listening: socket.take()) else {
            throw .notStarted(address: configuration.address, port: configuration.port)
        }
        self.core = core
        stage = Lock(.serving(service))
    }

    deinit { stop() }

    /// Owns `listener`. nil, with nothing left running, where a descriptor or a thread is wanting.
    private static func start(_ core: ServerCore, listening listener: Int32) -> Service? {
        var starts: [(worker: Worker, daemon: Daemon)] = []
        for _ in 0..<max(core.configuration.threads, 1) {
            guard let worker = Worker(core, listener: listener),
                let daemon = Daemon.start(for: worker)
            else { break }
            starts.append((worker, daemon))
        }
        let workers = starts.map(\.worker)
        var threads: [OwnThread] = []
        if starts.count == max(core.configuration.threads, 1) {
            for (index, (worker, daemon)) in starts.enumerated() {
                let thread = try? OwnThread(named: "usher-http-\(index)") {
                    worker.run(daemon, among: workers)
                }
                guard let thread else { break }
                threads.append(thread)
            }
        }
        guard threads.count < max(core.configuration.threads, 1) else {
            return Service(workers: workers, threads: threads, listener: listener)
        }
        for start in starts.dropFirst(threads.count) { start.daemon.stop() }
        Service(workers: workers, threads: threads, listener: listener).end()
        return nil
    }

    /// Answers handshakes from now on with another certificate. Connections that stand are not
    /// touched. Of no effect on a server that speaks plain HTTP.
    package func replaceTLS(_ identity: TLSIdentity) { TLSIdentityInUse.replace(identity) }

    /// Requests whose header is read and whose answer is not yet sent.
    package var requestsInFlight: Int { core.inFlight.load(ordering: .relaxed) }

    /// What its door has seen.
    package var connections: ConnectionFigures { core.ledger.figures }

    /// Answers what still comes with 503, waits a moment for answers under way, closes every
    /// connection and joins the threads: no handler runs once this has returned. Not to be called
    /// by a handler.
    package func stop() {
        let taken = stage.withLock { stage -> Service? in
            guard case .serving(let service) = stage else { return nil }
            stage = .stopping
            return service
        }
        guard let service = taken else { return waitUntilStopped() }
        core.isStopping.store(true, ordering: .relaxed)
        core.streams.stop()
        var waited = 0
        while requestsInFlight > 0, waited < core.configuration.stopGraceMilliseconds {
            usleep(2000)
            waited += 2
        }
        core.crew.waitUntilIdle()
        service.end()
        stage.withLock { $0 = .stopped }
    }

    /// For a second caller of `stop()`: what it promises holds for everyone.
    private func waitUntilStopped() {
        while !stage.withLock({ if case .stopped = $0 { true } else { false } }) { usleep(2000) }
    }
}
