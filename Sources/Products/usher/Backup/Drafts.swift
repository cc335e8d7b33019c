import Glibc
import Locking
import Threads

/// The drafts of this process. None stays where a signal ends it.
enum Drafts {
    /// What SQLite may have put beside one that is a registry.
    static let companions = ["", "-wal", "-shm", "-journal"]

    private static let paths = Lock<[UInt64: String]>([:])

    static func add(_ path: String, as id: UInt64) { paths.withLock { $0[id] = path } }

    /// It has its name, or is gone.
    static func remove(_ id: UInt64) { paths.withLock { $0[id] = nil } }

    /// Has SIGTERM, SIGINT and SIGHUP take the drafts away before they end the process, where
    /// whoever started it has not chosen to ignore them. To be called by the main thread.
    static func goWithTheProcess() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP] where !isIgnored(number) {
            unsafe sigaddset(&set, number)
        }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let awaited = set
        let thread = try? OwnThread(named: "usher-signals") { end(by: awaited) }
        // Better that one stays than that nothing ends the command.
        if thread == nil { unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil) }
    }

    private static func end(by awaited: sigset_t) {
        var set = awaited
        var received: Int32 = 0
        guard unsafe sigwait(&set, &received) == 0 else { return }
        paths.withLock { paths in
            for path in paths.values {
                for end in companions { unsafe unlink(path + end) }
            }
            // Within the lock, so that there is no other draft until the end.
            unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
            raise(received)
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return unsafe handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
