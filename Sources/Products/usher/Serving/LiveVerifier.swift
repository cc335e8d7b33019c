import Tokens
import UsherVerifier

/// Verifies with the keys in use, and learns a new one when a token first names it.
struct LiveVerifier: Sendable {
    private let verifier: Verifier
    private let keys: LiveKeys

    init(issuer: String, audience: String, keys: LiveKeys) throws(VerifierConfigurationError) {
        self.keys = keys
        verifier = try Verifier(
            issuer: issuer, audience: audience, algorithms: [.es256, .rs256, .eddsa],
            keys: .keys(keys.current.verification))
    }

    /// As `Verifier.verify`. The folder is looked at when a key is unknown: another process may
    /// sign with it already, in the second before this one looks by itself.
    func verify(
        _ token: String, _ kinds: Set<TokenKind>, atSecondsSinceEpoch now: Int64
    ) throws(TokenRejection) -> TokenClaims {
        do throws(TokenRejection) {
            return try verifier.verify(token, atSecondsSinceEpoch: now, accepting: kinds).claims
        } catch {
            guard error == .unknownKey else { throw error }
        }
        // Once more in any case: another thread may have looked just before.
        _ = keys.refresh()
        return try verifier.verify(token, atSecondsSinceEpoch: now, accepting: kinds).claims
    }

    /// To be called before the keys are in use.
    @Sendable func replaceKeys(_ new: LiveKeys.Snapshot) {
        // Fails without a usable key alone, and the signing one always is.
        try? verifier.replaceKeys(new.verification)
    }
}
