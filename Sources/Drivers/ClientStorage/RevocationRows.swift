import Clients
internal import GRDB

/// Revocations to rows and back.
enum RevocationRows {
    static func all(_ db: Database) throws -> [Revocation] { try changed(db, since: -1) }

    /// Those made or extended after `revision`.
    static func changed(_ db: Database, since revision: Int64) throws -> [Revocation] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT kind, name, issued_before, expires_at FROM revocation
                WHERE revision > ? ORDER BY revision
                """,
            arguments: [revision])
        var found: [Revocation] = []
        while let row = try rows.next() { found.append(revocation(row)) }
        return found
    }

    /// Every revocation that ended before this second has been dropped.
    static func purgedBefore(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT revocations_purged_before FROM registry") ?? 0
    }

    /// Adds one, or extends the one about the same name; false where that says as much already.
    static func insert(_ db: Database, _ revocation: Revocation, by actor: Actor) throws -> Bool {
        let column = Column(revocation)
        let select = try db.cachedStatement(
            sql: "SELECT issued_before, expires_at FROM revocation WHERE kind = ? AND name = ?")
        let known = try Row.fetchOne(select, arguments: [column.kind, revocation.name])
        if let known {
            let knownSecond: Int64? = known[0]
            let knownEnd: Int64 = known[1]
            let isEarlier = (column.issuedBefore ?? .min) <= (knownSecond ?? .min)
            guard !isEarlier || revocation.expiresAt > knownEnd else { return false }
        } else {
            try refuseTooMany(db, by: actor)
        }
        try db.execute(
            sql: """
                INSERT INTO revocation VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (kind, name) DO UPDATE SET
                    issued_before = max(issued_before, excluded.issued_before),
                    expires_at = max(expires_at, excluded.expires_at),
                    actor = excluded.actor, revision = excluded.revision
                """,
            arguments: [
                column.kind, revocation.name, column.issuedBefore, revocation.expiresAt,
                actor.description, try ClientRows.nextRevision(db),
            ])
        return true
    }

    /// Drops those that ended before `second`, and returns how many they were.
    static func purge(_ db: Database, expiredBefore second: Int64) throws -> Int {
        try db.execute(sql: "DELETE FROM revocation WHERE expires_at < ?", arguments: [second])
        let count = db.changesCount
        guard count > 0 else { return 0 }
        try db.execute(
            sql: """
                UPDATE registry
                SET revocations_purged_before = max(revocations_purged_before, ?)
                """,
            arguments: [second])
        return count
    }

    /// The newest one may always revoke everything of its own with one entry: see `Revocation`.
    private static func refuseTooMany(_ db: Database, by actor: Actor) throws {
        let all = try Int.fetchOne(db, sql: "SELECT count(*) FROM revocation") ?? 0
        guard all < RevocationSet.entriesMax else {
            throw RegistryError.tooManyRevocations(max: RevocationSet.entriesMax)
        }
        guard actor.isClient else { return }
        let own =
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM revocation WHERE actor = ?",
                arguments: [actor.description]) ?? 0
        guard own < RevocationSet.entriesPerClientMax else {
            throw RegistryError.tooManyRevocations(max: RevocationSet.entriesPerClientMax)
        }
    }

    private static func revocation(_ row: Row) -> Revocation {
        let (kind, name): (String, String) = (row[0], row[1])
        let (second, end): (Int64?, Int64) = (row[2], row[3])
        switch (kind, second) {
        case ("subject", let second?):
            return .subject(name, issuedBefore: second, expiresAt: end)
        case ("client", let second?):
            return .client(id: name, issuedBefore: second, expiresAt: end)
        default: return .token(id: name, expiresAt: end)
        }
    }

    /// The columns in which the kinds differ.
    private struct Column {
        let kind: String
        let issuedBefore: Int64?

        init(_ revocation: Revocation) {
            switch revocation {
            case .token: (kind, issuedBefore) = ("token", nil)
            case .subject(_, let second, _): (kind, issuedBefore) = ("subject", second)
            case .client(_, let second, _): (kind, issuedBefore) = ("client", second)
            }
        }
    }
}
