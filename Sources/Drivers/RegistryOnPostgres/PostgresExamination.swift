import Bytes
import Glibc

/// A look at the database in which a registry is, or may be.
package struct PostgresExamination: Equatable, Sendable {
    /// More than the service's role needs. None of it keeps the service from running.
    package enum ExcessRight: String, CaseIterable, Sendable {
        case isSuperuser = "is a superuser"
        case ownsTables = "owns the tables, and may drop them and disable their triggers"
        case makesTables = "may make tables and functions in the schema"
        case changesAudit = "may change or remove lines of the audit log"
        case disablesTriggers = "may have its statements pass triggers by"
    }

    /// As `15.20`.
    package let server: String
    /// The version of the tables, nil where there are none, and the one that this program wants.
    package let schema: Int?
    package let schemaKnown: Int
    package let isReplica: Bool
    /// Whether this very connection is over TLS.
    package let usesTLS: Bool
    /// Whether the server is on this host, so that nothing travels.
    package let isLocal: Bool
    package let role: String
    package let excessRights: [ExcessRight]
    /// How many connections there are, and how many may be for roles that are no superuser's.
    package let connections: Int
    package let connectionsMax: Int
    /// By how much the server's clock is ahead of ours, in seconds; half of what the question took
    /// is taken off.
    package let clockAheadSeconds: Double

    package var isUpToDate: Bool { schema == schemaKnown }
}

extension PostgresExamination {
    init(
        _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) {
        schema = try PostgresSchema.found(connection, until: deadline).map { Int($0) }
        schemaKnown = Int(PostgresSchema.version)
        let number = connection.serverVersion
        server = "\(number / 10_000).\(number % 10_000)"
        usesTLS = connection.usesTLS
        let rows = try connection.execute(
            """
            SELECT current_user::TEXT, pg_is_in_recovery(),
                (SELECT sum(numbackends)::BIGINT FROM pg_stat_database),
                current_setting('max_connections')::BIGINT
                    - current_setting('superuser_reserved_connections')::BIGINT
                    - coalesce(current_setting('reserved_connections', true), '0')::BIGINT,
                coalesce(inet_server_addr() = inet_client_addr(), true)
            """, until: deadline)
        guard let row = rows.first else { throw .unexpected }
        role = try row.text(0)
        isReplica = try row.truth(1)
        connections = Int(try row.number(2))
        connectionsMax = Int(try row.number(3))
        isLocal = try row.truth(4)
        excessRights = try Self.excessRights(connection, until: deadline)
        clockAheadSeconds = try Self.clockAhead(connection, until: deadline)
    }

    private static func excessRights(
        _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> [ExcessRight] {
        // From version 15 on, what only a superuser may set can be granted.
        let maySet =
            connection.serverVersion >= 150_000
            ? "has_parameter_privilege('session_replication_role', 'SET')" : "rolsuper"
        let rows = try connection.execute(
            """
            SELECT rolsuper, coalesce(bool_or(pg_has_role(relowner, 'USAGE')), false),
                coalesce(bool_or(has_schema_privilege(relnamespace, 'CREATE')), false),
                coalesce(bool_or(relname = 'audit'
                    AND has_table_privilege(pg_class.oid, 'UPDATE, DELETE, TRUNCATE')), false),
                \(maySet)
            FROM pg_roles LEFT JOIN pg_class
                ON relkind = 'r' AND relnamespace = to_regnamespace('\(PostgresSchema.name)')
            WHERE rolname = current_user GROUP BY rolsuper
            """, until: deadline)
        guard let row = rows.first else { return [] }
        var found: [ExcessRight] = []
        for (column, right) in [
            ExcessRight.isSuperuser, .ownsTables, .makesTables, .changesAudit, .disablesTriggers,
        ].enumerated() where try row.truth(column) { found.append(right) }
        return found
    }

    private static func clockAhead(
        _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> Double {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT"
        // The first one is prepared, which takes a way there and back more.
        try connection.execute(sql, until: deadline)
        let before = microseconds()
        let rows = try connection.execute(sql, until: deadline)
        let after = microseconds()
        guard let there = try rows.first?.number(0) else { throw .unexpected }
        return Double(there - before - (after - before) / 2) / 1_000_000
    }

    private static func microseconds() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
    }
}
