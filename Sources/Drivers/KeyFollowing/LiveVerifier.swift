import Access
package import Clients
import Cryptography
package import Identifiers
import Synchronization
package import Tokens

/// Verifies with the keys in use, and learns a new one when a token first names it.
package final class LiveVerifier: Sendable {
    package typealias Verify =
        @Sendable (_ token: String, _ kinds: Set<TokenKind>, _ now: Int64) throws(TokenFault)
        -> TokenClaims

    private let keys: LiveKeys
    private let verify: Verify
    private let replace: @Sendable ([PublicKey]) -> Void
    private let legacy: LegacyVerifier
    private let checkedCount = Atomic(0)
    private let refusedCount = Atomic(0)

    /// - Parameters:
    ///   - policy: What legacy tokens are held to.
    ///   - keys: The folder that is looked at.
    ///   - verify: Verifies tokens of ours with the keys that `replace` was given last. HS256 is
    ///     none of its algorithms, so no token is looked at both ways.
    ///   - replace: Takes keys before they are in use.
    ///   - client: Looks up whose legacy secret a token may be under.
    package init(
        _ policy: ClaimsPolicy, _ keys: LiveKeys, verify: @escaping Verify,
        replace: @escaping @Sendable ([PublicKey]) -> Void,
        client: @escaping @Sendable (_ id: ClientID) -> Client?
    ) {
        self.keys = keys
        self.verify = verify
        self.replace = replace
        legacy = LegacyVerifier(
            policy: policy, sha256: Digest.sha256, client: { id in client(id)?.legacy })
    }

    /// Tokens that were verified so far, and how many of them were refused.
    package var counts: (checked: Int, refused: Int) {
        (checkedCount.load(ordering: .relaxed), refusedCount.load(ordering: .relaxed))
    }

    /// The folder is looked at when a key is unknown: another process may sign with it already, in
    /// the second before this one looks by itself.
    package func verify(
        _ token: String, _ kinds: Set<TokenKind>, atSecondsSinceEpoch now: Int64
    ) throws(TokenFault) -> TokenClaims {
        checkedCount.wrappingAdd(1, ordering: .relaxed)
        do throws(TokenFault) {
            return try claims(of: token, kinds, atSecondsSinceEpoch: now)
        } catch {
            refusedCount.wrappingAdd(1, ordering: .relaxed)
            throw error
        }
    }

    private func claims(
        of token: String, _ kinds: Set<TokenKind>, atSecondsSinceEpoch now: Int64
    ) throws(TokenFault) -> TokenClaims {
        do throws(TokenFault) {
            return try verify(token, kinds, now)
        } catch {
            if error == .unknownAlgorithm, kinds.contains(.legacy) {
                return try legacy.verify(token, atSecondsSinceEpoch: now)
            }
            guard error == .unknownKey else { throw error }
        }
        // Once more in any case: another thread may have looked just before.
        _ = keys.refresh()
        return try verify(token, kinds, now)
    }

    /// To be called before the keys are in use.
    @Sendable package func replaceKeys(_ new: LiveKeys.Snapshot) { replace(new.verification) }
}
