import CMicrohttpd
import Glibc
package import HTTPMessages
import Synchronization

/// An HTTP/1.1 server on libmicrohttpd: epoll threads that read requests whole, run the handler
/// and send its answer.
///
/// The handler runs on those threads, several at once, and should not block for long: a thread
/// that waits serves nobody.
package final class HTTPServer: Sendable {
    /// The port it listens on, which the system has chosen where 0 was asked for.
    package let port: UInt16
    private let core: ServerCore
    private let stage: Mutex<Stage>

    private enum Stage {
        case listening(Daemon)
        /// Accepts nobody; the listening descriptor stays ours until the threads have ended, lest
        /// one of them accept on a descriptor that has become something else.
        case quiesced(Daemon, listening: Int32)
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
        port = socket.port
        let daemon = Daemon.start(core, listening: socket.take())
        guard let daemon else {
            throw .notStarted(address: configuration.address, port: configuration.port)
        }
        self.core = core
        stage = Mutex(.listening(daemon))
    }

    deinit { stop() }

    /// Requests whose header is read and whose answer is not yet sent.
    package var requestsInFlight: Int { core.inFlight.load(ordering: .relaxed) }

    /// Stops accepting: new connections are refused by the system, those at hand are served on.
    package func quiesce() {
        stage.withLock { stage in
            guard case .listening(let daemon) = stage else { return }
            stage = .quiesced(daemon, listening: daemon.quiesce())
        }
    }

    /// Stops accepting, waits a moment for answers under way, closes every connection and joins
    /// the threads: no handler runs once this has returned. Not to be called by a handler.
    package func stop() {
        quiesce()
        let taken = stage.withLock { stage -> (Daemon, Int32)? in
            guard case .quiesced(let daemon, let listening) = stage else { return nil }
            stage = .stopping
            return (daemon, listening)
        }
        guard let (daemon, listening) = taken else { return waitUntilStopped() }
        var waited = 0
        while requestsInFlight > 0, waited < core.configuration.stopGraceMilliseconds {
            usleep(2000)
            waited += 2
        }
        daemon.stop()
        if listening >= 0 { close(listening) }
        stage.withLock { $0 = .stopped }
    }

    /// For a second caller of `stop()`: what it promises holds for everyone.
    private func waitUntilStopped() {
        while !stage.withLock({ if case .stopped = $0 { true } else { false } }) { usleep(2000) }
    }
}
