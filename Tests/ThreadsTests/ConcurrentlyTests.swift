import Glibc
import Locking
import Testing
import Threads

@Suite struct ConcurrentlyTests {
    @Test(
        "Work is done once for each number, on several threads at a time",
        arguments: [
            0, 1, 2, 8, 100,
        ])
    func concurrently(_ count: Int) {
        let done = Done()
        Concurrently.run(count) { number in
            done.begin(number)
            usleep(20_000)
            done.end()
        }
        #expect(done.numbers.sorted() == Array(0..<count))
        #expect(done.most <= Concurrently.threadsMax)
        #expect(count < 2 || done.most > 1)
    }

    private final class Done: Sendable {
        private let state = Lock((numbers: [Int](), now: 0, most: 0))
        var numbers: [Int] { state.withLock { $0.numbers } }
        var most: Int { state.withLock { $0.most } }

        func begin(_ number: Int) {
            state.withLock { state in
                state.numbers.append(number)
                state.now += 1
                state.most = max(state.most, state.now)
            }
        }

        func end() { state.withLock { $0.now -= 1 } }
    }
}
