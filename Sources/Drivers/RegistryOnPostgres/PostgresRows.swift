import Bytes
import Clients
import Identifiers
import Tokens

/// The registry's rows in one transaction of PostgreSQL.
struct PostgresRows: RegistryRows {
    let connection: PostgresConnection
    let deadline: PostgresDeadline
    /// By which a commit whose answer was lost can be found.
    let attempt: PostgresAttempt
    /// Random numbers, for revisions.
    let random: @Sendable () -> Int64

    @discardableResult
    func execute(
        _ sql: String, _ values: [PostgresValue] = []
    ) throws(PostgresFault) -> [PostgresRow] {
        try connection.execute(sql, values, until: deadline)
    }

    private func number(_ sql: String, _ values: [PostgresValue] = []) throws -> Int64 {
        try execute(sql, values).first?.number(0) ?? 0
    }

    func client(_ id: ClientID) throws -> Client? {
        let rows = try execute(
            """
            SELECT name, created_at, is_enabled, lifetime_seconds_max, assertion_keys,
                legacy_secret, introspects, token_digest, registrar, authentication_method,
                grant_types
            FROM client LEFT JOIN client_registration ON client_id = id WHERE id = $1
            """, [.text(id.string)])
        guard let row = rows.first else { return nil }
        let grants = try execute(
            "SELECT kind, value FROM client_grant WHERE client_id = $1 ORDER BY kind, position",
            [.text(id.string)])
        func values(_ kind: Grant) throws -> [String] {
            try grants.filter { try Grant(named: ByteText($0.text(0))) == kind }
                .map { try $0.text(1) }
        }
        let secrets = try execute(
            """
            SELECT digest, created_at, expires_at FROM client_secret
            WHERE client_id = $1 ORDER BY position
            """, [.text(id.string)])
        return Client(
            clientID: id, name: try row.text(0),
            rooms: try values(.room).map { try RoomPattern($0) },
            origins: try values(.origin).map { ByteText($0) },
            scopes: try values(.scope).map { ByteText($0) }, createdAt: try row.number(1),
            isEnabled: try row.truth(2),
            secrets: try secrets.map { secret in
                ClientSecret(
                    digest: try secret.bytes(0), createdAt: try secret.number(1),
                    expiresAt: try secret.numberIfAny(2))
            }, lifetimeSecondsMax: try row.number(3),
            assertionKeys: try Client.assertionKeys(column: row.bytesIfAny(4)),
            legacySecret: row.bytesIfAny(5),
            registration: try row.bytesIfAny(7).map { digest in
                try ClientRegistration(
                    tokenDigest: digest, registrar: row.text(8), methodColumn: row.text(9),
                    grantTypesColumn: row.text(10))
            }, introspects: Client.introspects(column: try row.text(6)))
    }

    func clientIDs() throws -> [ClientID] {
        try execute("SELECT id FROM client ORDER BY created_at, id").map {
            ClientID(try $0.text(0))
        }
    }

    func put(_ client: Client) throws {
        let id = client.clientID.string
        // What belongs to it goes with it.
        try execute("DELETE FROM client WHERE id = $1", [.text(id)])
        try execute(
            """
            INSERT INTO client (id, name, created_at, is_enabled, lifetime_seconds_max,
                assertion_keys, legacy_secret, introspects, revision)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .text(id), .text(client.name), .number(client.createdAt),
                .truth(client.isEnabled), .number(client.lifetimeSecondsMax),
                .bytes(client.assertionKeysColumn), .bytes(client.legacySecret),
                .text(client.introspectsColumn), .number(try nextRevision()),
            ])
        try insert(.room, client.rooms.map(\.text), of: id)
        try insert(.origin, client.origins.map(\.string), of: id)
        try insert(.scope, client.scopes.map(\.string), of: id)
        for (position, secret) in client.secrets.enumerated() {
            try execute(
                "INSERT INTO client_secret VALUES ($1, $2, $3, $4, $5)",
                [
                    .text(id), .number(Int64(position)), .bytes(secret.digest),
                    .number(secret.createdAt), .number(secret.expiresAt),
                ])
        }
        guard let registration = client.registration else { return }
        try execute(
            "INSERT INTO client_registration VALUES ($1, $2, $3, $4, $5)",
            [
                .text(id), .bytes(registration.tokenDigest), .text(registration.registrar.string),
                .text(registration.authenticationMethod.rawValue),
                .text(registration.grantTypesColumn),
            ])
    }

    func removeClient(_ id: ClientID) throws {
        try execute("DELETE FROM client WHERE id = $1", [.text(id.string)])
        try execute(
            "UPDATE registry SET removal_revision = $1", [.number(try nextRevision())])
    }

    func count(registeredBy registrar: ClientID) throws -> Int {
        Int(
            try number(
                "SELECT count(*) FROM client_registration WHERE registrar = $1",
                [.text(registrar.string)]))
    }

    func holders(of origin: ByteText) throws -> [OriginHolder] {
        try execute(
            """
            SELECT client_grant.client_id, token_digest IS NOT NULL FROM client_grant
            LEFT JOIN client_registration USING (client_id)
            WHERE kind = 'origin' AND value = $1
            """, [.text(origin.string)]
        ).map { OriginHolder(id: ClientID(try $0.text(0)), isRegistered: try $0.truth(1)) }
    }

    private enum Grant: String, CaseIterable { case room, origin, scope }

    private func insert(_ kind: Grant, _ values: [String], of id: String) throws {
        for (position, value) in values.enumerated() {
            try execute(
                "INSERT INTO client_grant VALUES ($1, $2, $3, $4)",
                [.text(id), .text(kind.rawValue), .number(Int64(position)), .text(value)])
        }
    }
}

// MARK: Used tokens, the audit log, and what followers read

extension PostgresRows {
    func isTokenUsed(_ id: String) throws -> Bool {
        try !execute("SELECT 1 FROM used_token WHERE id = $1", [.text(id)]).isEmpty
    }

    func markTokenUsed(_ id: String, until end: Int64) throws -> Bool {
        let marked = try execute(
            """
            INSERT INTO used_token VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING
            RETURNING expires_at
            """, [.text(id), .number(end), .number(attempt.number)])
        if !marked.isEmpty { attempt.mark = id }
        return !marked.isEmpty
    }

    func purgeUsedTokens(endedBefore second: Int64, limit: Int) throws -> Int {
        // What another node drops just now is its own.
        Int(
            try number(
                """
                WITH gone AS (
                    DELETE FROM used_token WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM used_token WHERE expires_at < $1
                        LIMIT $2 FOR UPDATE SKIP LOCKED))
                    RETURNING 1)
                SELECT count(*) FROM gone
                """, [.number(second), .number(Int64(limit))]))
    }

    func append(_ entry: AuditEntry) throws {
        let id = try number("UPDATE registry SET audit_id = audit_id + 1 RETURNING audit_id")
        try execute(
            "INSERT INTO audit VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                .number(id), .number(entry.at), .text(entry.actor), .text(entry.action),
                .text(entry.target), .text(entry.details), .number(attempt.number),
            ])
    }

    func auditEntries(after id: Int64, limit: Int) throws -> [AuditEntry] {
        try entries("WHERE id > $2 ORDER BY id LIMIT $1", [.number(Int64(limit)), .number(id)])
    }

    func latestAuditEntries(limit: Int) throws -> [AuditEntry] {
        try entries("ORDER BY id DESC LIMIT $1", [.number(Int64(limit))]).reversed()
    }

    private func entries(_ which: String, _ values: [PostgresValue]) throws -> [AuditEntry] {
        try execute(
            "SELECT id, at, actor, action, target, details FROM audit " + which, values
        ).map { row in
            AuditEntry(
                id: try row.number(0), at: try row.number(1), actor: try row.text(2),
                action: try row.text(3), target: try row.text(4), details: try row.text(5))
        }
    }

    func identity() throws -> ByteText {
        let rows = try execute("SELECT identity FROM registry")
        guard let row = rows.first else { throw PostgresFault.unexpected }
        return ByteText(try row.text(0))
    }

    func revision() throws -> Int64 { try number("SELECT revision FROM registry") }

    func removalRevision() throws -> Int64 {
        try number("SELECT removal_revision FROM registry")
    }

    func revocationsPurgedBefore() throws -> Int64 {
        try number("SELECT revocations_purged_before FROM registry")
    }

    /// Counts a change of something that servers follow, and has them told at the commit.
    func nextRevision() throws -> Int64 {
        let revision = try number(
            "UPDATE registry SET revision = revision + 1 RETURNING revision")
        // Whoever saw none of so many changes reads everything anew.
        try execute(
            """
            WITH gone AS (DELETE FROM change WHERE revision <= $1::BIGINT - 100000)
            INSERT INTO change VALUES ($1, $2)
            """, [.number(revision), .number(random())])
        try execute("SELECT pg_notify('usher', '')")
        return revision
    }

    func entries(since revision: Int64) throws -> [ClientIndex.Entry] {
        let rows = try execute(
            """
            SELECT id, value FROM client
            LEFT JOIN client_grant ON client_id = id AND kind = 'origin' AND is_enabled
            WHERE revision > $1 ORDER BY id, position
            """, [.number(revision)])
        var entries: [ClientIndex.Entry] = []
        for row in rows {
            let id = ClientID(try row.text(0))
            if entries.last?.id != id { entries.append(.init(id: id)) }
            if let origin = try row.textIfAny(1) {
                entries[entries.count - 1].origins.append(ByteText(origin))
            }
        }
        return entries
    }
}
