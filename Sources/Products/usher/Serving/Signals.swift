import Glibc

/// SIGTERM, SIGINT and SIGHUP, taken on the main thread by waiting for them.
enum Signals {
    /// Blocks them in this thread and in every thread it will start, and ignores SIGPIPE.
    static func block() {
        var set = awaited()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns the name of the signal that says to stop, when one arrives, and calls `reload` for
    /// each SIGHUP until then.
    static func wait(reload: () -> Void) -> String {
        var set = awaited()
        while true {
            var received: Int32 = 0
            guard unsafe sigwait(&set, &received) == 0 else { continue }
            switch received {
            case SIGHUP: reload()
            case SIGINT: return "SIGINT"
            default: return "SIGTERM"
            }
        }
    }

    /// Has signals end the process meanwhile, as they end a command: nothing is served yet, and
    /// nothing of it lies anywhere.
    static func heeding<Result>(_ body: () throws -> Result) rethrows -> Result {
        var set = awaited()
        // What asks to read files again ends nothing.
        unsafe sigdelset(&set, SIGHUP)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        defer { unsafe pthread_sigmask(SIG_BLOCK, &set, nil) }
        return try body()
    }

    private static func awaited() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        unsafe sigaddset(&set, SIGHUP)
        return set
    }
}

enum OpenFiles {
    /// Raises the limit on open files to what the system allows: each peer is one.
    static func raiseLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        unsafe _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
