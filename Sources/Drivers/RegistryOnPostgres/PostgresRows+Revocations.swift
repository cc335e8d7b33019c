import Bytes
import Clients
import Identifiers

extension PostgresRows {
    func revocation(_ kind: RevocationRecord.Kind, _ name: String) throws -> Revocation? {
        try execute(
            """
            SELECT kind, name, issued_before, expires_at FROM revocation
            WHERE kind = $1 AND name = $2
            """, [.text(kind.rawValue), .text(name)]
        ).first.map(Self.revocation)
    }

    func put(_ revocation: RevocationRecord) throws {
        try execute(
            """
            INSERT INTO revocation (kind, name, issued_before, expires_at, actor, client_id,
                subject, issued_at, share, revision)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (kind, name) DO UPDATE SET
                issued_before = excluded.issued_before, expires_at = excluded.expires_at,
                actor = excluded.actor, revision = excluded.revision
            """,
            [
                .text(revocation.kind.rawValue), .text(revocation.name),
                .number(revocation.issuedBefore), .number(revocation.expiresAt),
                .text(revocation.actor), .text(revocation.clientID?.string),
                .text(revocation.subject?.string),
                .number(revocation.issuedAt), .text(revocation.share?.text ?? ""),
                .number(try nextRevision()),
            ])
    }

    func removeRevocations(coveredBy revocation: Revocation) throws {
        switch revocation {
        case .token: return
        case .subject(let subject, let second, let end):
            try execute(
                """
                DELETE FROM revocation
                WHERE subject = $1 AND issued_at <= $2 AND expires_at <= $3
                """,
                [.text(subject.string), .number(second), .number(end)])
        case .client(let id, let second, let end):
            try execute(
                """
                DELETE FROM revocation WHERE client_id = $1
                AND (issued_at <= $2 OR issued_before <= $2) AND expires_at <= $3
                """, [.text(id.string), .number(second), .number(end)])
        }
    }

    func purgeRevocations(endedBefore second: Int64, limit: Int) throws -> Int {
        let dropped = try execute(
            """
            WITH gone AS (
                DELETE FROM revocation WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM revocation WHERE expires_at < $1 LIMIT $2))
                RETURNING 1)
            SELECT count(*) FROM gone
            """, [.number(second), .number(Int64(limit))])
        let count = Int(try dropped.first?.number(0) ?? 0)
        guard count > 0 else { return 0 }
        try execute(
            """
            UPDATE registry
            SET revocations_purged_before = greatest(revocations_purged_before, $1)
            """, [.number(second)])
        return count
    }

    func revocationCount(of share: RevocationShare.Holder) throws -> Int {
        let rows = try execute(
            "SELECT count FROM revocation_share WHERE share = $1", [.text(share.text)])
        return Int(try rows.first?.number(0) ?? 0)
    }

    func revocationTotals(of kind: RevocationShare) throws -> (count: Int, holders: Int) {
        // "!" follows the space in ASCII.
        let rows = try execute(
            """
            SELECT coalesce(sum(count), 0)::BIGINT, count(*) FROM revocation_share
            WHERE share >= $1 AND share < $2
            """, [.text("\(kind.rawValue) "), .text("\(kind.rawValue)!")])
        guard let row = rows.first else { return (0, 0) }
        return (Int(try row.number(0)), Int(try row.number(1)))
    }

    func revocations(since revision: Int64) throws -> [Revocation] {
        try execute(
            """
            SELECT kind, name, issued_before, expires_at FROM revocation
            WHERE revision > $1 ORDER BY revision
            """, [.number(revision)]
        ).map(Self.revocation)
    }

    func revocationCount() throws -> Int {
        let rows = try execute(
            "SELECT coalesce(sum(count), 0)::BIGINT FROM revocation_share")
        return Int(try rows.first?.number(0) ?? 0)
    }

    private static func revocation(_ row: PostgresRow) throws -> Revocation {
        try Revocation(
            .init(named: ByteText(row.text(0))), row.text(1), issuedBefore: row.numberIfAny(2),
            expiresAt: row.number(3))
    }
}
