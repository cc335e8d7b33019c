import Bytes
import Clients
internal import GRDB
import Identifiers

extension SQLiteRows {
    func revocation(_ kind: RevocationRecord.Kind, _ name: String) throws -> Revocation? {
        let select = try db.cachedStatement(
            sql: """
                SELECT kind, name, issued_before, expires_at FROM revocation
                WHERE kind = ? AND name = ?
                """)
        return try Row.fetchOne(select, arguments: [kind.rawValue, name]).map(Self.revocation)
    }

    func put(_ revocation: RevocationRecord) throws {
        try db.execute(
            sql: """
                INSERT INTO revocation (kind, name, issued_before, expires_at, actor, client_id,
                    subject, issued_at, share, revision)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (kind, name) DO UPDATE SET
                    issued_before = excluded.issued_before, expires_at = excluded.expires_at,
                    actor = excluded.actor, revision = excluded.revision
                """,
            arguments: [
                revocation.kind.rawValue, revocation.name, revocation.issuedBefore,
                revocation.expiresAt, revocation.actor, revocation.clientID?.string,
                revocation.subject?.string, revocation.issuedAt, revocation.share?.text ?? "",
                try nextRevision(),
            ])
    }

    func removeRevocations(coveredBy revocation: Revocation) throws {
        switch revocation {
        case .token: return
        case .subject(let subject, let second, let end):
            try db.execute(
                sql: """
                    DELETE FROM revocation
                    WHERE subject = ? AND issued_at <= ? AND expires_at <= ?
                    """,
                arguments: [subject.string, second, end])
        case .client(let id, let second, let end):
            try db.execute(
                sql: """
                    DELETE FROM revocation WHERE client_id = ?
                    AND (issued_at <= ? OR issued_before <= ?) AND expires_at <= ?
                    """,
                arguments: [id.string, second, second, end])
        }
    }

    func purgeRevocations(endedBefore second: Int64, limit: Int) throws -> Int {
        try db.execute(
            sql: """
                DELETE FROM revocation WHERE (kind, name) IN (
                    SELECT kind, name FROM revocation WHERE expires_at < ? LIMIT ?)
                """, arguments: [second, limit])
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

    func revocationCount(of share: RevocationShare.Holder) throws -> Int {
        let select = try db.cachedStatement(
            sql: "SELECT count FROM revocation_share WHERE share = ?")
        return try Int.fetchOne(select, arguments: [share.text]) ?? 0
    }

    func revocationTotals(of kind: RevocationShare) throws -> (count: Int, holders: Int) {
        let select = try db.cachedStatement(
            sql: """
                SELECT sum(count), count(*) FROM revocation_share WHERE share >= ? AND share < ?
                """)
        // "!" follows the space in ASCII.
        let row = try Row.fetchOne(
            select, arguments: ["\(kind.rawValue) ", "\(kind.rawValue)!"])
        return (row?[0] ?? 0, row?[1] ?? 0)
    }

    func revocations(since revision: Int64) throws -> [Revocation] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT kind, name, issued_before, expires_at FROM revocation
                WHERE revision > ? ORDER BY revision
                """,
            arguments: [revision])
        var found: [Revocation] = []
        while let row = try rows.next() { found.append(try Self.revocation(row)) }
        return found
    }

    func revocationCount() throws -> Int {
        try Int.fetchOne(db, sql: "SELECT total(count) FROM revocation_share") ?? 0
    }

    private static func revocation(_ row: Row) throws -> Revocation {
        try Revocation(
            .init(named: ByteText(row[0] as String)), row[1], issuedBefore: row[2],
            expiresAt: row[3])
    }
}
