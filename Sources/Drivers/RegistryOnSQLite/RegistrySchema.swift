internal import GRDB

/// The tables, and how a file of an older version gets them.
enum RegistrySchema {
    /// "Ushr", in SQLite's `application_id`: tells our file from another program's.
    static let applicationID = 0x5573_6872

    /// One entry for each version, in order; what once was released never changes.
    private static let steps = [
        """
        CREATE TABLE registry (
            -- Grows by one with every change of a client; servers follow it.
            revision INTEGER NOT NULL,
            -- The revision at which a client was removed last.
            removal_revision INTEGER NOT NULL
        ) STRICT;
        INSERT INTO registry VALUES (0, 0);

        CREATE TABLE client (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
            revision INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX client_revision ON client (revision);

        CREATE TABLE client_grant (
            client_id TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('room', 'origin', 'scope')),
            position INTEGER NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (client_id, kind, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE client_secret (
            client_id TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            PRIMARY KEY (client_id, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE used_token (
            id TEXT NOT NULL PRIMARY KEY,
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX used_token_expiry ON used_token (expires_at);
        """,
        """
        -- Every revocation that ended before this second has been dropped.
        ALTER TABLE registry ADD COLUMN revocations_purged_before INTEGER NOT NULL DEFAULT 0;

        ALTER TABLE client ADD COLUMN lifetime_seconds_max INTEGER NOT NULL DEFAULT 3600
            CHECK (lifetime_seconds_max BETWEEN 1 AND 3600);
        -- A JSON Web Key Set of public keys; NULL for none.
        ALTER TABLE client ADD COLUMN assertion_keys BLOB;

        CREATE TABLE revocation (
            kind TEXT NOT NULL CHECK (kind IN ('token', 'subject', 'client')),
            name TEXT NOT NULL,
            -- NULL for one token; else it holds for those issued in this second or earlier.
            issued_before INTEGER,
            expires_at INTEGER NOT NULL,
            -- Who revoked last.
            actor TEXT NOT NULL,
            revision INTEGER NOT NULL,
            PRIMARY KEY (kind, name),
            CHECK ((kind = 'token') = (issued_before IS NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX revocation_revision ON revocation (revision);
        CREATE INDEX revocation_expiry ON revocation (expires_at);
        CREATE INDEX revocation_actor ON revocation (actor);

        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            target TEXT NOT NULL,
            details TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER audit_keeps_what_it_says BEFORE UPDATE ON audit BEGIN
            SELECT RAISE(ABORT, 'the audit log is append-only');
        END;
        CREATE TRIGGER audit_keeps_everything BEFORE DELETE ON audit BEGIN
            SELECT RAISE(ABORT, 'the audit log is append-only');
        END;
        -- INSERT OR REPLACE deletes without firing the trigger above.
        CREATE TRIGGER audit_replaces_nothing BEFORE INSERT ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN
            SELECT RAISE(ABORT, 'the audit log is append-only');
        END;
        """,
        """
        -- Raw, since an HMAC needs the secret itself; NULL for none.
        ALTER TABLE client ADD COLUMN legacy_secret BLOB
            CHECK (length(legacy_secret) BETWEEN 32 AND 1024);

        -- Of the clients that were registered over HTTP (RFC 7591).
        CREATE TABLE client_registration (
            client_id TEXT NOT NULL PRIMARY KEY REFERENCES client (id) ON DELETE CASCADE,
            token_digest BLOB NOT NULL CHECK (length(token_digest) = 32),
            -- The client whose token allowed it, which may be gone.
            registrar TEXT NOT NULL,
            authentication_method TEXT NOT NULL CHECK (authentication_method IN
                ('client_secret_basic', 'client_secret_post', 'private_key_jwt')),
            -- Separated by spaces.
            grant_types TEXT NOT NULL CHECK (grant_types <> '')
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX client_registration_registrar ON client_registration (registrar);
        """,
        """
        -- Ids of the clients about whose tokens it may ask, or *; separated by spaces.
        ALTER TABLE client ADD COLUMN introspects TEXT NOT NULL DEFAULT '';
        CREATE INDEX client_grant_value ON client_grant (kind, value);

        -- An origin that several list is taken from those that registered themselves, but for the
        -- first of them where no operator's client lists it.
        CREATE TABLE lost_origin AS SELECT client_id, value, holder FROM (
            SELECT client_id, value, is_registered, first_value(client_id)
                OVER (PARTITION BY value ORDER BY is_registered, created_at, client_id) AS holder
            FROM (
                SELECT client_grant.client_id, value, created_at,
                    client_registration.client_id IS NOT NULL AS is_registered
                FROM client_grant JOIN client ON client.id = client_grant.client_id
                LEFT JOIN client_registration ON client_registration.client_id = client.id
                WHERE kind = 'origin'))
            WHERE is_registered AND client_id <> holder;
        INSERT INTO audit (at, actor, action, target, details)
            SELECT CAST(strftime('%s') AS INTEGER), 'server', 'client.update', client_id,
                'origin ' || value || ' taken for ' || holder FROM lost_origin;
        DELETE FROM client_grant WHERE kind = 'origin'
            AND (client_id, value) IN (SELECT client_id, value FROM lost_origin);
        DROP TABLE lost_origin;

        -- Whose a revoked token is, or the tokens of a subject; NULL where that is not known.
        ALTER TABLE revocation ADD COLUMN client_id TEXT;
        -- Of one token: its sub, and when it was issued.
        ALTER TABLE revocation ADD COLUMN subject TEXT;
        ALTER TABLE revocation ADD COLUMN issued_at INTEGER;
        -- What it counts against: a kind and the id of a client; empty for nobody's.
        ALTER TABLE revocation ADD COLUMN share TEXT NOT NULL DEFAULT '';
        UPDATE revocation SET share = kind || 's ' || substr(actor, length('client:') + 1)
            WHERE actor LIKE 'client:%' AND kind <> 'client';
        CREATE INDEX revocation_client ON revocation (client_id) WHERE client_id IS NOT NULL;
        CREATE INDEX revocation_subject ON revocation (subject) WHERE subject IS NOT NULL;
        DROP INDEX revocation_actor;

        CREATE TABLE revocation_share (
            share TEXT NOT NULL PRIMARY KEY,
            count INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO revocation_share SELECT share, count(*) FROM revocation GROUP BY share;
        CREATE TRIGGER revocation_is_counted AFTER INSERT ON revocation BEGIN
            INSERT INTO revocation_share VALUES (NEW.share, 1)
                ON CONFLICT (share) DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER revocation_is_discounted AFTER DELETE ON revocation BEGIN
            UPDATE revocation_share SET count = count - 1 WHERE share = OLD.share;
            DELETE FROM revocation_share WHERE share = OLD.share AND count <= 0;
        END;
        """,
        """
        -- The signing keys, each sealed (AES-256-GCM) under a master key that is not here.
        CREATE TABLE signing_key (
            kid TEXT NOT NULL PRIMARY KEY,
            algorithm TEXT NOT NULL,
            stage TEXT NOT NULL CHECK (stage IN ('published', 'signing', 'retired')),
            since INTEGER NOT NULL,
            master_key_id TEXT NOT NULL,
            nonce BLOB NOT NULL CHECK (length(nonce) = 12),
            box BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
        """
        -- A random name, which it has wherever it is copied to.
        ALTER TABLE registry ADD COLUMN identity TEXT NOT NULL DEFAULT '';
        UPDATE registry SET identity = lower(hex(randomblob(16)));
        -- While it is filled only in part: the identity of what it is a copy of, and a random
        -- number of whoever fills it.
        ALTER TABLE registry ADD COLUMN copy_source TEXT;
        ALTER TABLE registry ADD COLUMN copy_run INTEGER;
        """,
    ]

    static var version: Int { steps.count }

    /// Refuses a file that is not ours, before anything in it is changed.
    static func check(_ db: Database, path: String) throws {
        let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        guard application != applicationID else {
            let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard found <= version else {
                throw SQLiteFault.newerSchema(path: path, found: found, known: version)
            }
            return
        }
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        guard application == 0, tables == 0 else { throw SQLiteFault.foreign(path: path) }
    }

    /// Brings the file up to the newest version, all steps in one transaction, so that neither a
    /// kill nor a second process at the same moment leaves anything between two versions.
    ///
    /// `target` is below the newest version only in tests, which make files as they once were.
    static func migrate(_ db: Database, path: String, to target: Int = version) throws {
        guard try Int.fetchOne(db, sql: "PRAGMA user_version") != target else { return }
        try db.inTransaction(.immediate) {
            try check(db, path: path)
            let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            for step in steps[..<target].dropFirst(found) { try db.execute(sql: step) }
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: "PRAGMA user_version = \(max(found, target))")
            return .commit
        }
    }
}
