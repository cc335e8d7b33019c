import CMicrohttpd
import Dispatch
import Glibc
import Locking
import Synchronization

/// One TCP connection, as long as libmicrohttpd has it.
final class Visit: Sendable {
    let descriptor: Int32
    /// When it was opened, or its last request was answered: seconds on a clock that never goes
    /// back.
    let since: Atomic<Int>
    let hasBeenAnswered = Atomic(false)
    /// An upgraded connection that libmicrohttpd holds (TLS), or one with a stream, may say nothing
    /// for ever.
    let mayStay = Atomic(false)

    init(descriptor: Int32, at now: Int) {
        self.descriptor = descriptor
        since = Atomic(now)
    }

    func noteAnswer(at now: Int) {
        since.store(now, ordering: .relaxed)
        hasBeenAnswered.store(true, ordering: .relaxed)
    }
}

/// All connections, and the end of those that take for ever to say what they want.
///
/// libmicrohttpd closes a connection on which nothing moves; one that sends a byte of its header
/// now and then (slow loris) it would bear for ever.
final class Visits: Sendable {
    private let visits = Lock<[ObjectIdentifier: Visit]>([:])
    private let queue = DispatchQueue(label: "usher-visits")
    private let isStopped = Atomic(false)
    private let requestSecondsMax: Int
    private let idleSecondsMax: Int

    /// - Parameters:
    ///   - requestSecondsMax: How long a request may take to arrive; 0 for ever.
    ///   - idleSecondsMax: How long libmicrohttpd lets a connection be silent before it.
    init(requestSecondsMax: Int, idleSecondsMax: Int) {
        self.requestSecondsMax = requestSecondsMax
        self.idleSecondsMax = idleSecondsMax
    }

    static var now: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec
    }

    func begin(_ descriptor: Int32) -> Visit {
        let visit = Visit(descriptor: descriptor, at: Self.now)
        visits.withLock { $0[ObjectIdentifier(visit)] = visit }
        return visit
    }

    /// The descriptor is closed once this has returned, and not before.
    func end(_ visit: Visit) { visits.withLock { $0[ObjectIdentifier(visit)] = nil } }

    // MARK: Looking after them

    func start() {
        guard requestSecondsMax > 0 else { return }
        lookLater()
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func lookLater() {
        queue.asyncAfter(deadline: .now() + .seconds(1)) { [weak self] in
            guard let self, !isStopped.load(ordering: .relaxed) else { return }
            look(at: Self.now)
            lookLater()
        }
    }

    private func look(at now: Int) {
        visits.withLock { visits in
            for visit in visits.values where isOverdue(visit, at: now) {
                shutdown(visit.descriptor, Int32(SHUT_RDWR))
            }
        }
    }

    /// Before its next request a connection may be silent for a while, which cannot be told from a
    /// request that has begun.
    private func isOverdue(_ visit: Visit, at now: Int) -> Bool {
        guard !visit.mayStay.load(ordering: .relaxed) else { return false }
        let silence = visit.hasBeenAnswered.load(ordering: .relaxed) ? idleSecondsMax : 0
        return now - visit.since.load(ordering: .relaxed) > requestSecondsMax + silence
    }
}
