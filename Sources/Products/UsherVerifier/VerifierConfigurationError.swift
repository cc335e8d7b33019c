import Tokens

/// Why a verifier cannot be made, or its keys not be changed. `description` says what to change.
///
/// ```swift
/// do throws(VerifierConfigurationError) {
///     try verifier.update(keySet: Array("<html>".utf8))
/// } catch {
///     print(error.code, error.description)  // verifier_key_set_refused `keys` is refused: …
/// }
/// ```
public enum VerifierConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The issuer is the empty string.
    case issuerEmpty
    /// The audience is the empty string.
    case audienceEmpty
    /// The set of algorithms is empty.
    case noAlgorithm
    /// The leeway is not within 0 to 300 seconds.
    case leewayOutOfRange(Int)
    /// The cache's capacity is not within 0 to 1 000 000 tokens.
    case cacheCapacityOutOfRange(Int)
    /// The key set is refused as a whole: it is not strict JSON, too large, holds a private or
    /// symmetric key, or one `kid` twice.
    case keySetRefused(reason: String)
    /// No key in the source is fit to verify with one of the algorithms. The reasons are those of
    /// the keys that were left out.
    case noUsableKey(reasons: [String])

    /// The folder of keys cannot be listed, holds more than 32 key files, or a file in it has no
    /// key that can be read.
    case keyFolder(path: String, reason: String)

    /// Stable across releases.
    public var code: String {
        switch self {
        case .issuerEmpty: "verifier_issuer_empty"
        case .audienceEmpty: "verifier_audience_empty"
        case .noAlgorithm: "verifier_no_algorithm"
        case .leewayOutOfRange: "verifier_leeway"
        case .cacheCapacityOutOfRange: "verifier_cache_capacity"
        case .keySetRefused: "verifier_key_set_refused"
        case .noUsableKey: "verifier_no_usable_key"
        case .keyFolder: "verifier_key_folder"
        }
    }

    /// One sentence for people, with what to do.
    public var description: String {
        switch self {
        case .issuerEmpty: "`issuer` is empty: give the issuer that tokens must name in `iss`"
        case .audienceEmpty: "`audience` is empty: give what tokens must name in `aud`"
        case .noAlgorithm: "`algorithms` is empty: name at least one"
        case .leewayOutOfRange(let seconds):
            "`leewaySeconds` is \(seconds): it must be 0 to 300"
        case .cacheCapacityOutOfRange(let count):
            "`cacheCapacity` is \(count): it must be 0 to 1000000"
        case .keySetRefused(let reason): "`keys` is refused: \(reason)"
        case .keyFolder(let path, let reason):
            "the folder of `keys`, \(path), is not as it should be: \(reason)"
        case .noUsableKey(let reasons):
            "`keys` holds no key for the given algorithms"
                + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; "))
        }
    }
}
