import Bytes
import Clients
import Identifiers
import Testing

@Suite struct LegacySecretTests {
    private let secret = [UInt8](repeating: 0xAB, count: 32)

    private func client(_ secret: [UInt8]?) throws -> Client {
        try NewClient(name: "Shop", legacySecret: secret).client(
            clientID: "c_1", secretDigest: nil, atSecondsSinceEpoch: 50)
    }

    @Test("A client has no legacy secret unless it is given one")
    func none() throws {
        #expect(try client(nil).legacySecret == nil)
        #expect(try client(secret).legacySecret == secret)
        #expect(try client(secret) != client(nil))
    }

    @Test(
        "A legacy secret has 32 to 1024 bytes (RFC 7518 §3.2)",
        arguments: [(0, false), (31, false), (32, true), (1024, true), (1025, false)])
    func size(count: Int, isGood: Bool) {
        let secret = [UInt8](repeating: 1, count: count)
        #expect(((try? NewClient(name: "Shop", legacySecret: secret)) != nil) == isGood)
        #expect(((try? ClientUpdate(legacySecret: .set(secret))) != nil) == isGood)
        guard !isGood else { return }
        let error = #expect(throws: RegistrationError.self) {
            try NewClient(name: "Shop", legacySecret: secret)
        }
        #expect(error?.member == "legacy_secret")
        #expect(error?.value == "\(count) bytes")
    }

    @Test("An update sets it, removes it, or leaves it as it is")
    func update() throws {
        let other = [UInt8](repeating: 2, count: 64)
        let before = try client(secret)
        let set = try ClientUpdate(legacySecret: .set(other))
        #expect(set.applied(to: before).legacySecret == other)
        #expect(try ClientUpdate(legacySecret: .remove).applied(to: before).legacySecret == nil)
        #expect(try ClientUpdate(name: "n").applied(to: before).legacySecret == secret)
    }

    @Test("Whatever holds it can be printed without printing it")
    func hidden() throws {
        let change = LegacySecret.Change.set(secret)
        let values: [Any] = [
            try client(secret), try NewClient(name: "Shop", legacySecret: secret), change,
            try ClientUpdate(legacySecret: change),
        ]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(!text.contains("171"))
                #expect(!text.lowercased().contains("abab"))
            }
        }
    }
}
