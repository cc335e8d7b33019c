import Glibc
import Locking

/// Threads for work that may have to wait: as many as there is work at once, up to some; what is
/// more waits its turn. A thread ends when nothing is left to do.
package final class Crew: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var next = 0
        var threads = 0

        /// Taken off the front without moving the rest each time.
        mutating func take() -> (@Sendable () -> Void)? {
            guard next < waiting.count else { return nil }
            defer { next += 1 }
            return waiting[next]
        }

        mutating func compact() {
            guard next == waiting.count || next > 1024 else { return }
            waiting.removeFirst(next)
            next = 0
        }
    }

    private let name: String
    private let threadsMax: Int
    private let state = Lock(State())

    /// - Parameters:
    ///   - name: Of the threads, at most 15 bytes.
    ///   - threadsMax: So many at once.
    package init(named name: String, threadsMax: Int) {
        self.name = name
        self.threadsMax = threadsMax
    }

    /// Has it done, on one of the threads; where the system gives none and none is there, here.
    package func add(_ work: @escaping @Sendable () -> Void) {
        let isNewNeeded = state.withLock { state in
            state.waiting.append(work)
            guard state.threads < threadsMax else { return false }
            state.threads += 1
            return true
        }
        guard isNewNeeded else { return }
        if let thread = try? OwnThread(named: name, run) { thread.detach() } else { run() }
    }

    /// Waits until all is done that was added; nothing is to be added meanwhile.
    package func waitUntilIdle() {
        while state.withLock({ $0.threads > 0 }) { usleep(2000) }
    }

    @Sendable private func run() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            let work = state.take()
            state.compact()
            if work == nil { state.threads -= 1 }
            return work
        }
    }
}
