import Clients
import Locking

/// Slows down those who guess at a client's secret or token, or forge its assertions
/// (RFC 6749 §2.3.1).
final class GuessLimit: Sendable {
    /// Wrong ones that one address may present for one client within a minute.
    static let wrongMax = 10

    private struct Guesser: Hashable, Sendable {
        let address: AddressGroup
        let clientID: String
    }

    private let wrong = Lock(AttemptCounter<Guesser>(attemptsMax: wrongMax))

    /// At the limit even what is right is refused, so that an answer never tells that a guess was.
    func check(_ clientID: String, from address: String, now: Int64) throws(OAuthRefusal) {
        let seconds = wrong.withLock { wrong -> Int64? in
            guard !wrong.isEmpty else { return nil }
            return wrong.secondsUntilAllowed(Self.guesser(clientID, address), now: now)
        }
        guard let seconds else { return }
        throw .tooManyRequests(
            "too many wrong secrets, tokens or signatures for this client from this address",
            retryAfter: seconds)
    }

    func record(_ clientID: String, from address: String, now: Int64) {
        // An id that is nobody's cannot be guessed at, and may be as long as a request.
        guard ClientID.isPlausible(clientID) else { return }
        wrong.withLock { $0.record(Self.guesser(clientID, address), now: now) }
    }

    private static func guesser(_ clientID: String, _ address: String) -> Guesser {
        Guesser(address: AddressGroup(address), clientID: clientID)
    }
}
