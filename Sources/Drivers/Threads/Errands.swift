import CEpoll
import Glibc
import Locking

/// Work that knows no time limit, such as getaddrinfo(3): each piece has a thread of its own, which
/// is left to itself when the time of whoever waits is over.
package final class Errands: Sendable {
    package enum Failure: Error, Equatable {
        /// So many are under way, left ones too.
        case tooMany(Int)
        /// There is no descriptor or thread left for it.
        case noThread
    }

    private let name: String
    private let countMax: Int
    private let running = Lock(0)

    /// - Parameters:
    ///   - name: Of their threads, at most 15 bytes.
    ///   - countMax: So many threads at most are there, left ones too.
    package init(named name: String, countMax: Int) {
        self.name = name
        self.countMax = countMax
    }

    private final class Errand<Value: Sendable>: Sendable {
        let value = Lock<Value?>(nil)
        /// Readable once there is a value.
        let done: Int32

        init?() {
            done = eventfd(0, Int32(EFD_CLOEXEC))
            guard done >= 0 else { return nil }
        }

        deinit { close(done) }
    }

    /// Runs `body` on a thread of its own.
    ///
    /// - Parameters:
    ///   - wait: Waits until the descriptor is readable; throws where that takes too long.
    ///   - body: What it gives after that is dropped, on its thread.
    /// - Returns: What `body` gave; nil where `wait` threw.
    /// - Throws: `Failure` where it was not begun.
    package func run<Value: Sendable>(
        waiting wait: (Int32) throws -> Void, _ body: @escaping @Sendable () -> Value
    ) throws(Failure) -> Value? {
        let isFree = running.withLock { running in
            guard running < countMax else { return false }
            running += 1
            return true
        }
        guard isFree else { throw .tooMany(countMax) }
        let errand = Errand<Value>()
        let thread = errand.flatMap { errand in
            try? OwnThread(named: name) { [self] in
                let value = body()
                errand.value.withLock { $0 = value }
                running.withLock { $0 -= 1 }
                eventfd_write(errand.done, 1)
            }
        }
        guard let errand, let thread else {
            running.withLock { $0 -= 1 }
            throw .noThread
        }
        thread.detach()
        guard (try? wait(errand.done)) != nil else { return nil }
        return errand.value.withLock { $0 }
    }
}
