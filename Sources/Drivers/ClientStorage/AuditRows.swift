import Clients
internal import GRDB

/// The audit log: rows are added, and triggers refuse everything else.
enum AuditRows {
    /// The most that one call reads.
    static let readMax = 10_000

    /// Adds a line, its texts bounded as `AuditEntry` bounds them.
    static func append(
        _ db: Database, _ action: String, _ target: String, _ details: String = "", _ by: AuditStamp
    ) throws {
        let entry = AuditEntry(
            id: 0, at: by.at, actor: by.actor.description, action: action, target: target,
            details: details)
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO audit (at, actor, action, target, details) VALUES (?, ?, ?, ?, ?)
                """)
        try insert.execute(
            arguments: [entry.at, entry.actor, entry.action, entry.target, entry.details])
    }

    /// Up to `limit` lines, oldest first, after the one with `id`.
    static func entries(_ db: Database, after id: Int64, limit: Int) throws -> [AuditEntry] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT id, at, actor, action, target, details FROM audit
                WHERE id > ? ORDER BY id LIMIT ?
                """,
            arguments: [id, min(max(limit, 0), readMax)]
        ).map(entry)
    }

    /// The last `limit` lines, oldest first.
    static func latest(_ db: Database, limit: Int) throws -> [AuditEntry] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT id, at, actor, action, target, details FROM audit
                ORDER BY id DESC LIMIT ?
                """,
            arguments: [min(max(limit, 0), readMax)]
        ).reversed().map(entry)
    }

    private static func entry(_ row: Row) -> AuditEntry {
        AuditEntry(
            id: row[0], at: row[1], actor: row[2], action: row[3], target: row[4], details: row[5])
    }
}

/// Who makes a change, and when.
struct AuditStamp {
    let actor: Actor
    /// Seconds since the Unix epoch.
    let at: Int64
}
