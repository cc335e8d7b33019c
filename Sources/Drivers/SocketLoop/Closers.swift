import Glibc
import Locking
import Synchronization

/// Closes descriptors, and tells who wants to know that one was closed.
///
/// Few do: only sockets whose other side is held by somebody (TLS). So the others cost one look at
/// a number, and a socket that moves from loop to loop takes nothing along.
final class Closers: Sendable {
    private struct Closer: Sendable {
        let closed: @Sendable () -> Void
    }

    private let count = Atomic(0)
    private let closers = Lock<[Int32: Closer]>([:])

    /// Has `closed` called once, behind the descriptor's close.
    func note(_ descriptor: Int32, _ closed: @escaping @Sendable () -> Void) {
        closers.withLock { $0[descriptor] = Closer(closed: closed) }
        count.wrappingAdd(1, ordering: .releasing)
    }

    /// Whether somebody wants to know when this one is closed.
    func isAwaited(_ descriptor: Int32) -> Bool {
        count.load(ordering: .acquiring) > 0 && closers.withLock { $0[descriptor] != nil }
    }

    func close(_ descriptor: Int32) {
        guard count.load(ordering: .acquiring) > 0 else {
            Glibc.close(descriptor)
            return
        }
        // Out of the table first: once closed, the number may be another socket's.
        let closer = closers.withLock { $0.removeValue(forKey: descriptor) }
        Glibc.close(descriptor)
        guard let closer else { return }
        count.wrappingSubtract(1, ordering: .relaxed)
        closer.closed()
    }
}
