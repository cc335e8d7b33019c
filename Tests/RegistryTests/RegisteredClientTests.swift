import Bytes
import Clients
import Foundation
import Identifiers
import RegistryFollowing
import RegistrySupport
import Testing
import Tokens

@testable import RegistryFollowing

@Suite struct RegisteredClientTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    private let digest = [UInt8](repeating: 6, count: 32)
    private let shared = [UInt8](repeating: 0xAB, count: 40)

    private func registration(by registrar: ClientID = "c_reg") -> ClientRegistration {
        ClientRegistration(
            tokenDigest: digest, registrar: registrar, authenticationMethod: .secretPost,
            grantTypes: [.tokenExchange, .clientCredentials])
    }

    private func registered(
        _ id: ClientID = "c_a", by registrar: ClientID = "c_reg"
    ) throws -> Client {
        try NewClient(name: "a", legacySecret: shared).client(
            clientID: id, secretDigest: [UInt8](repeating: 1, count: 32),
            registration: registration(by: registrar), atSecondsSinceEpoch: 1)
    }

    @Test("A client with a registration and a legacy secret comes back as it was stored")
    func roundTrip() throws {
        let client = try registered()
        try folder.make(with: [client])
        let found = try folder.open(mustExist: true).client(id: "c_a")
        #expect(found == client)
        #expect(found?.legacySecret == shared)
        #expect(found?.registrationTokenDigest == digest)
    }

    @Test("The digest of a registration access token is found by the client's id alone")
    func tokenDigest() throws {
        let registry = try folder.open()
        try registry.add(try registered())
        try registry.add(try Client.sample("b"))
        #expect(try registry.client(id: "c_a")?.registrationTokenDigest == digest)
        #expect(try registry.client(id: "c_b")?.registrationTokenDigest == nil)
        #expect(try registry.client(id: "c_x")?.registrationTokenDigest == nil)
    }

    @Test("A replaced registration changes what it names, and neither token nor registrar")
    func replaced() throws {
        let registry = try folder.open()
        try registry.add(try registered())
        let secret = ClientSecret(digest: [UInt8](repeating: 9, count: 32), createdAt: 5)
        let new = try NewClient(name: "new", rooms: ["x"], assertionKeys: [PublicKey.sample(1)])
        let changes: [(RegisteredChange.Secrets, [ClientSecret])] = [
            (.kept, try registered().secrets), (.issued(secret), [secret]), (.dropped, []),
        ]
        for (change, secrets) in changes {
            let update = ClientUpdate(
                replacingBy: new,
                RegisteredChange(
                    authenticationMethod: .privateKeyJWT, grantTypes: [.tokenExchange],
                    secrets: change))
            try registry.update(id: "c_a", update)
            let client = try #require(try folder.open().client(id: "c_a"))
            #expect(client.secrets == secrets)
            #expect(client.name == "new")
            #expect(client.legacySecret == shared)
            #expect(
                client.registration
                    == ClientRegistration(
                        tokenDigest: digest, registrar: "c_reg",
                        authenticationMethod: .privateKeyJWT, grantTypes: [.tokenExchange]))
        }
    }

    @Test("A client that an operator added has no registration to replace")
    func operatorsOwn() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("b"))
        let update = ClientUpdate(
            replacingBy: try NewClient(name: "new"),
            RegisteredChange(
                authenticationMethod: .secretPost, grantTypes: [.clientCredentials],
                secrets: .dropped))
        try registry.update(id: "c_b", update)
        let client = try #require(try registry.client(id: "c_b"))
        #expect(client.registration == nil)
        #expect(client.secrets.count == 1)
    }

    @Test("A legacy secret is set, replaced and removed")
    func legacySecret() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("b"))
        let other = [UInt8](repeating: 1, count: 1024)
        for (change, expected) in [
            (LegacySecret.Change.set(shared), shared), (.set(other), other), (.remove, nil),
        ] {
            try registry.update(id: "c_b", ClientUpdate(legacySecret: change))
            #expect(try folder.open().client(id: "c_b")?.legacySecret == expected)
        }
    }

    @Test("A removed client leaves neither registration nor any secret in the file")
    func removed() throws {
        let registry = try folder.open()
        try registry.add(try registered())
        try registry.remove(id: "c_a")
        #expect(try registry.client(id: "c_a")?.registrationTokenDigest == nil)
        #expect(try folder.texts("SELECT client_id FROM client_registration") == [])
        guard RegistryFolder.isFile else { return }
        try folder.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        let file = try Data(contentsOf: URL(fileURLWithPath: folder.path))
        #expect(file.range(of: Data(shared)) == nil)
        #expect(file.range(of: Data(digest)) == nil)
    }

    @Test("One registrar registers so many clients and no more, which others do not feel")
    func full() throws {
        let registry = try folder.open()
        let max = ClientRegistration.perRegistrarMax
        try folder.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(max))
            INSERT INTO client (id, name, created_at, is_enabled, revision)
                SELECT 'c_' || i, 'n', 1, 1, 1 FROM n;
            INSERT INTO client_registration
                SELECT id, zeroblob(32), 'c_reg', 'client_secret_basic', 'client_credentials'
                FROM client;
            """,
            postgres: """
                INSERT INTO client (id, name, created_at, is_enabled, lifetime_seconds_max,
                    introspects, revision)
                    SELECT 'c_' || i, 'n', 1, TRUE, 3600, '', 1
                    FROM generate_series(1, \(max)) AS n (i);
                INSERT INTO client_registration
                    SELECT id, decode(repeat('00', 32), 'hex'), 'c_reg', 'client_secret_basic',
                        'client_credentials'
                    FROM client
                """)
        #expect(throws: RegistryFailure.registrationsFull(max: max)) {
            try registry.add(try registered())
        }
        try registry.add(try registered("c_b", by: "c_other"))
        try registry.remove(id: "c_1")
        try registry.add(try registered())
        #expect(RegistryFailure.registrationsFull(max: max).code == "registry_registrations_full")
    }

    @Test("The log says that a client was registered, by whom, and what changed, without secrets")
    func audit() throws {
        let registry = try folder.open()
        try registry.add(try registered(), by: .client("c_reg"))
        try registry.update(id: "c_a", ClientUpdate(legacySecret: .remove), by: .server)
        try registry.update(id: "c_a", ClientUpdate(legacySecret: .set(shared)), by: .server)
        let change = RegisteredChange(
            authenticationMethod: .secretBasic, grantTypes: [.clientCredentials],
            secrets: .issued(ClientSecret(digest: digest, createdAt: 5)))
        try registry.update(id: "c_a", ClientUpdate(registered: change), by: .client("c_a"))
        let entries = try registry.auditEntries(after: 0, limit: 10)
        #expect(
            entries.map(\.action) == [
                "client.register", "client.update", "client.update", "client.update",
            ])
        #expect(entries.map(\.actor) == ["client:c_reg", "server", "server", "client:c_a"])
        #expect(entries[0].details.contains("legacy secret set; method client_secret_post; grants"))
        #expect(entries[1].details == "legacy secret removed")
        #expect(entries[2].details == "legacy secret set")
        #expect(
            entries[3].details
                == "method client_secret_basic; grants client_credentials; secret issued")
        for entry in entries {
            #expect(!entry.details.lowercased().contains("abab"))
            #expect(!entry.details.contains("171, 171"))
        }
    }

    @Test("A change that this process noted is seen by the next lookup")
    func noted() throws {
        let registry = try folder.open()
        try registry.add(try registered())
        let directory = ClientDirectory(registry: registry) {}
        #expect(try directory.client("c_a")?.name == "a")
        try registry.update(id: "c_a", ClientUpdate(name: "b"))
        #expect(try directory.client("c_a")?.name == "a")
        directory.noteChanged("c_a")
        #expect(try directory.client("c_a")?.name == "b")
        try registry.remove(id: "c_a")
        directory.noteChanged("c_a")
        #expect(try directory.client("c_a") == nil)
    }
}
