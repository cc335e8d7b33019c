import Bytes

/// The tables, and how a database gets them and those of newer versions.
///
/// All lie in the schema `usher`, beside whatever else the database holds. Texts compare by bytes
/// (`COLLATE "C"`), times are seconds since the Unix epoch.
enum PostgresSchema {
    static let name = "usher"

    /// One entry for each version, in order; what once was released never changes.
    private static let steps = [
        """
        CREATE TABLE registry (
            one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
            schema BIGINT NOT NULL,
            -- Grows with every change that is followed; whoever changes anything locks this row
            -- first, so that revisions and lines of the log are committed in their order.
            revision BIGINT NOT NULL DEFAULT 0,
            -- The revision at which a client was removed last.
            removal_revision BIGINT NOT NULL DEFAULT 0,
            -- Every revocation that ended before this second has been dropped.
            revocations_purged_before BIGINT NOT NULL DEFAULT 0,
            -- The last line of the audit log.
            audit_id BIGINT NOT NULL DEFAULT 0
        );
        INSERT INTO registry (schema) VALUES (0);

        -- A random number for each revision. Who finds another one at a revision that it knows
        -- reads a database that has lost what was committed elsewhere.
        CREATE TABLE change (
            revision BIGINT PRIMARY KEY,
            tag BIGINT NOT NULL
        );

        CREATE TABLE client (
            id TEXT COLLATE "C" PRIMARY KEY,
            name TEXT COLLATE "C" NOT NULL,
            created_at BIGINT NOT NULL,
            is_enabled BOOLEAN NOT NULL,
            lifetime_seconds_max BIGINT NOT NULL CHECK (lifetime_seconds_max BETWEEN 1 AND 3600),
            -- A JSON Web Key Set of public keys; NULL for none.
            assertion_keys BYTEA,
            -- Raw, since an HMAC needs the secret itself; NULL for none.
            legacy_secret BYTEA CHECK (octet_length(legacy_secret) BETWEEN 32 AND 1024),
            -- Ids of the clients about whose tokens it may ask, or *; separated by spaces.
            introspects TEXT COLLATE "C" NOT NULL,
            revision BIGINT NOT NULL
        );
        CREATE INDEX client_revision ON client (revision);

        CREATE TABLE client_grant (
            client_id TEXT COLLATE "C" NOT NULL REFERENCES client (id) ON DELETE CASCADE,
            kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('room', 'origin', 'scope')),
            position BIGINT NOT NULL,
            value TEXT COLLATE "C" NOT NULL,
            PRIMARY KEY (client_id, kind, position)
        );
        CREATE INDEX client_grant_value ON client_grant (kind, value);

        CREATE TABLE client_secret (
            client_id TEXT COLLATE "C" NOT NULL REFERENCES client (id) ON DELETE CASCADE,
            position BIGINT NOT NULL,
            digest BYTEA NOT NULL CHECK (octet_length(digest) = 32),
            created_at BIGINT NOT NULL,
            expires_at BIGINT,
            PRIMARY KEY (client_id, position)
        );

        -- Of the clients that were registered over HTTP (RFC 7591).
        CREATE TABLE client_registration (
            client_id TEXT COLLATE "C" PRIMARY KEY REFERENCES client (id) ON DELETE CASCADE,
            token_digest BYTEA NOT NULL CHECK (octet_length(token_digest) = 32),
            -- The client whose token allowed it, which may be gone.
            registrar TEXT COLLATE "C" NOT NULL,
            authentication_method TEXT COLLATE "C" NOT NULL,
            -- Separated by spaces.
            grant_types TEXT COLLATE "C" NOT NULL CHECK (grant_types <> '')
        );
        CREATE INDEX client_registration_registrar ON client_registration (registrar);

        CREATE TABLE used_token (
            id TEXT COLLATE "C" PRIMARY KEY,
            expires_at BIGINT NOT NULL,
            -- Whose mark it is: a random number of the attempt.
            attempt BIGINT NOT NULL
        );
        CREATE INDEX used_token_expiry ON used_token (expires_at);

        CREATE TABLE revocation (
            kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('token', 'subject', 'client')),
            name TEXT COLLATE "C" NOT NULL,
            -- NULL for one token; else it holds for those issued in this second or earlier.
            issued_before BIGINT,
            expires_at BIGINT NOT NULL,
            -- Who revoked last.
            actor TEXT COLLATE "C" NOT NULL,
            -- Whose a revoked token is, or the tokens of a subject; NULL where that is not known.
            client_id TEXT COLLATE "C",
            -- Of one token: its sub, and when it was issued.
            subject TEXT COLLATE "C",
            issued_at BIGINT,
            -- What it counts against: a kind and the id of a client; empty for nobody's.
            share TEXT COLLATE "C" NOT NULL,
            revision BIGINT NOT NULL,
            PRIMARY KEY (kind, name),
            CHECK ((kind = 'token') = (issued_before IS NULL))
        );
        CREATE INDEX revocation_revision ON revocation (revision);
        CREATE INDEX revocation_expiry ON revocation (expires_at);
        CREATE INDEX revocation_client ON revocation (client_id) WHERE client_id IS NOT NULL;
        CREATE INDEX revocation_subject ON revocation (subject) WHERE subject IS NOT NULL;

        CREATE TABLE revocation_share (
            share TEXT COLLATE "C" PRIMARY KEY,
            count BIGINT NOT NULL
        );
        -- By the statement: one row that is changed for each of many would take ever longer.
        CREATE FUNCTION count_revocations() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO revocation_share AS known
                SELECT share, count(*) FROM added GROUP BY share
                ON CONFLICT (share) DO UPDATE SET count = known.count + excluded.count;
            RETURN NULL;
        END $$;
        CREATE TRIGGER revocation_is_counted AFTER INSERT ON revocation
            REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION count_revocations();
        CREATE FUNCTION discount_revocations() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE revocation_share AS known SET count = known.count - gone.count
                FROM (SELECT share, count(*) AS count FROM taken GROUP BY share) AS gone
                WHERE known.share = gone.share;
            DELETE FROM revocation_share WHERE count <= 0;
            RETURN NULL;
        END $$;
        CREATE TRIGGER revocation_is_discounted AFTER DELETE ON revocation
            REFERENCING OLD TABLE AS taken
            FOR EACH STATEMENT EXECUTE FUNCTION discount_revocations();

        CREATE TABLE audit (
            id BIGINT PRIMARY KEY,
            at BIGINT NOT NULL,
            actor TEXT COLLATE "C" NOT NULL,
            action TEXT COLLATE "C" NOT NULL,
            target TEXT COLLATE "C" NOT NULL,
            details TEXT COLLATE "C" NOT NULL,
            -- In which change it was written: a random number of the attempt.
            attempt BIGINT NOT NULL
        );
        CREATE INDEX audit_attempt ON audit (attempt);
        CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is append-only';
        END $$;
        CREATE TRIGGER audit_keeps_what_it_says BEFORE UPDATE OR DELETE ON audit
            FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
        CREATE TRIGGER audit_keeps_everything BEFORE TRUNCATE ON audit
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
        """,
        """
        -- The signing keys, each sealed (AES-256-GCM) under a master key that is not here.
        CREATE TABLE signing_key (
            kid TEXT COLLATE "C" PRIMARY KEY,
            algorithm TEXT COLLATE "C" NOT NULL,
            stage TEXT COLLATE "C" NOT NULL CHECK (stage IN ('published', 'signing', 'retired')),
            since BIGINT NOT NULL,
            master_key_id TEXT COLLATE "C" NOT NULL,
            nonce BYTEA NOT NULL CHECK (octet_length(nonce) = 12),
            box BYTEA NOT NULL
        );
        """,
        """
        -- A random name, which it has wherever it is copied to.
        ALTER TABLE registry ADD COLUMN identity TEXT COLLATE "C" NOT NULL DEFAULT '';
        UPDATE registry SET identity = replace(gen_random_uuid()::TEXT, '-', '');
        -- While it is filled only in part: the identity of what it is a copy of, and a random
        -- number of whoever fills it.
        ALTER TABLE registry ADD COLUMN copy_source TEXT COLLATE "C";
        ALTER TABLE registry ADD COLUMN copy_run BIGINT;
        """,
    ]

    static var version: Int64 { Int64(steps.count) }

    /// Of "Ushr": who changes the schema holds this advisory lock until the end of its transaction.
    private static let lock: Int64 = 0x5573_6872
    /// Who uses the registry shares this one; who begins to fill it has it alone.
    static let usersLock: Int64 = lock + 1

    /// The version in the database; nil where there is none.
    static func found(
        _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> Int64? {
        let table = try connection.execute(
            "SELECT to_regclass('\(name).registry') IS NOT NULL", until: deadline)
        guard try table.first?.truth(0) == true else { return nil }
        let rows = try connection.execute("SELECT schema FROM \(name).registry", until: deadline)
        return try rows.first?.number(0)
    }

    static let missing = PostgresFault.refused(
        state: "42P01", message: "there is no schema \(name)")

    /// Refuses a database whose schema is not this program's.
    static func check(
        _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) {
        guard let found = try found(connection, until: deadline) else { throw missing }
        guard found == version else { throw .schema(found: found, known: version) }
    }

    /// Brings the database up to the newest version, and gives the role what the service needs, all
    /// in one transaction. Roles that had that before have it in new tables too.
    ///
    /// For tests: `newest` plays an older program.
    static func migrate(
        _ connection: PostgresConnection, grantingTo role: String?, to newest: Int64 = version,
        until deadline: PostgresDeadline
    ) throws(PostgresFault) {
        try connection.run(script: "BEGIN ISOLATION LEVEL READ COMMITTED", until: deadline)
        try connection.execute(
            "SELECT pg_advisory_xact_lock($1)", [.number(lock)], until: deadline)
        let found = try found(connection, until: deadline) ?? 0
        guard found <= newest else { throw .schema(found: found, known: newest) }
        if found == 0 {
            try connection.run(script: "CREATE SCHEMA IF NOT EXISTS \(name)", until: deadline)
        }
        try connection.run(script: "SET LOCAL search_path = \(name)", until: deadline)
        if found < newest {
            for step in steps.prefix(Int(newest)).dropFirst(Int(found)) {
                try connection.run(script: step, until: deadline)
            }
            try connection.execute(
                "UPDATE registry SET schema = $1", [.number(newest)], until: deadline)
        }
        let roles = found < newest ? try PostgresGrants.roles(connection, until: deadline) : []
        for each in Set((roles + [role].compactMap { $0 }).map { ByteText($0) }) {
            try PostgresGrants.grant(to: each.string, connection, until: deadline)
        }
        try connection.commit(until: deadline)
    }
}
