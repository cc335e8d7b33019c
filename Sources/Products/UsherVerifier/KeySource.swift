import Cryptography
package import Tokens

/// Where a verifier takes its keys from.
public struct KeySource: Sendable {
    private enum Content: Sendable {
        case json([UInt8])
        case keys([PublicKey])
    }

    private let content: Content

    /// A JSON Web Key Set as the issuer publishes it (RFC 7517 §5), at most 64 KiB and 32 keys.
    ///
    /// Keys of unknown type, for other uses (`use`, `key_ops`), for algorithms that are not
    /// accepted, or weak ones are left out. A set with private or symmetric members, or with one
    /// `kid` twice, is refused as a whole. A key without `kid` goes by its thumbprint (RFC 7638).
    ///
    /// - Parameter json: The bytes of the set. Fetch them over TLS from the issuer itself.
    /// - Returns: The source.
    public static func keySet(json: [UInt8]) -> KeySource { KeySource(content: .json(json)) }

    /// Keys that were read before; shared secrets may be among them.
    package static func keys(_ keys: [PublicKey]) -> KeySource { KeySource(content: .keys(keys)) }

    /// The keys that are for one of these algorithms, parsed.
    func ring(
        for algorithms: Set<SignatureAlgorithm>
    ) throws(VerifierConfigurationError) -> KeyRing<VerifyingKey> {
        var (keys, reasons) = try publicKeys()
        keys.removeAll { !algorithms.contains($0.algorithm) }
        var ring = KeyRing<VerifyingKey>()
        for key in keys {
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
        }
        guard !ring.isEmpty else { throw .noUsableKey(reasons: reasons) }
        return ring
    }

    private func publicKeys() throws(VerifierConfigurationError) -> ([PublicKey], [String]) {
        switch content {
        case .keys(let keys): return (keys, [])
        case .json(let json):
            do throws(KeyFault) {
                let set = try JWKSet(parsing: json, sha256: Digest.sha256)
                return (set.keys, set.skipped.map(\.fault.description))
            } catch {
                throw .keySetRefused(reason: error.description)
            }
        }
    }
}
