import Glibc

/// When something has to be over, by the clock that also counts while the machine sleeps.
package struct Deadline: Sendable {
    private let instant: ContinuousClock.Instant?

    /// No limit: for an answer that comes when there is something to say.
    package static let never = Deadline(instant: nil)

    private init(instant: ContinuousClock.Instant?) { self.instant = instant }

    package init(after duration: Duration) { instant = .now.advanced(by: duration) }

    package var isPast: Bool { isPast(in: .zero) }

    /// Whether it will be over then.
    package func isPast(in duration: Duration) -> Bool {
        instant.map { $0 <= .now.advanced(by: duration) } ?? false
    }

    /// This one, or that long from now, whichever comes first.
    package func earlier(_ most: Duration) -> Deadline {
        let other = ContinuousClock.Instant.now.advanced(by: most)
        return Deadline(instant: instant.map { min($0, other) } ?? other)
    }

    /// As poll(2) wants it: rounded up, and -1 where there is no end.
    private var milliseconds: Int32 {
        guard let instant else { return -1 }
        let left = max(ContinuousClock.now.duration(to: instant) / .milliseconds(1), 0)
        return Int32(min(left.rounded(.up), 1_000_000_000))
    }

    /// What the first of `count` tries in a row may take: its share of the time, at most `most`.
    func share(of count: Int, atMost most: Duration) -> Deadline {
        guard let instant else { return Deadline(after: most) }
        let share = ContinuousClock.now.duration(to: instant) / max(1, count)
        return Deadline(after: min(share, most))
    }

    /// Waits until a descriptor is ready for one of the events, or has an error.
    func wait(for events: Int32, on descriptor: Int32) throws(TransportFault) {
        while true {
            var ready = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = unsafe poll(&ready, 1, milliseconds)
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw .failed(errno) }
            if isPast { throw .timedOut }
        }
    }
}

/// What befell a connection, of whatever request.
enum TransportFault: Error, Equatable {
    case timedOut
    /// As in errno(3).
    case failed(Int32)
    /// The other side ended it where more had to come.
    case ended
    case certificate(String)
    case tls(String)
}
