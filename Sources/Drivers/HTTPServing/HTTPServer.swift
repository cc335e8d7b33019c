import CMicrohttpd
import Glibc
package import HTTPMessages
import Locking

/// An HTTP/1.1 server on libmicrohttpd: epoll threads that read requests whole, run the handler
/// and send its answer.
///
/// The handler runs on those threads, several at once, and should not block for long: a thread
/// that waits serves nobody.
package final class HTTPServer: Sendable {
    /// The port it listens on, which the system has chosen where 0 was asked for.
    package let port: UInt16
    private let core: ServerCore
    private let stage: Lock<Stage>

    private enum Stage {
        case serving(Daemon)
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
        stage = Lock(.serving(daemon))
        core.visits.start()
    }

    deinit { stop() }

    /// Answers handshakes from now on with another certificate. Connections that stand are not
    /// touched. Of no effect on a server that speaks plain HTTP.
    package func replaceTLS(_ identity: TLSIdentity) { TLSIdentityInUse.replace(identity) }

    /// Requests whose header is read and whose answer is not yet sent.
    package var requestsInFlight: Int { core.inFlight.load(ordering: .relaxed) }

    /// Answers what still comes with 503, waits a moment for answers under way, closes every
    /// connection and joins the threads: no handler runs once this has returned. Not to be called
    /// by a handler.
    ///
    /// libmicrohttpd's own way to stop accepting, `MHD_quiesce_daemon`, is not used: there its
    /// threads and the caller race to take the listening socket out of epoll, and the loser aborts
    /// the process.
    package func stop() {
        let taken = stage.withLock { stage -> Daemon? in
            guard case .serving(let daemon) = stage else { return nil }
            stage = .stopping
            return daemon
        }
        guard let daemon = taken else { return waitUntilStopped() }
        core.isStopping.store(true, ordering: .relaxed)
        core.visits.stop()
        core.streams.stop()
        var waited = 0
        while requestsInFlight > 0, waited < core.configuration.stopGraceMilliseconds {
            usleep(2000)
            waited += 2
        }
        daemon.stop()
        stage.withLock { $0 = .stopped }
    }

    /// For a second caller of `stop()`: what it promises holds for everyone.
    private func waitUntilStopped() {
        while !stage.withLock({ if case .stopped = $0 { true } else { false } }) { usleep(2000) }
    }
}
