import Bytes
import Clients
import Identifiers
import RegistrySupport
import Testing
import Tokens

@Suite struct RegistryRevocationTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    private let all: [Revocation] = [
        .token(id: "t1", expiresAt: 100), .subject("c_b:zoé", issuedBefore: 50, expiresAt: 101),
        .client(id: "c_a", issuedBefore: 60, expiresAt: 102),
    ]

    @Test("Revocations come back as they were made, after closing and opening again")
    func roundTrip() throws {
        let registry = try folder.open()
        for revocation in all { try registry.revoke(revocation, by: .client("c_a"), at: 1) }
        #expect(try folder.open().revocations() == all)
    }

    @Test("What is revoked already is revoked and logged once (RFC 7009 §2.2)")
    func twice() throws {
        let registry = try folder.open()
        for revocation in all + all { try registry.revoke(revocation) }
        try registry.revoke(.token(id: "t1", expiresAt: 99))
        try registry.revoke(.subject("c_b:zoé", issuedBefore: 49, expiresAt: 101))
        #expect(try registry.revocations() == all)
        #expect(try registry.auditEntries(after: 0, limit: 10).count == 3)
    }

    @Test("To revoke all of a client takes its legacy secret away, each time, and is logged")
    func legacySecret() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let secret = LegacySecret.Change.set([UInt8](repeating: 7, count: 32))
        for line in [3, 5] {
            let set = try ClientUpdate(legacySecret: secret)
            let before = try registry.update(id: "c_a", set)
            #expect(before.legacySecret?.count == 32)
            let revision = try registry.snapshot(id: "c_a").revision
            try registry.revoke(all[0], by: .client("c_a"), at: 1)
            try registry.revoke(all[1], by: .client("c_a"), at: 1)
            #expect(try registry.client(id: "c_a") == before)
            try registry.revoke(all[2], by: .client("c_a"), at: 1)
            let removal = try ClientUpdate(legacySecret: .remove)
            #expect(try registry.client(id: "c_a") == removal.applied(to: before))
            #expect(try registry.snapshot(id: "c_a").revision > revision)
            let log = try registry.auditEntries(after: 0, limit: 20)
            let removals = log.filter { $0.details == "legacy secret removed" }
            #expect(removals.map(\.actor) == Array(repeating: removals[0].actor, count: line / 2))
        }
    }

    @Test("Of two about one name the later second and the later end hold, and each is logged")
    func extended() throws {
        let registry = try folder.open()
        try registry.revoke(.subject("s", issuedBefore: 50, expiresAt: 100))
        try registry.revoke(.subject("s", issuedBefore: 60, expiresAt: 90))
        try registry.revoke(.subject("s", issuedBefore: 40, expiresAt: 200))
        #expect(
            try registry.revocations() == [.subject("s", issuedBefore: 60, expiresAt: 200)])
        try registry.revoke(.subject("s", issuedBefore: 70, expiresAt: 150))
        #expect(
            try registry.revocations() == [.subject("s", issuedBefore: 70, expiresAt: 200)])
        #expect(try registry.auditEntries(after: 0, limit: 10).count == 4)
    }

    @Test(
        "A purge drops what ended before its second",
        arguments: [
            (Int64(100), 3), (101, 2), (102, 1), (103, 0),
        ])
    func purge(second: Int64, left: Int) throws {
        let registry = try folder.open()
        for revocation in all { try registry.revoke(revocation) }
        #expect(try registry.purgeExpired(atSecondsSinceEpoch: second) == 3 - left)
        #expect(try registry.revocations() == all.suffix(left))
    }

    @Test("A client that is removed stays revoked")
    func removed() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        for revocation in all { try registry.revoke(revocation) }
        try registry.remove(id: "c_a")
        #expect(try registry.revocations() == all)
    }

    @Test(
        "A name that no token can have is refused",
        arguments: [
            (0, false), (1, true), (512, true), (513, false),
        ])
    func names(count: Int, isGood: Bool) throws {
        let registry = try folder.open()
        let name = String(repeating: "n", count: count)
        for revocation in [
            Revocation.token(id: name, expiresAt: 1),
            .subject(Subject(name), issuedBefore: 2, expiresAt: 1),
            .client(id: ClientID(name), issuedBefore: 1, expiresAt: 1),
        ] {
            if isGood {
                try registry.revoke(revocation)
            } else {
                #expect(throws: RegistryFailure.self) { try registry.revoke(revocation) }
            }
        }
        #expect(try registry.revocations().count == (isGood ? 3 : 0))
    }

    /// Plays many revocations of before, of tokens issued in second 50 unless told otherwise.
    private func fill(_ count: Int, _ share: String, of client: ClientID, user: String = "u") throws
    {
        try folder.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO revocation (kind, name, expires_at, actor, revision, client_id, subject,
                issued_at, share)
            SELECT 'token', '\(share) \(client) ' || i, 100, 'client:\(client)', i, '\(client)',
                '\(client):\(user)', 50, '\(share) \(client)' FROM n;
            """,
            postgres: """
                INSERT INTO revocation (kind, name, expires_at, actor, revision, client_id, subject,
                    issued_at, share)
                SELECT 'token', '\(share) \(client) ' || i, 100, 'client:\(client)', i, '\(client)',
                    '\(client):\(user)', 50, '\(share) \(client)'
                FROM generate_series(1, \(count)) AS n (i)
                """)
    }

    private func token(_ id: String, of client: ClientID = "c_a", user: String = "x") -> Revocation
    {
        let owner = TokenOwner(clientID: client, subject: "\(client):\(user)", issuedAt: 50)
        return .token(id: id, expiresAt: 100, of: owner)
    }

    private func held() throws -> [String] {
        try folder.texts(
            "SELECT share || ' ' || count FROM revocation_share ORDER BY share")
    }

    @Test("One client's share of single tokens holds up neither more of its own nor anybody else")
    func clientBound() throws {
        let registry = try folder.open()
        let most = RevocationShare.tokens.entriesPerShareMax
        try fill(most, "tokens", of: "c_a")
        let full = RegistryFailure.revocationsFull(.tokens, max: most)
        #expect(throws: full) { try registry.revoke(token("fresh"), by: .client("c_a")) }
        #expect(full.description.contains("subject or of the client"))
        #expect(try registry.auditEntries(after: 0, limit: 10) == [])
        try registry.revoke(token("fresh", of: "c_b"), by: .client("c_b"))
        try registry.revoke(token("out"), by: .session(ofClient: "c_a"))
        try registry.revoke(token("other"), by: .commandLine(user: "root"))
        try registry.revoke(.allOf(user: "x", of: "c_a", now: 60), by: .client("c_a"))
        #expect(
            try held() == ["subjects c_a 1", "tokens c_a \(most)", "tokens c_b 1"])
        try registry.revoke(.allOf(clientID: "c_a", now: 60), by: .client("c_a"))
        #expect(try held() == [" 1", "tokens c_b 1"])
        try registry.revoke(token("fresh"), by: .client("c_a"))
    }

    @Test("What a revocation of more covers goes, and nothing else: nothing is good again")
    func covered() throws {
        let registry = try folder.open()
        let late = TokenOwner(clientID: "c_a", subject: "c_a:x", issuedAt: 61)
        let kept: [Revocation] = [
            .token(id: "late", expiresAt: 100, of: late), .token(id: "unknown", expiresAt: 100),
            .token(
                id: "long", expiresAt: 9_999,
                of: TokenOwner(
                    clientID: "c_a", subject: "c_a:x", issuedAt: 50)),
            token("other", of: "c_b"),
        ]
        for revocation in kept + [token("x1"), token("y1", user: "y")] {
            try registry.revoke(revocation, by: .client("c_a"))
        }
        func names() throws -> Set<String> { Set(try registry.revocations().map(\.name)) }
        try registry.revoke(.allOf(user: "x", of: "c_a", now: 60), by: .client("c_a"))
        #expect(try names() == ["late", "unknown", "long", "other", "y1", "c_a:x"])
        try registry.revoke(.allOf(clientID: "c_a", now: 60), by: .client("c_a"))
        #expect(try names() == ["late", "unknown", "long", "other", "c_a"])
    }

    @Test("Those who took everything leave an even share to whoever comes; the registered share")
    func bound() throws {
        let registry = try folder.open()
        for name: ClientID in ["c_a", "c_b", "c_c", "c_d"] {
            try fill(RevocationShare.tokens.entriesPerShareMax, "tokens", of: name)
        }
        for name: ClientID in ["c_a", "c_d"] {
            #expect(throws: RegistryFailure.self) {
                try registry.revoke(token("t", of: name), by: .client(name))
            }
        }
        try fill(RevocationShare.entriesAlways + 1, "tokens", of: "c_e")
        try registry.revoke(token("e", of: "c_e"), by: .client("c_e"))
        let digest = [UInt8](repeating: 3, count: 32)
        let registration = ClientRegistration(
            tokenDigest: digest, registrar: "c_a", authenticationMethod: .secretBasic,
            grantTypes: [.clientCredentials])
        try registry.add(
            try NewClient(name: "f").client(
                clientID: "c_f", secretDigest: digest, registration: registration,
                atSecondsSinceEpoch: 1))
        #expect(throws: RegistryFailure.self) {
            try registry.revoke(token("f", of: "c_f"), by: .client("c_f"))
        }
        try registry.revoke(.allOf(clientID: "c_f", now: 60), by: .client("c_f"))
        #expect(try registry.purgeExpired(atSecondsSinceEpoch: 101) > 262_144)
        #expect(try held() == [" 1"])
        try registry.revoke(token("f", of: "c_f"), by: .client("c_f"))
        #expect(try held() == [" 1", "tokens c_a 1"])
    }

    @Test("An id that no token has is not marked as used")
    func usedTokenBound() throws {
        let registry = try folder.open()
        #expect(throws: RegistryFailure.self) {
            try registry.markTokenUsed(
                id: String(repeating: "j", count: 1025), expiresAt: 1)
        }
        #expect(
            try registry.markTokenUsed(
                id: "assertion:c_a:" + String(repeating: "j", count: 1010), expiresAt: 1))
    }
}

@Suite struct RegistryUpdateTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    @Test("An update is stored whole, and nothing else changes")
    func update() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a", rooms: ["x", "y", "z"]))
        try registry.add(try Client.sample("b"))
        let update = try ClientUpdate(
            name: "New", rooms: ["one"], origins: ["https://a.example"], scopes: ["session"],
            lifetimeSecondsMax: 1,
            assertionKeys: [try PublicKey.sample(1), try PublicKey.sample(2)],
            introspects: ["c_b"])
        let expected = update.applied(to: try Client.sample("a"))
        #expect(try registry.update(id: "c_a", update) == expected)
        #expect(try folder.open().client(id: "c_a") == expected)
        #expect(try folder.open().client(id: "c_b") == (try Client.sample("b")))
        try registry.update(id: "c_a", ClientUpdate(assertionKeys: []))
        #expect(try folder.open().client(id: "c_a")?.assertionKeys == [])
    }

    @Test("A client of keys and a lifetime comes back as it was stored")
    func roundTrip() throws {
        let client = try NewClient(
            name: "a", lifetimeSecondsMax: 60, assertionKeys: [try PublicKey.sample(1)],
            introspects: ["c_b", "*"]
        ).client(
            clientID: "c_a", secretDigest: [UInt8](repeating: 1, count: 32),
            atSecondsSinceEpoch: 1)
        try folder.make(with: [client])
        #expect(try folder.open(mustExist: true).list() == [client])
    }

    @Test("A key that cannot be read is an error, never a client with fewer keys")
    func unreadableKey() throws {
        try folder.make(with: [try Client.sample("a")])
        for text in [#"{"keys":[{"kty":"EC"}]}"#, "x", ""] {
            try folder.execute(
                "UPDATE client SET assertion_keys = CAST('\(text)' AS BLOB)",
                postgres: "UPDATE client SET assertion_keys = convert_to('\(text)', 'UTF8')")
            let registry = try folder.open(mustExist: true)
            #expect(throws: RegistryFailure.self) { try registry.client(id: "c_a") }
        }
    }

    @Test("What changes nothing, or is of nobody, writes nothing: no revision, no line of the log")
    func nothing() throws {
        let registry = try folder.open()
        try registry.add(try Client.sample("a"))
        let before = try registry.snapshot(id: "c_a").revision
        let lines = try registry.auditEntries(after: 0, limit: 10)
        try registry.update(id: "c_a", ClientUpdate())
        try registry.update(id: "c_a", ClientUpdate(name: "a", rooms: ["*"], scopes: ["signal"]))
        try registry.enable(id: "c_a")
        #expect(try registry.auditEntries(after: 0, limit: 10) == lines)
        #expect(throws: RegistryFailure.clientUnknown(id: "c_x")) {
            try registry.update(id: "c_x", ClientUpdate(name: "n"))
        }
        #expect(try registry.snapshot(id: "c_a").revision == before)
    }
}
