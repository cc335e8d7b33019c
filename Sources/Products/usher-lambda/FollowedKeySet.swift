import Bytes
import HTTPClient
import HTTPMessages
import Locking
import Tokens
import UsherVerifier

/// Why there is no new key set. Its text names no more than an origin.
enum KeySetTrouble: Error, Equatable, CustomStringConvertible {
    case unreachable(String)
    case head(KeySetHead.Fault)
    /// A cache on the way answered with what is older than what is held.
    case outdated(ageSeconds: Int64)
    case refused(VerifierConfigurationError)

    var description: String {
        switch self {
        case .unreachable(let reason): reason
        case .head(.redirected(let status)):
            "USHER_KEY_SET answers with a redirect (\(status)): set where it leads"
        case .head(.status(let status)): "USHER_KEY_SET answers with status \(status)"
        case .head(.mediaType(let type)):
            "USHER_KEY_SET is `\(type)`, not application/jwk-set+json or application/json"
        case .head(.tooLarge):
            "the key set has more than \(KeySetHead.bytesMax) bytes"
        case .outdated(let age): "a cache on the way answered with a key set of \(age) seconds ago"
        case .refused(let error): error.description
        }
    }
}

/// Keeps a verifier's keys at what the issuer publishes, by the schedule that all followers of key
/// sets have. It fetches on the thread of who asks, since nothing runs in a function but the work
/// at hand; what is only renewed is fetched when its answer is out.
final class FollowedKeySet: Sendable {
    struct Ports: Sendable {
        /// Seconds of the wall's clock: the others may stand still while a function is frozen.
        let now: @Sendable () -> Double
        let fetch: @Sendable (_ most: Duration) throws(HTTPClientError) -> HTTPResponse
        let log: @Sendable (_ event: StaticString, _ fields: [(StaticString, String)]) -> Void
    }

    private struct State {
        var schedule: KeySetSchedule<KeySetTrouble>
        var isFetching = false
        var isDue = false
    }

    private let verifier: Verifier
    private let ports: Ports
    private let timing: KeySetTiming
    private let state: Lock<State>

    /// - Parameters:
    ///   - verifier: One that holds nothing yet.
    ///   - timing: When to fetch.
    ///   - ports: What it asks of the world.
    init(_ verifier: Verifier, timing: KeySetTiming = KeySetTiming(), ports: Ports) {
        self.verifier = verifier
        self.timing = timing
        self.ports = ports
        state = Lock(State(schedule: KeySetSchedule(timing: timing)))
    }

    /// As `Verifier.verify`, with keys that are fetched where there are none, or where this token
    /// names one that is not among them.
    ///
    /// - Throws: `TokenRejection`; `.keysUnavailable` where there is no set that may be used.
    func verify(
        _ token: String, atSecondsSinceEpoch now: Int64, accepting kinds: Set<TokenKind>
    ) throws(TokenRejection) -> VerifiedToken {
        guard isUsable() else { throw .keysUnavailable }
        do throws(TokenRejection) {
            return try verifier.verify(token, atSecondsSinceEpoch: now, accepting: kinds)
        } catch .unknownKey {
            let now = ports.now()
            guard state.withLock({ $0.schedule.mayFetchForUnknownKey(at: now) }), fetch() else {
                throw .unknownKey
            }
        }
        return try verifier.verify(token, atSecondsSinceEpoch: now, accepting: kinds)
    }

    /// Fetches a set that was due when a token was verified.
    func renewIfDue() {
        let isDue = state.withLock { state in
            defer { state.isDue = false }
            return state.isDue
        }
        if isDue { _ = fetch() }
    }

    private func isUsable() -> Bool {
        let now = ports.now()
        let advice = state.withLock { state in
            let advice = state.schedule.advice(at: now, isFetching: false)
            state.isDue = state.isDue || advice == .useAndFetch
            return advice
        }
        switch advice {
        case .use, .useAndFetch: return true
        case .refuse: return false
        case .fetchFirst:
            _ = fetch()
            let later = ports.now()
            return state.withLock { $0.schedule.usableAge(at: later) != nil }
        }
    }

    /// - Returns: Whether there is a new set; false too where another thread is fetching one.
    private func fetch() -> Bool {
        let isMine = state.withLock { state in
            defer { state.isFetching = true }
            return !state.isFetching
        }
        guard isMine else { return false }
        let start = ports.now()
        let result = taken(start: start)
        let end = ports.now()
        state.withLock { state in
            state.isFetching = false
            switch result {
            case .success(let origin): state.schedule.succeeded(origin: origin, at: end)
            case .failure(let trouble): state.schedule.failed(trouble, at: end)
            }
        }
        guard case .failure(let trouble) = result else { return true }
        ports.log("key_set_failed", [("reason", trouble.description)])
        return false
    }

    /// When the set that the verifier has now left its issuer.
    private func taken(start: Double) -> Result<Double, KeySetTrouble> {
        let answer: HTTPResponse
        do throws(HTTPClientError) {
            answer = try ports.fetch(.seconds(timing.timeoutSeconds))
        } catch {
            return .failure(.unreachable(error.description))
        }
        let type = answer.headers["Content-Type"] ?? ""
        let length = Int64(answer.body.count)
        if let fault = KeySetHead.fault(status: answer.status, contentType: type, length: length) {
            return .failure(.head(fault))
        }
        let age = KeySetHead.ageSeconds(answer.headers["Age"])
        guard let origin = state.withLock({ $0.schedule.origin(start: start, ageSeconds: age) })
        else { return .failure(.outdated(ageSeconds: age)) }
        do throws(VerifierConfigurationError) {
            try verifier.update(keySet: answer.body)
        } catch {
            return .failure(.refused(error))
        }
        return .success(origin)
    }
}
