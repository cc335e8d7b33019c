import Glibc

/// SIGTERM and SIGINT, taken on the main thread by waiting for them.
enum Signals {
    /// Blocks them in this thread and in every thread it will start, and ignores SIGPIPE.
    static func block() {
        var set = stopping()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns the signal's name when one arrives.
    static func wait() -> String {
        var set = stopping()
        var received: Int32 = 0
        while unsafe sigwait(&set, &received) != 0 {}
        return received == SIGINT ? "SIGINT" : "SIGTERM"
    }

    private static func stopping() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
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
