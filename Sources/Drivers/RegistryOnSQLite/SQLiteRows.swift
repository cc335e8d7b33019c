import Bytes
import Clients
import FoundationEssentials
internal import GRDB
import Identifiers
import Tokens

/// The registry's rows in one transaction of SQLite.
struct SQLiteRows: RegistryRows {
    let db: Database

    func client(_ id: ClientID) throws -> Client? {
        let select = try db.cachedStatement(
            sql: """
                SELECT name, created_at, is_enabled, lifetime_seconds_max, assertion_keys,
                    legacy_secret, introspects, token_digest, registrar, authentication_method,
                    grant_types
                FROM client LEFT JOIN client_registration ON client_id = id WHERE id = ?
                """)
        guard let row = try Row.fetchOne(select, arguments: [id.string]) else { return nil }
        let grants = try grants(of: id)
        return Client(
            clientID: id, name: row[0],
            rooms: try (grants[.room] ?? []).map { try RoomPattern($0) },
            origins: (grants[.origin] ?? []).map { ByteText($0) },
            scopes: (grants[.scope] ?? []).map { ByteText($0) }, createdAt: row[1],
            isEnabled: row[2], secrets: try secrets(of: id), lifetimeSecondsMax: row[3],
            assertionKeys: try Client.assertionKeys(column: bytes(row[4])),
            legacySecret: bytes(row[5]),
            registration: try bytes(row[7]).map { digest in
                try ClientRegistration(
                    tokenDigest: digest, registrar: row[8], methodColumn: row[9],
                    grantTypesColumn: row[10])
            }, introspects: Client.introspects(column: row[6]))
    }

    func clientIDs() throws -> [ClientID] {
        try String.fetchAll(db, sql: "SELECT id FROM client ORDER BY created_at, id")
            .map { ClientID($0) }
    }

    func put(_ client: Client) throws {
        let id = client.clientID.string
        // What belongs to it goes with it.
        try db.execute(sql: "DELETE FROM client WHERE id = ?", arguments: [id])
        try db.execute(
            sql: """
                INSERT INTO client (id, name, created_at, is_enabled, lifetime_seconds_max,
                    assertion_keys, legacy_secret, introspects, revision)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, client.name, client.createdAt, client.isEnabled,
                client.lifetimeSecondsMax, client.assertionKeysColumn.map { Data($0) },
                client.legacySecret.map { Data($0) }, client.introspectsColumn, try nextRevision(),
            ])
        try insert(.room, client.rooms.map(\.text), of: id)
        try insert(.origin, client.origins.map(\.string), of: id)
        try insert(.scope, client.scopes.map(\.string), of: id)
        for (position, secret) in client.secrets.enumerated() {
            try db.execute(
                sql: "INSERT INTO client_secret VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    id, position, Data(secret.digest), secret.createdAt, secret.expiresAt,
                ])
        }
        guard let registration = client.registration else { return }
        try db.execute(
            sql: "INSERT INTO client_registration VALUES (?, ?, ?, ?, ?)",
            arguments: [
                id, Data(registration.tokenDigest), registration.registrar.string,
                registration.authenticationMethod.rawValue, registration.grantTypesColumn,
            ])
    }

    func removeClient(_ id: ClientID) throws {
        try db.execute(sql: "DELETE FROM client WHERE id = ?", arguments: [id.string])
        let revision = try nextRevision()
        try db.execute(sql: "UPDATE registry SET removal_revision = ?", arguments: [revision])
    }

    func count(registeredBy registrar: ClientID) throws -> Int {
        try Int.fetchOne(
            db, sql: "SELECT count(*) FROM client_registration WHERE registrar = ?",
            arguments: [registrar.string]) ?? 0
    }

    func holders(of origin: ByteText) throws -> [OriginHolder] {
        let select = try db.cachedStatement(
            sql: """
                SELECT client_id, client_registration.client_id IS NOT NULL FROM client_grant
                LEFT JOIN client_registration USING (client_id)
                WHERE kind = 'origin' AND value = ?
                """)
        return try Row.fetchAll(select, arguments: [origin.string]).map { row in
            OriginHolder(id: ClientID(row[0] as String), isRegistered: row[1])
        }
    }

    private enum Grant: String, CaseIterable { case room, origin, scope }

    private func grants(of id: ClientID) throws -> [Grant: [String]] {
        let select = try db.cachedStatement(
            sql: "SELECT kind, value FROM client_grant WHERE client_id = ? ORDER BY position")
        var grants: [Grant: [String]] = [:]
        let rows = try Row.fetchCursor(select, arguments: [id.string])
        while let row = try rows.next() {
            guard let kind = Grant(named: ByteText(row[0] as String)) else { throw UnreadableRow() }
            grants[kind, default: []].append(row[1])
        }
        return grants
    }

    private func insert(_ kind: Grant, _ values: [String], of id: String) throws {
        for (position, value) in values.enumerated() {
            try db.execute(
                sql: "INSERT INTO client_grant VALUES (?, ?, ?, ?)",
                arguments: [id, kind.rawValue, position, value])
        }
    }

    private func secrets(of id: ClientID) throws -> [ClientSecret] {
        let select = try db.cachedStatement(
            sql: """
                SELECT digest, created_at, expires_at FROM client_secret
                WHERE client_id = ? ORDER BY position
                """)
        return try Row.fetchAll(select, arguments: [id.string]).map { row in
            ClientSecret(digest: Array(row[0] as Data), createdAt: row[1], expiresAt: row[2])
        }
    }

    private func bytes(_ column: Data?) -> [UInt8]? { column.map { Array($0) } }
}

// MARK: Used tokens, the audit log, and what followers read

extension SQLiteRows {
    func isTokenUsed(_ id: String) throws -> Bool {
        let select = try db.cachedStatement(sql: "SELECT 1 FROM used_token WHERE id = ?")
        return try Row.fetchOne(select, arguments: [id]) != nil
    }

    func markTokenUsed(_ id: String, until end: Int64) throws -> Bool {
        try db.execute(sql: "INSERT OR IGNORE INTO used_token VALUES (?, ?)", arguments: [id, end])
        return db.changesCount == 1
    }

    func purgeUsedTokens(endedBefore second: Int64, limit: Int) throws -> Int {
        try db.execute(
            sql: """
                DELETE FROM used_token
                WHERE id IN (SELECT id FROM used_token WHERE expires_at < ? LIMIT ?)
                """, arguments: [second, limit])
        return db.changesCount
    }

    func append(_ entry: AuditEntry) throws {
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO audit (at, actor, action, target, details) VALUES (?, ?, ?, ?, ?)
                """)
        try insert.execute(
            arguments: [entry.at, entry.actor, entry.action, entry.target, entry.details])
    }

    func auditEntries(after id: Int64, limit: Int) throws -> [AuditEntry] {
        try entries("WHERE id > ? ORDER BY id LIMIT ?", [id, limit])
    }

    func latestAuditEntries(limit: Int) throws -> [AuditEntry] {
        try entries("ORDER BY id DESC LIMIT ?", [limit]).reversed()
    }

    private func entries(_ which: String, _ arguments: StatementArguments) throws -> [AuditEntry] {
        try Row.fetchAll(
            db, sql: "SELECT id, at, actor, action, target, details FROM audit " + which,
            arguments: arguments
        ).map { row in
            AuditEntry(
                id: row[0], at: row[1], actor: row[2], action: row[3], target: row[4],
                details: row[5])
        }
    }

    func identity() throws -> ByteText {
        let text = try String.fetchOne(db, sql: "SELECT identity FROM registry")
        guard let text else { throw UnreadableRow() }
        return ByteText(text)
    }

    func revision() throws -> Int64 { try number("revision") }
    func removalRevision() throws -> Int64 { try number("removal_revision") }
    func revocationsPurgedBefore() throws -> Int64 { try number("revocations_purged_before") }

    private func number(_ column: String) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT \(column) FROM registry") ?? 0
    }

    /// Counts a change of something that servers follow.
    func nextRevision() throws -> Int64 {
        try db.execute(sql: "UPDATE registry SET revision = revision + 1")
        return try revision()
    }

    func entries(since revision: Int64) throws -> [ClientIndex.Entry] {
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
            let (id, origin): (ClientID, String?) = (ClientID(row[0] as String), row[1])
            if entries.last?.id != id { entries.append(.init(id: id)) }
            if let origin { entries[entries.count - 1].origins.append(ByteText(origin)) }
        }
        return entries
    }
}
