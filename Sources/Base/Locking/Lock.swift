// Exported, since whoever imports this module calls the members of that one's types.
@_exported public import Synchronization

#if USHER_POSIX_LOCKS
    import Glibc

    /// A value that one thread at a time may reach: the one lock of the house.
    ///
    /// Built with `USHER_POSIX_LOCKS` it is a `pthread_mutex_t`, which ThreadSanitizer understands;
    /// it misreads the futex of `Synchronization.Mutex`. `scripts/test --deep` builds it so.
    ///
    /// `@unchecked Sendable`: the value is reached through `withLock` alone, so by one thread at a
    /// time; both pointers are made once and freed by `deinit`.
    @safe package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        private let mutex: UnsafeMutablePointer<pthread_mutex_t>
        private let value: UnsafeMutablePointer<Value>

        package init(_ initial: consuming sending Value) {
            unsafe mutex = .allocate(capacity: 1)
            unsafe value = .allocate(capacity: 1)
            unsafe value.initialize(to: initial)
            let status = unsafe pthread_mutex_init(mutex, nil)
            precondition(status == 0, "a default mutex can always be made on Linux")
        }

        deinit {
            unsafe pthread_mutex_destroy(mutex)
            unsafe mutex.deallocate()
            unsafe value.deinitialize(count: 1)
            unsafe value.deallocate()
        }

        package borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            unsafe pthread_mutex_lock(mutex)
            defer { unsafe pthread_mutex_unlock(mutex) }
            return try unsafe body(&value.pointee)
        }

        /// Nil, and nothing done, where another thread has it.
        package borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result? {
            guard unsafe pthread_mutex_trylock(mutex) == 0 else { return nil }
            defer { unsafe pthread_mutex_unlock(mutex) }
            return try unsafe body(&value.pointee)
        }
    }
#else
    /// A value that one thread at a time may reach: the one lock of the house.
    ///
    /// A `Synchronization.Mutex` under a name of ours, so that a build for ThreadSanitizer can put
    /// a `pthread_mutex_t` in its place, which that sanitizer understands.
    package typealias Lock<Value: ~Copyable> = Mutex<Value>
#endif
