import CEpoll
import Glibc

/// A thread of ours: signals go to the others, and it ends when its body does.
package struct OwnThread: Sendable {
    private let thread: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// The system would not make another thread.
    package struct Failure: Error, Equatable {
        /// As in errno(3).
        package let number: Int32
    }

    /// - Parameters:
    ///   - name: At most 15 bytes, for those who look at the process.
    ///   - run: Its body.
    /// - Throws: `Failure`.
    package init(
        named name: String, _ run: @escaping @Sendable () -> Void
    ) throws(Failure) {
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var started = pthread_t()
        let body = unsafe Unmanaged.passRetained(Body(run))
        let status = unsafe pthread_create(&started, nil, Self.enter, body.toOpaque())
        guard status == 0 else {
            unsafe body.release()
            throw Failure(number: status)
        }
        unsafe pthread_setname_np(started, name)
        thread = started
    }

    package var isCurrent: Bool { pthread_equal(thread, pthread_self()) != 0 }

    /// Waits for the end of the thread; to be called once.
    package func join() { pthread_join(thread, nil) }

    /// Leaves the thread to itself; to be called once, instead of `join`.
    package func detach() { pthread_detach(thread) }

    private static let enter:
        @Sendable @convention(c) (UnsafeMutableRawPointer?) ->
            UnsafeMutableRawPointer? = { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }
}
