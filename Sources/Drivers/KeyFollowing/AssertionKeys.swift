import Cryptography
import Locking
package import Tokens

/// The keys with which clients sign their assertions, each parsed once: parsing one costs as much
/// as using it.
package final class AssertionKeys: Sendable {
    /// 8 for each of 512 clients; beyond it all are forgotten and parsed anew as they come.
    static let entriesMax = 4096

    private let parsed = Lock<[PublicKey: VerifyingKey]>([:])

    package init() {}

    var count: Int { parsed.withLock { $0.count } }

    /// Whether the signature, in JWS form, is the key's over these bytes; no key is taken for
    /// another that has its name.
    @Sendable package func isValid(
        _ key: PublicKey, _ signature: [UInt8], _ input: [UInt8]
    ) -> Bool {
        verifying(key)?.isValid(signature: signature, over: input) ?? false
    }

    private func verifying(_ key: PublicKey) -> VerifyingKey? {
        if let known = parsed.withLock({ $0[key] }) { return known }
        guard let fresh = try? VerifyingKey(key) else { return nil }
        parsed.withLock { parsed in
            if parsed.count >= Self.entriesMax { parsed.removeAll() }
            parsed[key] = fresh
        }
        return fresh
    }
}
