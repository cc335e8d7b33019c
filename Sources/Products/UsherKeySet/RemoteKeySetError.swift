public import UsherVerifier

/// Why a `RemoteKeySet` cannot be made. `description` says what to change.
///
/// ```swift
/// do throws(RemoteKeySetError) {
///     _ = try RemoteKeySet(
///         url: "http://auth.example/keys", issuer: "https://auth.example",
///         audience: "https://relay.example", algorithms: [.es256])
/// } catch {
///     print(error.code, error.description)  // key_set_url `url` is refused: it must be https…
/// }
/// ```
public enum RemoteKeySetError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The address is not one to fetch keys from.
    case url(String)
    /// Issuer, audience, algorithms, leeway or cache capacity are refused.
    case verifier(VerifierConfigurationError)

    /// Stable across releases.
    public var code: String {
        switch self {
        case .url: "key_set_url"
        case .verifier(let error): error.code
        }
    }

    /// One sentence for people, with what to do.
    public var description: String {
        switch self {
        case .url(let reason): "`url` is refused: \(reason)"
        case .verifier(let error): error.description
        }
    }
}
