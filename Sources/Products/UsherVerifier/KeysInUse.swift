import Bytes
import Cryptography
import Tokens

/// The keys that a verifier uses at one time, parsed, and the headers seen under them. Replaced as
/// a whole, so that nothing of an old set outlives it.
final class KeysInUse: Sendable {
    /// As given, in the order of their names.
    let keys: [PublicKey]
    let ring: KeyRing<VerifyingKey>
    let headers = KnownHeaders()

    /// Takes the keys that are for one of these algorithms.
    ///
    /// - Throws: `.keySetRefused` where two have one name, `.noUsableKey` where none is left,
    ///   unless that is allowed.
    init(
        _ finding: KeyFinding, for algorithms: [SignatureAlgorithm], mayBeEmpty: Bool = false
    ) throws(VerifierConfigurationError) {
        var keys: [PublicKey] = []
        var reasons = finding.reasons
        var ring = KeyRing<VerifyingKey>()
        for key in finding.keys where algorithms.contains(key.algorithm) {
            let parsed: VerifyingKey
            do throws(CryptographyError) {
                parsed = try VerifyingKey(key)
            } catch {
                reasons.append(error.description)
                continue
            }
            do throws(KeyFault) {
                try ring.add(parsed, keyID: key.keyID, algorithm: key.algorithm)
            } catch {
                throw .keySetRefused(reason: error.description)
            }
            keys.append(key)
        }
        guard mayBeEmpty || !ring.isEmpty else { throw .noUsableKey(reasons: reasons) }
        self.keys = keys.sorted { ByteText($0.keyID) < ByteText($1.keyID) }
        self.ring = ring
    }
}
