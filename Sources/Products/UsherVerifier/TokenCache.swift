import Locking

/// Tokens that were verified, up to a number of them; safe to use from any thread.
///
/// A token is looked up by its last 16 characters and then compared whole. Those characters are the
/// end of its signature, which nobody can choose, so they spread as well as a digest of the whole
/// token would, at a fraction of the cost. Who would time the comparison must know 90 bits of the
/// signature first, and only what was verified gets in, so nobody can fill a bucket.
final class TokenCache: Sendable {
    private struct State {
        var table: TokenTable
        /// Grows with every `forget`.
        var generation: UInt64 = 0
        var lookups = 0
        var misses = 0
    }

    private let isOn: Bool
    private let state: Lock<State>

    init(capacity: Int) {
        isOn = capacity > 0
        state = Lock(State(table: TokenTable(capacity: capacity)))
    }

    var count: Int { state.withLock { $0.table.count } }

    /// How often a token was there.
    var hits: Int { state.withLock { $0.lookups - $0.misses } }

    /// - Returns: The token, and the generation to hand to `insert` where there is none.
    func find(_ text: Span<UInt8>) -> (token: VerifiedToken?, generation: UInt64) {
        guard isOn, let tail = TokenTail(of: text) else { return (nil, 0) }
        let (entry, generation) = state.withLock { state in
            let entry = state.table.find(tail)
            state.lookups += 1
            if entry == nil { state.misses += 1 }
            return (entry, state.generation)
        }
        guard let entry, entry.matches(text) else { return (nil, generation) }
        return (entry.token, generation)
    }

    /// Remembers a token, unless something was forgotten since `generation`: it might be this one.
    /// From `goodUntil`, in seconds since the epoch, it is of no use to anyone.
    func insert(
        _ token: VerifiedToken, text: Span<UInt8>, goodUntil: Int64, now: Int64,
        generation: UInt64
    ) {
        guard isOn, let tail = TokenTail(of: text) else { return }
        let entry = RememberedToken(tail: tail, text: text, token: token, goodUntil: goodUntil)
        state.withLock { state in
            guard state.generation == generation else { return }
            state.table.insert(entry, now: now)
        }
    }

    /// Drops a token that has run out.
    func remove(_ text: Span<UInt8>) {
        guard let tail = TokenTail(of: text) else { return }
        state.withLock { $0.table.remove(tail) }
    }

    func forget(_ tokens: RememberedTokens) {
        state.withLock { state in
            state.generation += 1
            state.table.removeAll { tokens.contain($0.token.claims) }
        }
    }
}
