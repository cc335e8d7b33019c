import Access
import Bytes
import Clients
import Identifiers
import Locking

/// How often clients that registered themselves may have something written, to the registry and its
/// audit log, which only ever grows.
final class WriteRate: Sendable {
    static let rate = TokenBucket.Rate(limitedTo: 10, burst: 100)

    private let keysMax: Int
    private let buckets = Lock<[ClientID: TokenBucket]>([:])

    /// `keysMax`: how many clients may write within the same ten seconds.
    init(keysMax: Int = 16_384) { self.keysMax = keysMax }

    /// Takes one of the client's; `now` is in seconds since the Unix epoch. A client that an
    /// operator added has no such bound.
    func take(_ client: Client, _ now: Int64) throws(OAuthRefusal) {
        guard client.registration != nil else { return }
        let (key, milliseconds) = (client.clientID, now * 1000)
        let isLeft = buckets.withLock { buckets in
            if buckets[key] == nil, buckets.count >= keysMax {
                // Those that have had time to fill up again need not be remembered.
                buckets = buckets.filter { !$0.value.isFull(Self.rate, at: milliseconds) }
                guard buckets.count < keysMax else { return false }
            }
            return buckets[key, default: TokenBucket(Self.rate, at: milliseconds)]
                .take(Self.rate, at: milliseconds) == nil
        }
        guard isLeft else {
            throw .tooManyRequests(
                "more than \(Self.rate.perSecond) changes a second (\(Self.rate.burst) at once) by "
                    + "this client", retryAfter: 1)
        }
    }
}
