import Bytes
import Clients
import Identifiers
import Testing
import Tokens

@Suite struct ClientUpdateTests {
    private let client: Client

    init() throws {
        client = try NewClient(
            name: "Shop", rooms: ["a"], origins: ["http://a"], scopes: ["session"],
            lifetimeSecondsMax: 900, assertionKeys: [try PublicKey.sample(1)]
        ).client(
            clientID: "c_1", secretDigest: [UInt8](repeating: 7, count: 32),
            atSecondsSinceEpoch: 50)
    }

    @Test("What an update does not name stays as it is")
    func nothing() throws {
        let update = try ClientUpdate()
        #expect(update.applied(to: client) == client)
    }

    @Test("Each member changes by itself, and neither secrets nor state ever do")
    func each() throws {
        let key = try PublicKey.sample(2)
        let updates = [
            try ClientUpdate(name: "New"), try ClientUpdate(rooms: ["b", "b"]),
            try ClientUpdate(origins: []), try ClientUpdate(scopes: ["signal"]),
            try ClientUpdate(lifetimeSecondsMax: 60), try ClientUpdate(assertionKeys: [key]),
        ]
        var changed = client
        for update in updates {
            #expect(update.applied(to: client) != client)
            changed = update.applied(to: changed)
        }
        #expect(
            changed
                == Client(
                    clientID: "c_1", name: "New", rooms: [try RoomPattern("b")], origins: [],
                    scopes: ["signal"], createdAt: 50, secrets: client.secrets,
                    lifetimeSecondsMax: 60, assertionKeys: [key]))
    }

    @Test("A list that may not be empty is not cleared, which would open every room")
    func cleared() {
        #expect(throws: RegistrationError(member: "rooms", value: "", expected: "at least one")) {
            try ClientUpdate(rooms: [])
        }
        #expect(throws: RegistrationError(member: "scope", value: "", expected: "at least one")) {
            try ClientUpdate(scopes: [])
        }
        #expect((try? ClientUpdate(origins: [], assertionKeys: [])) != nil)
    }

    @Test("An update is held to the rules of a registration, by the same names")
    func rules() {
        func member(_ body: () throws -> ClientUpdate) -> ByteText? {
            do {
                _ = try body()
                return nil
            } catch {
                return (error as? RegistrationError)?.member
            }
        }
        #expect(member { try ClientUpdate(name: "a\nb") } == "name")
        #expect(member { try ClientUpdate(rooms: ["a*b"]) } == "rooms")
        #expect(member { try ClientUpdate(origins: ["null"]) } == "origin")
        #expect(member { try ClientUpdate(scopes: ["a b"]) } == "scope")
        #expect(member { try ClientUpdate(lifetimeSecondsMax: 3601) } == "lifetime")
        let secret = try? PublicKey(.oct(k: [UInt8](repeating: 1, count: 32)), sha256: { $0 })
        #expect(member { try ClientUpdate(assertionKeys: secret.map { [$0] }) } == "key")
    }
}

@Suite struct ClientLimitTests {
    @Test(
        "A client's tokens live 1 to 3600 seconds at most (RFC 6750 §5.3)",
        arguments: [
            (Int64(0), false), (1, true), (3600, true), (3601, false), (-1, false), (.max, false),
        ])
    func lifetime(seconds: Int64, isGood: Bool) {
        do {
            let new = try NewClient(name: "Shop", lifetimeSecondsMax: seconds)
            #expect(isGood)
            #expect(new.lifetimeSecondsMax == seconds)
        } catch {
            #expect(!isGood)
            #expect(error.member == "lifetime")
            #expect(error.value == String(seconds))
        }
    }

    @Test("Unless told otherwise a client's tokens may live an hour, and no key proves it")
    func defaults() throws {
        let client = try NewClient(name: "Shop").client(
            clientID: "c_1", secretDigest: [], atSecondsSinceEpoch: 0)
        #expect(client.lifetimeSecondsMax == 3600)
        #expect(client.assertionKeys == [])
    }

    @Test("Keys keep their algorithm and their order; one given twice is kept once (RFC 8725 §3.1)")
    func keys() throws {
        let keys = [try PublicKey.sample(1), try PublicKey.sampleRSA(), try PublicKey.sample(2)]
        let client = try NewClient(name: "Shop", assertionKeys: keys + keys).client(
            clientID: "c_1", secretDigest: [], atSecondsSinceEpoch: 0)
        #expect(client.assertionKeys == keys)
        #expect(client.assertionKeys.map(\.algorithm) == [.eddsa, .rs256, .eddsa])
    }

    @Test("A shared secret is no key to prove a client by (RFC 7523 §3)")
    func symmetric() throws {
        let secret = try PublicKey(.oct(k: [UInt8](repeating: 1, count: 32)), sha256: { $0 })
        let error = #expect(throws: RegistrationError.self) {
            try NewClient(name: "Shop", assertionKeys: [secret])
        }
        #expect(error?.member == "key")
        #expect(error?.description.contains(secret.keyID) == true)
    }

    @Test("Two keys of one kid are refused (RFC 7517 §4.5)")
    func sameKeyID() throws {
        #expect(throws: RegistrationError.self) {
            try NewClient(
                name: "Shop",
                assertionKeys: [try PublicKey.sample(1, "k"), try PublicKey.sample(2, "k")])
        }
    }

    @Test("A client has at most eight keys", arguments: [8, 9])
    func many(count: Int) {
        let keys = (1...count).compactMap { try? PublicKey.sample(UInt8($0)) }
        #expect(keys.count == count)
        let new = try? NewClient(name: "Shop", assertionKeys: keys)
        #expect((new != nil) == (count <= NewClient.keysMax))
    }
}

extension PublicKey {
    /// An Ed25519 key of the right form.
    static func sample(_ byte: UInt8, _ keyID: String? = nil) throws -> PublicKey {
        try PublicKey(
            .okp(x: [UInt8](repeating: byte, count: 32)), keyID: keyID ?? "key-\(byte)",
            sha256: { $0 })
    }

    /// An RSA key of the right form.
    static func sampleRSA() throws -> PublicKey {
        try PublicKey(
            .rsa(n: [UInt8](repeating: 0xC1, count: 256), e: [1, 0, 1]), keyID: "rsa",
            sha256: { $0 })
    }
}
