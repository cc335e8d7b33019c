import Glibc

/// A value behind a `pthread_mutex_t`, which ThreadSanitizer understands; it misreads the futex
/// lock of `Synchronization.Mutex`.
///
/// `@unchecked Sendable`: the value is reached through `withLock` alone, so by one thread at a
/// time; both pointers are made once and freed by `deinit`.
@safe package final class PosixMutex<Value: ~Copyable>: @unchecked Sendable {
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

    package func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value.pointee)
    }
}
