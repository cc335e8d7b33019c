import Cryptography
import Identifiers
import Locking
import TokenIssuing
import Tokens
import UsherKeySet
import UsherVerifier

/// An issuer with keys to publish and tokens to give.
struct Issuer {
    static let now: Int64 = 1_800_000_000

    let name: String
    let key: SigningKey

    init(name: String = "https://auth.example") throws {
        self.name = name
        key = try SigningKey.generate(.es256)
    }

    var keySet: [UInt8] { JWKSet.serialize([key.publicKey]) }

    func token(id: String = "t1", key: SigningKey? = nil) throws -> String {
        try TokenIssuer(key: key ?? self.key).issue(
            TokenClaims(
                issuer: name, audience: ["https://relay.example"], subject: "c1:ann",
                clientID: "c1", issuedAt: Self.now, expiresAt: Self.now + 600, tokenID: id,
                scopes: ["signal"], rooms: []))
    }

    /// Follows what `source` answers, by a clock of the test's own.
    func keys(
        at source: HTTPSource, clock: TestClock = TestClock(), timeoutSeconds: Double = 60
    ) throws -> RemoteKeySet {
        var timing = KeySetTiming()
        timing.timeoutSeconds = timeoutSeconds
        return try RemoteKeySet(
            loopbackURL: source.url, issuer: name, audience: "https://relay.example",
            algorithms: [.es256], timing: timing, monotonicSeconds: { clock.seconds })
    }
}

/// Stands still until it is set.
final class TestClock: Sendable {
    private let value = Lock(1000.0)
    var seconds: Double { value.withLock { $0 } }
    func advance(_ seconds: Double) { value.withLock { $0 += seconds } }
}

extension RemoteKeySet {
    func rejection(of token: String) async -> TokenRejection? {
        do throws(TokenRejection) {
            _ = try await verify(token, atSecondsSinceEpoch: Issuer.now)
            return nil
        } catch {
            return error
        }
    }

    func fault() async -> KeySetFault? {
        do throws(KeySetFault) {
            try await refresh()
            return nil
        } catch {
            return error
        }
    }
}
