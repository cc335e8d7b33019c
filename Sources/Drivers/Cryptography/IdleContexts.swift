import Locking

/// OpenSSL contexts that nobody uses at the moment, to be used again: making one costs more than a
/// short digest.
struct IdleContexts<Context: Sendable>: ~Copyable, Sendable {
    /// What more threads at a time than that give back is dropped.
    private static var countMax: Int { 32 }

    private let contexts = Lock<[Context]>([])

    /// Nil where all are in use.
    func take() -> Context? { contexts.withLock { $0.popLast() } }

    func giveBack(_ context: Context) {
        contexts.withLock { if $0.count < Self.countMax { $0.append(context) } }
    }
}
