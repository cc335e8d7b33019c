public import UsherVerifier

/// Why a key set could not be fetched, or was not taken. The keys held before stay in use.
///
/// ```swift
/// do throws(KeySetFault) {
///     try await keys.refresh()
/// } catch {
///     print("no keys yet:", error.code, error.description)
/// }
/// ```
public enum KeySetFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The whole answer was not there in time, 5 seconds from the start.
    case timedOut
    /// No connection, no trusted certificate, or a broken answer. The text is the system's.
    case unreachable(String)
    /// The answer was a redirect. None is followed: keys come from the configured address alone.
    case redirected(status: Int)
    /// The answer's status was not 200.
    case status(Int)
    /// The answer was not JSON by its `Content-Type`.
    case mediaType(String)
    /// The answer had more than 64 KiB.
    case tooLarge
    /// A cache on the way (`Age`, RFC 9111 §5.1) answered with something older than what is held,
    /// or older than anything that may be used.
    case outdated(ageSeconds: Int64)
    /// The set is not usable: bad JSON, no usable key, private members, one `kid` twice, ….
    case refused(VerifierConfigurationError)
    /// The fetch was given up because the `RemoteKeySet` is gone.
    case cancelled

    /// Stable across releases: alert on this.
    public var code: String {
        switch self {
        case .timedOut: "key_set_timeout"
        case .unreachable: "key_set_unreachable"
        case .redirected: "key_set_redirected"
        case .status: "key_set_status"
        case .mediaType: "key_set_media_type"
        case .tooLarge: "key_set_too_large"
        case .outdated: "key_set_outdated"
        case .refused: "key_set_refused"
        case .cancelled: "key_set_cancelled"
        }
    }

    /// One sentence for people.
    public var description: String {
        switch self {
        case .timedOut: "the key set did not arrive in time"
        case .unreachable(let reason): "the key set cannot be fetched: \(reason)"
        case .redirected(let status):
            "the key set's address answers with a redirect (\(status)): configure where it leads"
        case .status(let status): "the key set's address answers with status \(status)"
        case .mediaType(let type):
            "the answer is `\(type)`, not application/jwk-set+json or application/json"
        case .tooLarge: "the key set has more than \(KeySetAnswer.bytesMax) bytes"
        case .outdated(let age):
            "a cache on the way answered with a set of \(age) seconds ago: have it ask more often"
        case .refused(let error): error.description
        case .cancelled: "the fetch was given up"
        }
    }
}
