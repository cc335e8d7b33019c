import Bytes
import Clients
import Identifiers
import Testing

@Suite struct SecretRotationTests {
    private func digest(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    private func secret(_ byte: UInt8, _ expiresAt: Int64? = nil) -> ClientSecret {
        ClientSecret(digest: digest(byte), createdAt: 1, expiresAt: expiresAt)
    }

    @Test("The old secret lives on for the grace, beside the new one")
    func grace() throws {
        let rotation = try SecretRotation(
            of: [secret(1)], adding: digest(2), atSecondsSinceEpoch: 1000, graceSeconds: 60)
        #expect(
            rotation.secrets == [
                secret(1, 1060), ClientSecret(digest: digest(2), createdAt: 1000),
            ])
        #expect(rotation.previousExpiresAt == 1060)
        #expect(!rotation.endedEarly)
    }

    @Test("Without grace the old secret is gone at once")
    func noGrace() throws {
        let rotation = try SecretRotation(
            of: [secret(1)], adding: digest(2), atSecondsSinceEpoch: 1000, graceSeconds: 0)
        #expect(rotation.secrets == [ClientSecret(digest: digest(2), createdAt: 1000)])
        #expect(rotation.previousExpiresAt == nil)
        #expect(!rotation.endedEarly)
    }

    @Test(
        "A secret that has ended is dropped; one that ends now has ended",
        arguments: [
            (Int64(999), 2), (1000, 2), (1001, 2),
        ])
    func expired(end: Int64, count: Int) throws {
        let rotation = try SecretRotation(
            of: [secret(1, end), secret(2)], adding: digest(3), atSecondsSinceEpoch: 1000,
            graceSeconds: 60)
        #expect(rotation.secrets.count == count)
        #expect(rotation.secrets.first == secret(2, 1060))
        #expect(rotation.endedEarly == (end > 1000))
    }

    @Test("At most two are live, and it is the oldest that goes")
    func two() throws {
        var secrets = [secret(1)]
        for byte in UInt8(2)...9 {
            secrets = try SecretRotation(
                of: secrets, adding: digest(byte), atSecondsSinceEpoch: 1000, graceSeconds: 60
            ).secrets
            #expect(secrets.map(\.digest) == [digest(byte - 1), digest(byte)])
        }
    }

    @Test("An end that is dated already is not moved back into the future")
    func notLonger() throws {
        let rotation = try SecretRotation(
            of: [secret(1, 1010)], adding: digest(2), atSecondsSinceEpoch: 1000, graceSeconds: 60)
        #expect(rotation.secrets.first?.expiresAt == 1010)
    }

    @Test(
        "A grace out of range is named",
        arguments: [
            (Int64(-1), false), (0, true), (31_536_000, true), (31_536_001, false), (.max, false),
            (.min, false),
        ])
    func range(grace: Int64, isGood: Bool) {
        do {
            _ = try SecretRotation(
                of: [secret(1)], adding: digest(2), atSecondsSinceEpoch: 1_800_000_000,
                graceSeconds: grace)
            #expect(isGood)
        } catch {
            #expect(!isGood)
            #expect(error.member == "grace")
            #expect(error.value == String(grace))
        }
    }
}

@Suite struct SecretCheckTests {
    /// Stands in for SHA-256: the text itself, in 32 bytes.
    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        Array((bytes + [UInt8](repeating: 1, count: 32)).prefix(32))
    }

    private func client(_ secrets: [(String, Int64?)], isEnabled: Bool = true) -> Client {
        Client(
            clientID: "c_1", name: "n", rooms: [], origins: [], scopes: [], createdAt: 0,
            isEnabled: isEnabled,
            secrets: secrets.map {
                ClientSecret(
                    digest: Self.digest(Array($0.0.utf8)), createdAt: 0, expiresAt: $0.1)
            })
    }

    private let check = SecretCheck(sha256: { digest($0) }, constantTimeEqual: { $0 == $1 })

    @Test("Either of two live secrets is right, and a client needs one (RFC 6749 §3.2.1)")
    func either() {
        let client = client([("old", 100), ("new", nil)])
        #expect(check.isRight("old", of: client, atSecondsSinceEpoch: 99))
        #expect(check.isRight("new", of: client, atSecondsSinceEpoch: 99))
        #expect(!check.isRight("other", of: client, atSecondsSinceEpoch: 99))
        #expect(!check.isRight("", of: client, atSecondsSinceEpoch: 99))
    }

    @Test("A replaced secret is refused from the second its grace is over")
    func boundary() {
        let client = client([("old", 100), ("new", nil)])
        #expect(!check.isRight("old", of: client, atSecondsSinceEpoch: 100))
        #expect(check.isRight("new", of: client, atSecondsSinceEpoch: 100))
    }

    @Test("A secret is right or wrong whether or not its client is disabled")
    func disabled() {
        let client = client([("new", nil)], isEnabled: false)
        #expect(check.isRight("new", of: client, atSecondsSinceEpoch: 0))
        #expect(!check.isRight("bad", of: client, atSecondsSinceEpoch: 0))
    }

    @Test("A client without secrets is never proven, whatever is presented")
    func none() {
        let dummy = SecretCheck(
            sha256: { _ in [UInt8](repeating: 0, count: 32) }, constantTimeEqual: { $0 == $1 })
        #expect(!dummy.isRight("x", of: client([]), atSecondsSinceEpoch: 0))
        #expect(!dummy.isRight("x", of: nil, atSecondsSinceEpoch: 0))
    }

    @Test("An unknown client costs the same digest and comparisons as a wrong secret")
    func sameCost() {
        let counts = Counts()
        let counting = SecretCheck(
            sha256: {
                counts.digests += 1
                return Self.digest($0)
            },
            constantTimeEqual: {
                counts.comparisons += 1
                #expect($0.count == 32 && $1.count == 32)
                return $0 == $1
            })
        let cases: [Client?] = [
            nil, client([]), client([("a", nil)]), client([("a", nil), ("b", nil)]),
            client([("x", nil), ("b", nil)]), client([("a", 1)]),
        ]
        for client in cases {
            counts.digests = 0
            counts.comparisons = 0
            _ = counting.isRight("x", of: client, atSecondsSinceEpoch: 5)
            #expect(counts.digests == 1)
            #expect(counts.comparisons == ClientSecret.liveMax)
        }
    }

    private final class Counts: @unchecked Sendable {
        var digests = 0
        var comparisons = 0
    }
}
