import Foundation
import Locking
import Testing

@Suite struct LockTests {
    private final class Tally: Sendable {
        let count = Lock(0)
    }

    @Test("No addition of several threads is lost")
    func additions() async {
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<1000 { tally.count.withLock { $0 += 1 } } }
            }
        }
        #expect(tally.count.withLock { $0 } == 8000)
    }

    @Test("What the body throws and returns comes out, and the lock is free afterwards")
    func results() {
        struct Refused: Error {}
        let lock = Lock("kept")
        #expect(throws: Refused.self) { try lock.withLock { _ in throw Refused() } }
        #expect(lock.withLock { $0.uppercased() } == "KEPT")
    }
}
