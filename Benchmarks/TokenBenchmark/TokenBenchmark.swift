import Cryptography
import Identifiers
import TokenIssuing
import Tokens
import UsherVerifier

/// Prints how issuing and verifying compare with OpenSSL alone, in one process and one run.
@main
struct TokenBenchmark {
    static let issuer = "https://issuer.example"
    static let now: Int64 = 1_800_000_000

    static func main() throws {
        let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 15
        let key = try SigningKey.generate(.es256)
        let tokenIssuer = TokenIssuer(key: key)
        let token = try tokenIssuer.issue(try claims(0))
        let input = Array(token.utf8.prefix(upTo: token.utf8.lastIndex(of: 0x2E) ?? token.endIndex))
        let floor = OpenSSLFloor(input: input)
        print("ES256, \(input.count) bytes to sign, \(rounds) rounds; calls per CPU second")

        let issued = try claims(1)
        let issue = speedRatio(
            rounds: rounds, floorCalls: 1_000, candidateCalls: 1_000, floor: floor.sign
        ) {
            guard (try? tokenIssuer.issue(issued)) != nil else { fatalError("not issued") }
        }
        report("issue", "EVP_DigestSign", issue, target: 1.0)

        let cold = try verifier(key, cacheCapacity: 0)
        let verify = speedRatio(
            rounds: rounds, floorCalls: 500, candidateCalls: 500, floor: floor.verify
        ) { check(cold, token) }
        report("verify, cold", "EVP_DigestVerify", verify, target: 1.0)

        let warm = try verifier(key, cacheCapacity: 1_000)
        let cached = speedRatio(
            rounds: rounds, floorCalls: 500, candidateCalls: 50_000,
            floor: { check(cold, token) }, candidate: { check(warm, token) })
        report("verify, same token again", "verify, cold", cached, target: 100)
    }

    private static func check(_ verifier: Verifier, _ token: String) {
        guard (try? verifier.verify(token, atSecondsSinceEpoch: now)) != nil else {
            fatalError("a good token was refused")
        }
    }

    private static func verifier(_ key: SigningKey, cacheCapacity: Int) throws -> Verifier {
        try Verifier(
            issuer: issuer, audience: issuer, algorithms: [.es256],
            keys: .keys([key.publicKey]), cacheCapacity: cacheCapacity)
    }

    private static func claims(_ number: Int) throws -> TokenClaims {
        TokenClaims(
            issuer: issuer, audience: [issuer], subject: "c_benchmark:alice",
            clientID: "c_benchmark", issuedAt: now, expiresAt: now + 600,
            tokenID: "token-identifier-\(number)", scopes: ["signal"],
            rooms: [try RoomPattern("lobby")], name: "Alice")
    }

    private static func report(
        _ what: String, _ against: String,
        _ result: (ratio: Double, floorPerSecond: Double, candidatePerSecond: Double),
        target: Double
    ) {
        func rounded(_ value: Double, _ places: Double) -> Double {
            (value * places).rounded() / places
        }
        print(
            "\(what): \(rounded(result.ratio, 100)) x \(against) (target >= \(target); "
                + "\(Int(result.candidatePerSecond)) against \(Int(result.floorPerSecond)))")
    }
}
