import Bytes
import Clients
import FoundationEssentials
internal import GRDB
import Identifiers
import Tokens

/// Clients to rows and back.
enum ClientRows {
    static func revision(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT revision FROM registry") ?? 0
    }

    /// Reads one client; nil where there is none.
    static func client(_ db: Database, id: String) throws -> Client? {
        let select = try db.cachedStatement(
            sql: """
                SELECT name, created_at, is_enabled, lifetime_seconds_max, assertion_keys,
                    legacy_secret, introspects
                FROM client WHERE id = ?
                """)
        guard let row = try Row.fetchOne(select, arguments: [id]) else { return nil }
        let legacySecret: Data? = row[5]
        return Client(
            clientID: ClientID(id), name: row[0],
            rooms: try grants(db, id, "room").map { try RoomPattern($0) },
            origins: try grants(db, id, "origin").map { ByteText($0) },
            scopes: try grants(db, id, "scope").map { ByteText($0) },
            createdAt: row[1], isEnabled: row[2], secrets: try secrets(db, id),
            lifetimeSecondsMax: row[3], assertionKeys: try AssertionKeyColumn.keys(row[4]),
            legacySecret: legacySecret.map { Array($0) },
            registration: try RegistrationRows.registration(db, id),
            introspects: ByteText(row[6] as String).split(separator: UInt8(ascii: " "))
                .map { ClientID($0) })
    }

    static func ids(_ db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "SELECT id FROM client ORDER BY created_at, id")
    }

    /// The clients made or changed after `revision`, with the origins of those that are enabled.
    static func entries(_ db: Database, since revision: Int64) throws -> [ClientIndex.Entry] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT id, value FROM client
                LEFT JOIN client_grant ON client_id = id AND kind = 'origin' AND is_enabled
                WHERE revision > ? ORDER BY id
                """,
            arguments: [revision])
        var entries: [ClientIndex.Entry] = []
        while let row = try rows.next() {
            let (id, origin): (String, String?) = (row[0], row[1])
            if entries.last?.id != ByteText(id) { entries.append(.init(id: ByteText(id))) }
            if let origin { entries[entries.count - 1].origins.append(ByteText(origin)) }
        }
        return entries
    }

    static func exists(_ db: Database, id: String) throws -> Bool {
        let select = try db.cachedStatement(sql: "SELECT 1 FROM client WHERE id = ?")
        return try Row.fetchOne(select, arguments: [id]) != nil
    }

    static func insert(_ db: Database, _ client: Client) throws {
        try db.execute(
            sql: """
                INSERT INTO client (id, name, created_at, is_enabled, lifetime_seconds_max,
                    assertion_keys, legacy_secret, introspects, revision)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                client.clientID.string, client.name, client.createdAt, client.isEnabled,
                client.lifetimeSecondsMax, AssertionKeyColumn.value(client.assertionKeys),
                client.legacySecret.map { Data($0) },
                client.introspects.map(\.text).joined(separator: " "), try nextRevision(db),
            ])
        try insertAllGrants(db, client)
        try insertSecrets(db, client.clientID.string, client.secrets)
        if let registration = client.registration {
            try RegistrationRows.insert(db, client.clientID.string, registration)
        }
    }

    /// Writes what a `ClientUpdate` may change.
    static func update(_ db: Database, to client: Client) throws {
        try db.execute(
            sql: """
                UPDATE client SET name = ?, lifetime_seconds_max = ?, assertion_keys = ?,
                    legacy_secret = ?, introspects = ?
                WHERE id = ?
                """,
            arguments: [
                client.name, client.lifetimeSecondsMax,
                AssertionKeyColumn.value(client.assertionKeys),
                client.legacySecret.map { Data($0) },
                client.introspects.map(\.text).joined(separator: " "), client.clientID.string,
            ])
        try db.execute(
            sql: "DELETE FROM client_grant WHERE client_id = ?",
            arguments: [client.clientID.string])
        try insertAllGrants(db, client)
        if let registration = client.registration {
            try RegistrationRows.update(db, client.clientID.string, registration)
        }
        try replaceSecrets(db, id: client.clientID.string, with: client.secrets)
    }

    static func replaceSecrets(_ db: Database, id: String, with secrets: [ClientSecret]) throws {
        try db.execute(sql: "DELETE FROM client_secret WHERE client_id = ?", arguments: [id])
        try insertSecrets(db, id, secrets)
        try touch(db, id: id)
    }

    /// False where there was none.
    static func removeLegacySecret(_ db: Database, id: String) throws -> Bool {
        try db.execute(
            sql: """
                UPDATE client SET legacy_secret = NULL
                WHERE id = ? AND legacy_secret IS NOT NULL
                """,
            arguments: [id])
        guard db.changesCount > 0 else { return false }
        try touch(db, id: id)
        return true
    }

    static func setEnabled(_ db: Database, id: String, _ isEnabled: Bool) throws {
        try db.execute(
            sql: "UPDATE client SET is_enabled = ? WHERE id = ?", arguments: [isEnabled, id])
        try touch(db, id: id)
    }

    static func remove(_ db: Database, id: String) throws {
        try db.execute(sql: "DELETE FROM client WHERE id = ?", arguments: [id])
        let revision = try nextRevision(db)
        try db.execute(sql: "UPDATE registry SET removal_revision = ?", arguments: [revision])
    }

    static func touch(_ db: Database, id: String) throws {
        try db.execute(
            sql: "UPDATE client SET revision = ? WHERE id = ?",
            arguments: [try nextRevision(db), id])
    }

    /// Counts a change of something that servers follow.
    static func nextRevision(_ db: Database) throws -> Int64 {
        try db.execute(sql: "UPDATE registry SET revision = revision + 1")
        return try revision(db)
    }

    private static func grants(_ db: Database, _ id: String, _ kind: String) throws -> [String] {
        let select = try db.cachedStatement(
            sql: """
                SELECT value FROM client_grant
                WHERE client_id = ? AND kind = ? ORDER BY position
                """)
        return try String.fetchAll(select, arguments: [id, kind])
    }

    private static func insertAllGrants(_ db: Database, _ client: Client) throws {
        try insertGrants(db, client.clientID.string, "room", client.rooms.map(\.text))
        try insertGrants(db, client.clientID.string, "origin", client.origins.map(\.string))
        try insertGrants(db, client.clientID.string, "scope", client.scopes.map(\.string))
    }

    private static func insertGrants(
        _ db: Database, _ id: String, _ kind: String, _ values: [String]
    ) throws {
        for (position, value) in values.enumerated() {
            try db.execute(
                sql: "INSERT INTO client_grant VALUES (?, ?, ?, ?)",
                arguments: [id, kind, position, value])
        }
    }

    private static func secrets(_ db: Database, _ id: String) throws -> [ClientSecret] {
        let select = try db.cachedStatement(
            sql: """
                SELECT digest, created_at, expires_at FROM client_secret
                WHERE client_id = ? ORDER BY position
                """)
        return try Row.fetchAll(select, arguments: [id]).map { row in
            let digest: Data = row[0]
            return ClientSecret(
                digest: Array(digest), createdAt: row[1], expiresAt: row[2])
        }
    }

    private static func insertSecrets(
        _ db: Database, _ id: String, _ secrets: [ClientSecret]
    ) throws {
        for (position, secret) in secrets.enumerated() {
            try db.execute(
                sql: "INSERT INTO client_secret VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    id, position, Data(secret.digest), secret.createdAt, secret.expiresAt,
                ])
        }
    }
}
