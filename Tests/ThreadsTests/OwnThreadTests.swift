import Glibc
import Synchronization
import Testing
import Threads

@Suite struct OwnThreadTests {
    private final class Marks: Sendable {
        let isDone = Atomic(false)
        let blocksSignals = Atomic(false)
    }

    @Test("Its body has run, beside this thread and without signals, once it is joined")
    func body() throws {
        let marks = Marks()
        let thread = try OwnThread(named: "usher-test") {
            var blocked = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
            marks.blocksSignals.store(
                unsafe sigismember(&blocked, SIGTERM) == 1, ordering: .relaxed)
            marks.isDone.store(true, ordering: .releasing)
        }
        #expect(!thread.isCurrent)
        thread.join()
        let isDone = marks.isDone.load(ordering: .acquiring)
        let blocksSignals = marks.blocksSignals.load(ordering: .relaxed)
        #expect(isDone)
        #expect(blocksSignals)
    }

    @Test("A thread that is left to itself runs to its end")
    func detached() throws {
        let marks = Marks()
        let thread = try OwnThread(named: "usher-test") {
            marks.isDone.store(true, ordering: .releasing)
        }
        thread.detach()
        for _ in 0..<2000 where !marks.isDone.load(ordering: .acquiring) { usleep(5000) }
        let isDone = marks.isDone.load(ordering: .acquiring)
        #expect(isDone)
    }
}
