import Bytes
import Clients
import Identifiers
import RegistrySupport
import TestSupport
import Tokens

/// A registry with some of everything in it, the same for the same seed.
struct FullRegistry {
    /// What one name must not be taken for another by: case, spelling, quotes, spaces, length.
    static let awkward = [
        "plain", "Plain", "é", "e\u{301}", "o'clock", "100%_", "back\\slash", "semi;--", "ß", "SS",
        " leading", "trailing ", "🦊", "ﬃ", "a", "aa", "ab", "\u{feff}mark", "ю", "{}",
    ]

    private var generator: SeededGenerator
    private let registry: any Registry

    init(_ registry: any Registry, seed: UInt64) {
        self.registry = registry
        generator = SeededGenerator(seed: seed)
    }

    mutating func fill(rows: Int) throws {
        var ids: [ClientID] = []
        for index in 0..<max(rows / 20, 6) { ids.append(try addClient(index, ids.first)) }
        for index in 0..<rows / 5 {
            let id = ids[Int.random(in: 0..<ids.count, using: &generator)]
            try change(id, index)
        }
        for index in 0..<rows / 2 {
            let id = ids[Int.random(in: 0..<ids.count, using: &generator)]
            try use(id, index)
        }
        for (index, stage) in KeyStage.allCases.enumerated() {
            let head = SealedKey.Head(
                keyID: text(index), stage: stage, since: 1_000, masterKeyID: text(index + 1))
            let key = SealedKey(
                head: head, algorithm: .es256, nonce: bytes(12), box: bytes(100 + index))
            try registry.write { try $0.put(key) }
        }
        // Some are removed, and some of what has ended is dropped.
        try registry.remove(id: ids[4])
        try registry.purgeExpired(atSecondsSinceEpoch: 1_010)
    }

    private mutating func text(_ index: Int) -> String {
        Self.awkward[index % Self.awkward.count] + "\(index / Self.awkward.count)"
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in .random(in: 0...255, using: &generator) }
    }

    private mutating func addClient(_ index: Int, _ registrar: ClientID?) throws -> ClientID {
        let name = text(index)
        let id = ClientID("c_\(name)")
        let isRegistered = index % 4 == 3
        let rooms = index % 3 == 0 ? [] : ["\(name.filter { $0 != " " })-*", "lobby", "a"]
        try registry.add(
            Client(
                clientID: id, name: name, rooms: try rooms.map { try RoomPattern($0) },
                origins: index % 2 == 0 ? ["https://\(index).example", "http://b:\(index)"] : [],
                scopes: ["signal", "session"], createdAt: 1_000 + Int64(index / 3),
                secrets: [
                    ClientSecret(digest: bytes(32), createdAt: 1_000, expiresAt: 2_000),
                    ClientSecret(digest: bytes(32), createdAt: 1_500),
                ],
                lifetimeSecondsMax: Int64(index % 3600 + 1),
                assertionKeys: index % 5 == 0 ? [try .sample(7), try .sample(8)] : [],
                legacySecret: index % 6 == 1 ? bytes(32 + index % 20) : nil,
                registration: isRegistered
                    ? ClientRegistration(
                        tokenDigest: bytes(32), registrar: registrar ?? "c_gone",
                        authenticationMethod: .privateKeyJWT,
                        grantTypes: [.clientCredentials, .tokenExchange])
                    : nil,
                introspects: index % 7 == 2 ? ["*", "c_b"] : []))
        return id
    }

    private mutating func change(_ id: ClientID, _ index: Int) throws {
        switch index % 5 {
        case 0: try registry.disable(id: id, by: .commandLine(user: text(index)))
        case 1:
            try registry.rotateSecret(
                id: id, digest: bytes(32), atSecondsSinceEpoch: 3_000 + Int64(index),
                graceSeconds: Int64(index % 2) * 50)
        case 2: try registry.update(id: id, try ClientUpdate(name: text(index)), at: 4_000)
        case 3: try registry.enable(id: id)
        default:
            try registry.appendAudit(
                action: "key.rotate", target: text(index), details: text(index + 1), by: .server,
                at: Int64(index))
        }
    }

    private mutating func use(_ id: ClientID, _ index: Int) throws {
        let (name, end) = (text(index), 1_000 + Int64(index))
        switch index % 8 {
        case 0:
            try registry.revoke(
                .subject(
                    Subject(ByteText(name), of: id), issuedBefore: Int64(index), expiresAt: end),
                by: .client(id))
        case 1 where index % 100 == 1:
            try registry.revoke(.client(id: id, issuedBefore: 5, expiresAt: end))
        case 1, 2:
            try registry.revoke(.token(id: name, expiresAt: end), by: .session(ofClient: id))
        case 3:
            let owner = TokenOwner(
                clientID: id, subject: Subject(ByteText(name), of: id), issuedAt: 2_000)
            try registry.revoke(.token(id: name, expiresAt: end, of: owner), by: .client(id))
        default: _ = try registry.markTokenUsed(id: name, expiresAt: end)
        }
    }
}

extension RegistryFolder {
    /// Every row of every table, in an order and a spelling that all kinds have in common.
    func allRows() throws -> [String] {
        try Self.columns.flatMap { table, columns in
            let isFile = kind == .file
            let parts = columns.split(separator: " ").map { column in
                let (name, kind) = (column.dropLast(), column.last)
                let text =
                    switch (kind, isFile) {
                    case ("n", _): "CAST(\(name) AS TEXT)"
                    case ("b", true): "CAST(\(name) AS TEXT)"
                    case ("b", false): "CAST(\(name)::INT AS TEXT)"
                    case (_, true): "hex(\(name))"
                    case ("t", false): "upper(encode(convert_to(\(name), 'UTF8'), 'hex'))"
                    default: "upper(encode(\(name), 'hex'))"
                    }
                // SQLite's hex() makes a text of NULL.
                return "CASE WHEN \(name) IS NULL THEN '-' ELSE \(text) END"
            }
            return try texts("SELECT \(parts.joined(separator: " || ' ' || ")) FROM \(table)")
                .map { "\(table) \($0)" }.sorted { ByteText($0) < ByteText($1) }
        }
    }

    /// Numbers, truths, texts and bytes. `audit_id` of PostgreSQL is looked at by what comes next.
    private static let columns = [
        ("registry", "identityt revisionn removal_revisionn revocations_purged_beforen"),
        ("registry", "copy_sourcet copy_runn"),
        (
            "client",
            "idt namet created_atn is_enabledb lifetime_seconds_maxn assertion_keysx "
                + "legacy_secretx introspectst revisionn"
        ),
        ("client_grant", "client_idt kindt positionn valuet"),
        ("client_secret", "client_idt positionn digestx created_atn expires_atn"),
        (
            "client_registration",
            "client_idt token_digestx registrart authentication_methodt grant_typest"
        ),
        ("used_token", "idt expires_atn"),
        (
            "revocation",
            "kindt namet issued_beforen expires_atn actort client_idt subjectt issued_atn sharet "
                + "revisionn"
        ),
        ("signing_key", "kidt algorithmt staget sincen master_key_idt noncex boxx"),
        ("revocation_share", "sharet countn"),
        ("audit", "idn atn actort actiont targett detailst"),
    ]
}
