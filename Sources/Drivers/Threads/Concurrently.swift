import Locking

/// Work on several threads, of which the one that wants it done is one.
package enum Concurrently {
    package static let threadsMax = 8

    /// The numbers that are still to be taken.
    private final class Numbers: Sendable {
        private let count: Int
        private let next = Lock(0)

        init(_ count: Int) { self.count = count }

        func run(_ body: @Sendable (Int) -> Void) {
            while true {
                let number = next.withLock { next in
                    defer { next += 1 }
                    return next
                }
                guard number < count else { return }
                body(number)
            }
        }
    }

    /// Runs `body` once for each number from 0 up to `count`, and returns when all is done. Where
    /// the system gives no thread, those that there are do the work.
    @Sendable package static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let numbers = Numbers(count)
        let threads = (1..<max(1, min(threadsMax, count))).compactMap { _ in
            try? OwnThread(named: "usher-work") { numbers.run(body) }
        }
        numbers.run(body)
        threads.forEach { $0.join() }
    }
}
