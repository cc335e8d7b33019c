import Bytes
import Clients
import Identifiers
import Testing

@Suite struct RegisteredChangeTests {
    @Test("The texts of tokens and secrets differ, and hold 256 random bits (RFC 7592 §3)")
    func tokenText() {
        let random = [UInt8](repeating: 0xFF, count: RegistrationTokenText.randomBytes)
        let text = RegistrationTokenText.make(fromRandom: random)
        #expect(text == "rt_" + ClientSecretText.make(fromRandom: random))
        #expect(RegistrationTokenText.randomBytes == 32)
        #expect(RegistrationTokenText.digest(of: "ab", sha256: { $0 }) == [0x61, 0x62])
    }

    @Test("A client that proves itself by keys alone has no secret")
    func noSecret() throws {
        let client = try NewClient(name: "Shop").client(
            clientID: "c_1", secretDigest: nil, atSecondsSinceEpoch: 50)
        #expect(client.secrets.isEmpty)
        #expect(client.registrationTokenDigest == nil)
    }

    @Test("Nobody gets client:register without asking for it by name (RFC 6749 §3.3)")
    func registrationScope() throws {
        let client = try NewClient(
            name: "Shop", scopes: ["client:register", "signal", "session"]
        ).client(clientID: "c_1", secretDigest: nil, atSecondsSinceEpoch: 50)
        #expect(try client.grant.scopes(nil) == ["signal"])
        #expect(try client.grant.scopes(["client:register"]) == ["client:register"])
        let registrar = try NewClient(name: "Reg", scopes: ["client:register"]).client(
            clientID: "c_2", secretDigest: nil, atSecondsSinceEpoch: 50)
        #expect(throws: GrantRefusal.noDefaultScope) { try registrar.grant.scopes(nil) }
    }
}
