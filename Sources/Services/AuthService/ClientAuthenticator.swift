import Clients
import HTTPMessages
import Synchronization

/// Authenticates clients by their secret, and slows down those who guess (RFC 6749 §2.3.1).
final class ClientAuthenticator: Sendable {
    /// Wrong secrets that one address may present for one client within a minute.
    static let wrongSecretsMax = 10

    private struct Guesser: Hashable, Sendable {
        let address: AddressGroup
        let clientID: String
    }

    private let ports: AuthPorts
    private let check: SecretCheck
    private let wrong = Mutex(AttemptCounter<Guesser>(attemptsMax: wrongSecretsMax))

    init(_ ports: AuthPorts) {
        self.ports = ports
        check = SecretCheck(sha256: ports.sha256, constantTimeEqual: ports.constantTimeEqual)
    }

    /// The client that the credentials prove; at the limit even a right secret is refused, so that
    /// an answer never tells that a guess was right.
    func client(
        for credentials: PresentedCredentials, from address: String, now: Int64
    ) throws(OAuthRefusal) -> Client {
        try checkGuesses(credentials, address, now)
        let client = try lookUp(credentials.clientID)
        switch check.check(credentials.secret, of: client, atSecondsSinceEpoch: now) {
        case .accepted:
            if let client { return client }
        case .disabled: throw refused(client, address, reason: "disabled")
        case .refused: break
        }
        recordGuess(credentials, address, now)
        throw refused(client, address, reason: client == nil ? "unknown_client" : "wrong_secret")
    }

    private func lookUp(_ id: String) throws(OAuthRefusal) -> Client? {
        guard ClientID.isPlausible(id) else { return nil }
        do {
            return try ports.client(id)
        } catch {
            ports.log("registry_unavailable", [("code", error.code)])
            throw .temporarilyUnavailable
        }
    }

    private func checkGuesses(
        _ credentials: PresentedCredentials, _ address: String, _ now: Int64
    ) throws(OAuthRefusal) {
        let seconds = wrong.withLock { wrong -> Int64? in
            guard !wrong.isEmpty else { return nil }
            return wrong.secondsUntilAllowed(guesser(credentials, address), now: now)
        }
        guard let seconds else { return }
        throw .tooManyRequests(
            "too many wrong secrets for this client from this address", retryAfter: seconds)
    }

    private func recordGuess(_ credentials: PresentedCredentials, _ address: String, _ now: Int64) {
        // An id that is nobody's cannot be guessed at, and may be as long as a request.
        guard ClientID.isPlausible(credentials.clientID) else { return }
        wrong.withLock { $0.record(guesser(credentials, address), now: now) }
    }

    private func guesser(_ credentials: PresentedCredentials, _ address: String) -> Guesser {
        Guesser(address: AddressGroup(address), clientID: credentials.clientID)
    }

    /// One answer for every cause. An unknown id is not logged: people mix up id and secret.
    private func refused(
        _ client: Client?, _ address: String, reason: String
    ) -> OAuthRefusal {
        ports.log(
            "client_authentication_failed",
            [("client_id", client?.clientID ?? "-"), ("address", address), ("reason", reason)])
        return .invalidClient("client_id and client_secret do not belong together, or are disabled")
    }
}
