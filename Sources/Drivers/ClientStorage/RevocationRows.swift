import Bytes
import Clients
internal import GRDB
import Identifiers

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
        var share = Self.unshared
        if let known {
            let knownSecond: Int64? = known[0]
            let knownEnd: Int64 = known[1]
            let isEarlier = (column.issuedBefore ?? .min) <= (knownSecond ?? .min)
            guard !isEarlier || revocation.expiresAt > knownEnd else { return false }
        }
        try removeCovered(db, by: revocation)
        if known == nil { share = try self.share(db, of: revocation, by: actor) }
        try db.execute(
            sql: """
                INSERT INTO revocation (kind, name, issued_before, expires_at, actor, revision,
                    client_id, subject, issued_at, share) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (kind, name) DO UPDATE SET
                    issued_before = max(issued_before, excluded.issued_before),
                    expires_at = max(expires_at, excluded.expires_at),
                    actor = excluded.actor, revision = excluded.revision
                """,
            arguments: [
                column.kind, revocation.name, column.issuedBefore, revocation.expiresAt,
                actor.description, try ClientRows.nextRevision(db), column.clientID,
                column.subject, column.issuedAt, share,
            ])
        return true
    }

    /// Takes out what this one says as well, and for as long.
    private static func removeCovered(_ db: Database, by revocation: Revocation) throws {
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

    /// How many there are.
    static func count(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT total(count) FROM revocation_share") ?? 0
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

    /// What those count against that are always kept.
    private static let unshared = ""

    /// What a new one counts against; throws where there is no room left.
    private static func share(
        _ db: Database, of revocation: Revocation, by actor: Actor
    ) throws -> String {
        let kind: RevocationShare
        let clientID: ClientID
        switch (revocation, actor.share) {
        case (.client, _), (_, nil): return unshared
        case (_, .sessions(let id)): (kind, clientID) = (.sessions, id)
        case (.token, .client(let id)): (kind, clientID) = (.tokens, id)
        case (.subject, .client(let id)): (kind, clientID) = (.subjects, id)
        }
        let registrar = try RegistrationRows.registrar(db, clientID.string)
        let share = "\(kind.rawValue) \(registrar ?? clientID.string)"
        let own = try db.cachedStatement(
            sql: "SELECT count FROM revocation_share WHERE share = ?")
        let held = try Int.fetchOne(own, arguments: [share]) ?? 0
        guard held >= RevocationShare.entriesAlways else { return share }
        let prefix = "\(kind.rawValue) "
        let sum = try db.cachedStatement(
            sql: """
                SELECT count(*), sum(count) FROM revocation_share WHERE share >= ? AND share < ?
                """)
        let row = try Row.fetchOne(sum, arguments: [prefix, "\(kind.rawValue)!"])
        let (holders, all): (Int, Int) = (row?[0] ?? 0, row?[1] ?? 0)
        guard kind.hasRoom(own: held, all: all, holders: holders) else {
            throw RegistryError.tooManyRevocations(kind, max: held)
        }
        return share
    }

    private static func revocation(_ row: Row) -> Revocation {
        let (kind, name): (String, String) = (row[0], row[1])
        let (second, end): (Int64?, Int64) = (row[2], row[3])
        switch ByteText(kind) {
        case "subject":
            if let second { return .subject(Subject(name), issuedBefore: second, expiresAt: end) }
        case "client":
            if let second {
                return .client(id: ClientID(name), issuedBefore: second, expiresAt: end)
            }
        default: break
        }
        return .token(id: name, expiresAt: end)
    }

    /// The columns in which the kinds differ.
    private struct Column {
        let kind: String
        let issuedBefore: Int64?
        /// Of whose tokens one is, but for that of a whole client; nil where nobody knows.
        var clientID: String?
        /// Of one token.
        var subject: String?
        var issuedAt: Int64?

        init(_ revocation: Revocation) {
            switch revocation {
            case .token(_, _, let owner):
                (kind, issuedBefore) = ("token", nil)
                (clientID, subject) = (owner?.clientID.string, owner?.subject.string)
                issuedAt = owner?.issuedAt
            case .subject(let name, let second, _):
                (kind, issuedBefore) = ("subject", second)
                clientID = name.clientID.string
            case .client(_, let second, _): (kind, issuedBefore) = ("client", second)
            }
        }
    }
}
