import CNats
package import Cluster
import Locking
import Threads

/// The bus of a cluster's nodes on NATS: one thread, which alone sends and calls the handler.
///
/// Any thread may tell, and start and stop it; the handler may not.
package final class NATSBus<Handler: BusHandler & ~Copyable>: Sendable {
    private let configuration: NATSConfiguration
    private let mailbox: BusMailbox<Handler.Note>
    private let standing: BusStanding
    private let makeHandler: @Sendable () -> Handler
    private let thread = Lock<OwnThread?>(nil)

    /// - Parameters:
    ///   - configuration: Where its servers are.
    ///   - notify: Told what happens, on any thread; it must not block.
    ///   - makeHandler: Makes the handler, on the bus thread.
    /// - Throws: What is wrong with the files that the configuration names.
    package init(
        _ configuration: NATSConfiguration, notify: @escaping @Sendable (NATSNotice) -> Void,
        makeHandler: @escaping @Sendable () -> Handler
    ) throws(NATSFault) {
        try configuration.check()
        self.configuration = configuration
        self.makeHandler = makeHandler
        mailbox = try BusMailbox()
        standing = try BusStanding(notify)
    }

    private static var freedBytesKept: Int32 { 8 << 20 }

    deinit { stop() }

    /// Starts the thread, and waits for the first connection. To be called once.
    ///
    /// - Parameter secondsMax: How long the servers may take to be ready.
    /// - Throws: Why there is no connection by then, or none before it was stopped; the thread is
    ///   gone then.
    package func start(secondsMax: Int = 60) throws(NATSFault) {
        // A frame is large, and whoever has passed on the last of it frees it: the C library would
        // give its memory back to the kernel, and soon ask for it again, page by page.
        usher_keep_freed(Self.freedBytesKept, NATSLine.readBytesMax * 2)
        do throws(OwnThread.Failure) {
            let started = try OwnThread(named: "usher-bus") {
                [configuration, mailbox, standing, makeHandler] in
                var bus = BusThread(configuration, mailbox, standing)
                var handler = makeHandler()
                bus.run(&handler)
            }
            thread.withLock { $0 = started }
        } catch {
            throw .noThread
        }
        do throws(NATSFault) {
            try standing.waitForFirst(millisecondsMax: Int64(secondsMax) * 1000)
        } catch {
            stop()
            throw error
        }
    }

    /// Hands the handler a note. Never blocks; after `stop` it is dropped.
    package func tell(_ note: Handler.Note) { mailbox.tell(note) }

    /// The same for several at once, in their order.
    package func tell(_ notes: [Handler.Note]) {
        if !notes.isEmpty { mailbox.tell(notes) }
    }

    /// What is known of the servers; nil before there was a connection.
    package var report: NATSReport? { standing.report }

    /// Lets the handler do what was told before, gives it a last tick and the end of a turn, sends
    /// what it sent then, and ends the thread. Takes two seconds at most where the server reads
    /// nothing. A second call waits for the first.
    package func stop() {
        thread.withLock { thread in
            guard let running = thread else { return }
            precondition(!running.isCurrent, "the bus can't wait for its own end")
            mailbox.requestStop()
            running.join()
            thread = nil
        }
    }
}
