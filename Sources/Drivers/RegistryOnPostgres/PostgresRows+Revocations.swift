import Bytes
import Clients
import Identifiers

extension PostgresRows {
    private static let columns =
        "kind, name, issued_before, expires_at, actor, client_id, subject, issued_at, share"

    func revocation(_ kind: RevocationRecord.Kind, _ name: String) throws -> RevocationRecord? {
        try execute(
            "SELECT \(Self.columns) FROM revocation WHERE kind = $1 AND name = $2",
            [.text(kind.rawValue), .text(name)]
        ).first.map(Self.record)
    }

    func put(_ revocation: RevocationRecord) throws {
        try execute(
            """
            INSERT INTO revocation (\(Self.columns), revision)
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
                "DELETE FROM revocation WHERE subject = $1 AND issued_at <= $2 AND expires_at <= $3",
                [.text(subject.string), .number(second), .number(end)])
        case .client(let id, let second, let end):
            try execute(
                """
                DELETE FROM revocation WHERE client_id = $1
                AND (issued_at <= $2 OR issued_before <= $2) AND expires_at <= $3
                """, [.text(id.string), .number(second), .number(end)])
        }
    }

    func purgeRevocations(endedBefore second: Int64) throws -> Int {
        // Whoever saw none of so many changes reads everything anew.
        try execute(
            "DELETE FROM change WHERE revision < (SELECT revision FROM registry) - 100000")
        let dropped = try execute(
            "DELETE FROM revocation WHERE expires_at < $1 RETURNING expires_at", [.number(second)])
        guard !dropped.isEmpty else { return 0 }
        try execute(
            """
            UPDATE registry
            SET revocations_purged_before = greatest(revocations_purged_before, $1)
            """, [.number(second)])
        return dropped.count
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

    func revocations(since revision: Int64) throws -> [RevocationRecord] {
        try execute(
            "SELECT \(Self.columns) FROM revocation WHERE revision > $1 ORDER BY revision",
            [.number(revision)]
        ).map(Self.record)
    }

    func revocationCount() throws -> Int {
        let rows = try execute(
            "SELECT coalesce(sum(count), 0)::BIGINT FROM revocation_share")
        return Int(try rows.first?.number(0) ?? 0)
    }

    private static func record(_ row: PostgresRow) throws -> RevocationRecord {
        RevocationRecord(
            kind: .init(named: ByteText(try row.text(0))) ?? .token, name: try row.text(1),
            issuedBefore: try row.numberIfAny(2), expiresAt: try row.number(3),
            actor: try row.text(4), clientID: try row.textIfAny(5).map { ClientID($0) },
            subject: try row.textIfAny(6).map { Subject($0) }, issuedAt: try row.numberIfAny(7),
            share: .init(ByteText(try row.text(8))))
    }
}
