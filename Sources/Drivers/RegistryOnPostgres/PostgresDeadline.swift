import Glibc

/// When an answer has to be there, by the clock that also counts while the machine sleeps.
struct PostgresDeadline: Sendable {
    private let instant: ContinuousClock.Instant

    init(after duration: Duration) { instant = .now.advanced(by: duration) }

    private init(at instant: ContinuousClock.Instant) { self.instant = instant }

    /// The end of what the first of `count` in a row may take.
    func share(of count: Int) -> PostgresDeadline {
        let left = ContinuousClock.now.duration(to: instant)
        return PostgresDeadline(at: .now.advanced(by: left / count))
    }

    var isPast: Bool { instant <= .now }

    /// Waits until a descriptor is ready for one of the events of poll(2), or has an error.
    func wait(for events: Int32, on descriptor: Int32) throws(PostgresFault) {
        while true {
            let left = max(ContinuousClock.now.duration(to: instant) / .milliseconds(1), 0)
            var ready = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = unsafe poll(&ready, 1, Int32(min(left.rounded(.up), 1_000_000)))
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw .unreachable("poll: \(errno)") }
            if isPast { throw .timedOut }
        }
    }
}
