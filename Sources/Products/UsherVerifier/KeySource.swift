import Cryptography
package import Tokens

/// Where a verifier takes its keys from.
///
/// ```swift
/// let fixed = KeySource.keySet(json: bytesOfJWKS)
/// let followed = KeySource.folder(path: "/etc/relay/issuer-keys")
/// ```
public struct KeySource: Sendable {
    private enum Content: Sendable {
        case json([UInt8])
        case keys([PublicKey])
        case folder(path: String)
        case nothingYet
    }

    private let content: Content

    /// A JSON Web Key Set as the issuer publishes it (RFC 7517 §5), at most 64 KiB and 32 keys.
    ///
    /// Keys of unknown type, for other uses (`use`, `key_ops`), for algorithms that are not
    /// accepted, or weak ones are left out. A set with private or symmetric members, or with one
    /// `kid` twice, is refused as a whole. A key without `kid` goes by its thumbprint (RFC 7638).
    ///
    /// ```swift
    /// let verifier = try Verifier(
    ///     issuer: "https://auth.example", audience: "https://relay.example",
    ///     algorithms: [.es256], keys: .keySet(json: bytesOfJWKS))
    /// ```
    ///
    /// - Parameter json: The bytes of the set. Fetch them over TLS from the issuer itself.
    /// - Returns: The source.
    public static func keySet(json: [UInt8]) -> KeySource { KeySource(content: .json(json)) }

    /// A folder of public keys, for which something else sees to it that it is up to date.
    ///
    /// Read are the files that end in `.jwk` or `.json` (one key, or a set) and `.pem` (one
    /// `PUBLIC KEY`, which goes by its thumbprint), 32 at most of 64 KiB at most; names that begin
    /// with a dot are passed over. The verifier looks at the folder again whenever it is asked at
    /// another second than before, and so reads files as it verifies; a file that is gone takes its
    /// keys along, and one that cannot be read keeps those it had (see `Verifier.keyFault`). Rename
    /// files into place rather than write them there. Who may write into the folder decides which
    /// tokens are good.
    ///
    /// ```swift
    /// let verifier = try Verifier(
    ///     issuer: "https://auth.example", audience: "https://relay.example",
    ///     algorithms: [.es256], keys: .folder(path: "/etc/relay/issuer-keys"))
    /// ```
    ///
    /// - Parameter path: The folder. It must be there, with a usable key, and no file at fault.
    /// - Returns: The source.
    public static func folder(path: String) -> KeySource { KeySource(content: .folder(path: path)) }

    /// Keys that were read before; shared secrets may be among them.
    package static func keys(_ keys: [PublicKey]) -> KeySource { KeySource(content: .keys(keys)) }

    /// No keys until `replaceKeys` or `update(keySet:)` brings some; every token is refused.
    package static var nothingYet: KeySource { KeySource(content: .nothingYet) }

    /// Whether a verifier may be made of it while it holds no key.
    var startsEmpty: Bool {
        if case .nothingYet = content { true } else { false }
    }

    /// Which keys the source holds now, and the folder they are in.
    func read() throws(VerifierConfigurationError) -> (KeyFinding, WatchedFolder?) {
        switch content {
        case .keys(let keys): return (KeyFinding(keys: keys), nil)
        case .json(let json): return (try KeyFinding(set: json), nil)
        case .folder(let path):
            let folder = try WatchedFolder(path: path)
            return (folder.finding, folder)
        case .nothingYet: return (KeyFinding(keys: []), nil)
        }
    }
}

/// Keys as they were read, and why others were left out.
struct KeyFinding: Sendable {
    var keys: [PublicKey]
    var reasons: [String] = []

    init(keys: [PublicKey]) { self.keys = keys }

    init(set json: [UInt8]) throws(VerifierConfigurationError) {
        do throws(KeyFault) {
            let set = try JWKSet(parsing: json, sha256: Digest.sha256)
            keys = set.keys
            reasons = set.skipped.map(\.fault.description)
        } catch {
            throw .keySetRefused(reason: error.description)
        }
    }
}
