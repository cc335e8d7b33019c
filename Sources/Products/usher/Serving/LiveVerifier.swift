import Access
import Clients
import Cryptography
import Identifiers
import Synchronization
import Tokens
import UsherVerifier

/// Verifies with the keys in use, and learns a new one when a token first names it.
final class LiveVerifier: Sendable {
    private static let leewaySeconds = 30

    private let verifier: Verifier
    private let legacy: LegacyVerifier
    private let keys: LiveKeys
    private let checked = Atomic(0)
    private let refused = Atomic(0)

    /// `client` looks up whose legacy secret a token may be under.
    init(
        issuer: String, audience: String, keys: LiveKeys,
        client: @escaping @Sendable (_ id: ClientID) -> Client?
    ) throws(VerifierConfigurationError) {
        self.keys = keys
        verifier = try Verifier(
            issuer: issuer, audience: audience, algorithms: [.es256, .rs256, .eddsa],
            keys: .keys(keys.current.verification), leewaySeconds: Self.leewaySeconds)
        legacy = LegacyVerifier(
            policy: ClaimsPolicy(
                issuer: issuer, audience: audience, leewaySeconds: Int64(Self.leewaySeconds)),
            sha256: Digest.sha256, client: { id in client(id)?.legacy })
    }

    /// As `Verifier.verify`. The folder is looked at when a key is unknown: another process may
    /// sign with it already, in the second before this one looks by itself. HS256 is none of the
    /// verifier's algorithms, so no token is looked at both ways.
    func verify(
        _ token: String, _ kinds: Set<TokenKind>, atSecondsSinceEpoch now: Int64
    ) throws(TokenRejection) -> TokenClaims {
        checked.wrappingAdd(1, ordering: .relaxed)
        do throws(TokenRejection) {
            return try claims(of: token, kinds, atSecondsSinceEpoch: now)
        } catch {
            refused.wrappingAdd(1, ordering: .relaxed)
            throw error
        }
    }

    /// What has come of verifying so far.
    var figures: Figures {
        Figures(
            checked: checked.load(ordering: .relaxed), refused: refused.load(ordering: .relaxed),
            fromCache: verifier.cacheHits, remembered: verifier.rememberedCount)
    }

    struct Figures: Sendable {
        let checked: Int
        let refused: Int
        /// Whose signature was known from an earlier check.
        let fromCache: Int
        let remembered: Int
    }

    private func claims(
        of token: String, _ kinds: Set<TokenKind>, atSecondsSinceEpoch now: Int64
    ) throws(TokenRejection) -> TokenClaims {
        do throws(TokenRejection) {
            return try verifier.verify(token, atSecondsSinceEpoch: now, accepting: kinds).claims
        } catch {
            if error == .algorithmNotAllowed, kinds.contains(.legacy) {
                return try verifyLegacy(token, atSecondsSinceEpoch: now)
            }
            guard error == .unknownKey else { throw error }
        }
        // Once more in any case: another thread may have looked just before.
        _ = keys.refresh()
        return try verifier.verify(token, atSecondsSinceEpoch: now, accepting: kinds).claims
    }

    private func verifyLegacy(
        _ token: String, atSecondsSinceEpoch now: Int64
    ) throws(TokenRejection) -> TokenClaims {
        do throws(TokenFault) {
            return try legacy.verify(token, atSecondsSinceEpoch: now)
        } catch {
            throw TokenRejection(error)
        }
    }

    /// To be called before the keys are in use.
    @Sendable func replaceKeys(_ new: LiveKeys.Snapshot) {
        // Fails without a usable key alone, and the signing one always is.
        try? verifier.replaceKeys(new.verification)
    }
}
