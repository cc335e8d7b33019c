import Access
import Bytes
import Clients
import Identifiers
import Locking

/// At most so many requests a key within a time; whoever exceeds it is answered 429.
final class RequestLimit<Key: Hashable & Sendable>: Sendable {
    private let requestsMax: Int
    private let text: String
    private let counts: Lock<AttemptCounter<Key>>

    /// `requestsMax` 0 means no limit; `text` says which was exceeded.
    init(_ requestsMax: Int, inSeconds seconds: Int64, beyond text: String) {
        self.requestsMax = requestsMax
        self.text = text
        counts = Lock(AttemptCounter(attemptsMax: requestsMax, windowSeconds: seconds))
    }

    func take(_ key: @autoclosure () -> Key, _ now: Int64) throws(OAuthRefusal) {
        guard requestsMax > 0 else { return }
        let key = key()
        guard let seconds = counts.withLock({ $0.take(key, now: now) }) else { return }
        throw .tooManyRequests(text, retryAfter: seconds)
    }
}

/// How often each client may ask, at one endpoint.
typealias ClientRate = RequestLimit<ClientID>

extension ClientRate {
    convenience init(_ configuration: AuthConfiguration) {
        let perSecondMax = configuration.tokenRequestsPerSecond
        self.init(
            perSecondMax, inSeconds: 1,
            beyond: "more than \(perSecondMax) requests a second of this client")
    }

    func take(_ client: Client, _ now: Int64) throws(OAuthRefusal) {
        try take(client.clientID, now)
    }
}
