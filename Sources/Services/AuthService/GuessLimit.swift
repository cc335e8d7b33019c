import Access
import Bytes
import Clients
import Identifiers
import Locking

/// Slows down those who guess at a client's secret or token, or forge its assertions
/// (RFC 6749 §2.3.1), without locking out who knows the secret.
///
/// Wrong ones are counted by client and address, and by address alone. Beyond either bound, wrong
/// ones are answered 429. What is right passes, since a secret of 256 bits is not found by trying:
/// but for a client that is guessed at from an address that has gone beyond both.
final class GuessLimit: Sendable {
    /// Wrong ones that one address may present for one client within a minute.
    static let wrongMax = 10
    /// Wrong ones that it may present for all clients together.
    static let wrongOfAddressMax = 100

    fileprivate static let windowSeconds: Int64 = 60

    fileprivate struct Guesser: Hashable, Sendable {
        let address: AddressGroup
        let clientID: ClientID
    }

    fileprivate struct Counts {
        var guessers: AttemptCounter<Guesser>
        var addresses: AttemptCounter<AddressGroup>
    }

    private let counts: Lock<Counts>

    /// `keysMax`: how many guessers, and how many addresses, are counted at the same time.
    init(keysMax: Int = 16_384) {
        counts = Lock(
            Counts(
                guessers: AttemptCounter(
                    attemptsMax: Self.wrongMax, keysMax: keysMax, whenFull: .countNoMore),
                addresses: AttemptCounter(
                    attemptsMax: Self.wrongOfAddressMax, keysMax: keysMax, whenFull: .countNoMore)
            ))
    }

    /// Refuses a client that is under attack from an address that does little else.
    func check(_ clientID: ClientID, from address: String, now: Int64) throws(OAuthRefusal) {
        let seconds = counts.withLock { counts -> Int64? in
            guard !counts.addresses.wasNeverUsed else { return nil }
            let group = AddressGroup(address)
            guard let ofAll = counts.addresses.secondsUntilAllowed(group, now: now) else {
                return nil
            }
            let guesser = Guesser(address: group, clientID: clientID)
            return counts.guessers.secondsUntilAllowed(guesser, now: now).map { min($0, ofAll) }
        }
        if let seconds { throw Self.refusal(retryAfter: seconds) }
    }

    /// Counts a wrong one; throws where there were too many before.
    func record(_ clientID: ClientID, from address: String, now: Int64) throws(OAuthRefusal) {
        let seconds = counts.withLock { $0.record(clientID, AddressGroup(address), now) }
        if let seconds { throw Self.refusal(retryAfter: seconds) }
    }

    private static func refusal(retryAfter seconds: Int64) -> OAuthRefusal {
        .tooManyRequests(
            "too many wrong secrets, tokens or signatures from this address, or for this client",
            retryAfter: seconds)
    }
}

extension GuessLimit.Counts {
    /// Seconds to wait where one of the bounds was reached before, or nothing more is counted.
    ///
    /// An address beyond its own bound adds no further guessers, so that few addresses cannot fill
    /// the table.
    fileprivate mutating func record(
        _ clientID: ClientID, _ address: AddressGroup, _ now: Int64
    ) -> Int64? {
        let ofAddress = addresses.secondsUntilAllowed(address, now: now)
        var isCounted = addresses.record(address, now: now)
        var ofGuesser: Int64?
        // An id that is nobody's cannot be guessed at, and may be as long as a request.
        if clientID.isPlausible {
            let guesser = GuessLimit.Guesser(address: address, clientID: clientID)
            ofGuesser = guessers.secondsUntilAllowed(guesser, now: now)
            if ofAddress == nil || guessers.isCounting(guesser) {
                isCounted = guessers.record(guesser, now: now) && isCounted
            }
        }
        return ofGuesser ?? ofAddress ?? (isCounted ? nil : GuessLimit.windowSeconds)
    }
}
