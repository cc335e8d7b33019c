import Dispatch
import Locking

/// What one thread leaves for others.
final class Answer<Value: Sendable>: Sendable {
    private let value = Lock<Value?>(nil)
    private let isThere = DispatchSemaphore(value: 0)

    func give(_ value: Value?) {
        self.value.withLock { $0 = $0 ?? value }
        isThere.signal()
    }

    /// Nil where nothing comes in time.
    func wait(seconds: Int) -> Value? {
        // Whoever waits besides goes on as well.
        if case .success = isThere.wait(timeout: .now() + .seconds(seconds)) { isThere.signal() }
        return value.withLock { $0 }
    }
}

/// Threads that wait for what the bus' thread says, as long as there is one.
final class PendingAnswers: Sendable {
    private struct State {
        var isOver = false
        var last: UInt64 = 0
        /// Of each that waits, what lets it go.
        var releases: [UInt64: @Sendable () -> Void] = [:]
    }

    private let state = Lock(State())

    /// Waits for what is asked; nil where nothing comes in time, or nothing will come any more.
    func wait<Value: Sendable>(
        seconds: Int, _ ask: (@escaping @Sendable (Value) -> Void) -> Void
    ) -> Value? {
        let answer = Answer<Value>()
        let number = state.withLock { state -> UInt64? in
            guard !state.isOver else { return nil }
            state.last += 1
            state.releases[state.last] = { answer.give(nil) }
            return state.last
        }
        guard let number else { return nil }
        defer { state.withLock { $0.releases[number] = nil } }
        ask { answer.give($0) }
        return answer.wait(seconds: seconds)
    }

    /// Nobody waits from now on.
    func stop() {
        let releases = state.withLock { state in
            state.isOver = true
            defer { state.releases = [:] }
            return Array(state.releases.values)
        }
        for release in releases { release() }
    }
}
