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

    /// Whether another one that says to stop comes within this time, unless `isOver` says before
    /// that nobody waits any more.
    static func come(withinSeconds seconds: Int, unless isOver: () -> Bool) -> Bool {
        var set = awaited()
        unsafe sigdelset(&set, SIGHUP)
        let end = Clock.monotonicMilliseconds() + Int64(seconds) * 1000
        while !isOver(), Clock.monotonicMilliseconds() < end {
            var pause = timespec(tv_sec: 0, tv_nsec: 50_000_000)
            if unsafe sigtimedwait(&set, nil, &pause) > 0 { return true }
        }
        return false
    }

    /// Has signals end the process meanwhile, as they end a command: nothing is served yet, and
    /// nothing of it lies anywhere.
    static func heeding<Result>(_ body: () throws -> Result) rethrows -> Result {
        // The kernel keeps from a process 1, as in a container, what it does not handle.
        if getpid() == 1 {
            for number in [SIGTERM, SIGINT] { signal(number) { _exit(128 + $0) } }
        }
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
