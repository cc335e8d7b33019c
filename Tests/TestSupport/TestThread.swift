import Glibc

/// A thread of the test's own, to be waited for once.
package final class TestThread {
    private var thread = pthread_t()

    private final class Job: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    package init(_ run: @escaping @Sendable () -> Void) {
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, Unmanaged.passRetained(Job(run)).toOpaque())
        precondition(status == 0, "no thread")
    }

    package func wait() { pthread_join(thread, nil) }
}

/// A thread for each, all begun before any is waited for.
package func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let threads = (0..<count).map { index in TestThread { body(index) } }
    for thread in threads { thread.wait() }
}
