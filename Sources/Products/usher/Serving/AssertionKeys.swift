import Cryptography
import Locking
import Tokens

/// The keys with which clients sign their assertions, each parsed once: parsing one costs as much
/// as using it.
final class AssertionKeys: Sendable {
    /// 8 for each of 512 clients; beyond it all are forgotten and parsed anew as they come.
    static let entriesMax = 4096

    private struct State: Sendable {
        var parsed: [PublicKey: VerifyingKey] = [:]
    }

    private let state = Lock(State())

    var count: Int { state.withLock { $0.parsed.count } }

    /// Whether the signature, in JWS form, is the key's over these bytes; no key is taken for
    /// another that has its name.
    @Sendable func isValid(_ key: PublicKey, _ signature: [UInt8], _ input: [UInt8]) -> Bool {
        parsed(key)?.isValid(signature: signature, over: input) ?? false
    }

    private func parsed(_ key: PublicKey) -> VerifyingKey? {
        if let known = state.withLock({ $0.parsed[key] }) { return known }
        guard let fresh = try? VerifyingKey(key) else { return nil }
        state.withLock { state in
            if state.parsed.count >= Self.entriesMax { state.parsed.removeAll() }
            state.parsed[key] = fresh
        }
        return fresh
    }
}
