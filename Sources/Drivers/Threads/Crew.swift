import Glibc
import Locking

/// Threads for work that may have to wait: as many as there is work at once, up to some; what is
/// more waits its turn, up to some as well. A thread ends when nothing is left to do.
package final class Crew: Sendable {
    private struct State {
        /// Nothing is left of what was taken out.
        var waiting: [(@Sendable () -> Void)?] = []
        var next = 0
        var threads = 0
        /// Waiting or under way.
        var count = 0

        mutating func take() -> (@Sendable () -> Void)? {
            guard next < waiting.count else { return nil }
            let work = waiting[next].take()
            next += 1
            if next == waiting.count || next > 1024 {
                waiting.removeFirst(next)
                next = 0
            }
            return work
        }
    }

    private let name: String
    private let threadsMax: Int
    private let waitingMax: Int
    private let state = Lock(State())

    /// - Parameters:
    ///   - name: Of the threads, at most 15 bytes.
    ///   - threadsMax: So many at once.
    ///   - waitingMax: So much work may wait for one of them.
    package init(named name: String, threadsMax: Int, waitingMax: Int) {
        self.name = name
        self.threadsMax = threadsMax
        self.waitingMax = waitingMax
    }

    /// Has it done, on one of the threads; where the system gives none and none is there, here.
    ///
    /// - Returns: False where so much waits already; then it is not done.
    package func add(_ work: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, isNewNeeded) = state.withLock { state -> (Bool, Bool) in
            guard state.count < threadsMax + waitingMax else { return (false, false) }
            state.count += 1
            state.waiting.append(work)
            guard state.threads < threadsMax else { return (true, false) }
            state.threads += 1
            return (true, true)
        }
        guard isNewNeeded else { return isTaken }
        if let thread = try? OwnThread(named: name, run) { thread.detach() } else { run() }
        return true
    }

    /// Waits until all is done that was added; nothing is to be added meanwhile.
    package func waitUntilIdle() {
        while state.withLock({ $0.threads > 0 }) { usleep(2000) }
    }

    @Sendable private func run() {
        while let work = next() {
            work()
            state.withLock { $0.count -= 1 }
        }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            let work = state.take()
            if work == nil { state.threads -= 1 }
            return work
        }
    }
}
