import Bytes
import Clients
internal import GRDB

/// Whose an origin is: an operator's word goes before that of clients that register themselves.
enum OriginRows {
    /// Refuses origins that another client has.
    static func refuseTaken(_ db: Database, _ origins: [ByteText], by id: String) throws {
        let select = try db.cachedStatement(
            sql: """
                SELECT 1 FROM client_grant
                WHERE kind = 'origin' AND value = ? AND client_id <> ? LIMIT 1
                """)
        for origin in origins where try Row.fetchOne(select, arguments: [origin.string, id]) != nil
        {
            throw RegistryError.originTaken(origin: origin.string)
        }
    }

    /// Takes origins that an operator gives to a client, or to nobody, from those that registered
    /// themselves.
    static func take(
        _ db: Database, _ origins: [ByteText], for id: String?, _ stamp: AuditStamp
    ) throws {
        let select = try db.cachedStatement(
            sql: """
                SELECT client_id FROM client_grant JOIN client_registration USING (client_id)
                WHERE kind = 'origin' AND value = ? AND client_id IS NOT ?
                """)
        for origin in origins {
            for other in try String.fetchAll(select, arguments: [origin.string, id]) {
                try db.execute(
                    sql: """
                        DELETE FROM client_grant
                        WHERE client_id = ? AND kind = 'origin' AND value = ?
                        """,
                    arguments: [other, origin.string])
                try ClientRows.touch(db, id: other)
                try AuditRows.append(
                    db, "client.update", other,
                    "origin \(origin) taken for \(id ?? "the service")", stamp)
            }
        }
    }
}
