import Bytes

/// What the service's role may do where another one owns the registry: all that the service does,
/// and nothing to the lines of the audit log but to read them and to add some.
enum PostgresGrants {
    /// What is granted on each table; on any that is not named here, all that rows need.
    private static let own: [(table: ByteText, rights: String)] = [
        ("audit", "SELECT, INSERT"), ("registry", "SELECT, UPDATE"),
    ]
    private static let ofRows = "SELECT, INSERT, UPDATE, DELETE"

    /// The roles that were granted this before, without the owner.
    static func roles(
        _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> [String] {
        try texts(
            """
            SELECT DISTINCT pg_get_userbyid(grantee)::TEXT
            FROM pg_class, aclexplode(relacl)
            WHERE oid = to_regclass('\(PostgresSchema.name).audit')
                AND privilege_type = 'INSERT' AND grantee <> relowner AND grantee <> 0
            """, [], connection, until: deadline)
    }

    static func grant(
        to role: String, _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) {
        let (schema, name) = (PostgresSchema.name, try quoted(role, connection, until: deadline))
        let tables = try texts(
            "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = '\(schema)'", [], connection,
            until: deadline)
        var script = ["GRANT USAGE ON SCHEMA \(schema) TO \(name)"]
        for table in tables.map({ ByteText($0) }) {
            let rights = own.first { $0.table == table }?.rights ?? ofRows
            script.append("REVOKE ALL ON \(schema).\(table) FROM \(name)")
            script.append("GRANT \(rights) ON \(schema).\(table) TO \(name)")
        }
        try connection.run(script: script.joined(separator: ";\n"), until: deadline)
    }

    /// As an identifier, which no value of a statement can be.
    private static func quoted(
        _ role: String, _ connection: PostgresConnection, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> String {
        let known = try texts(
            "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = $1::TEXT", [.text(role)],
            connection, until: deadline)
        guard let name = known.first else {
            throw .refused(state: "42704", message: "role \"\(role)\" does not exist")
        }
        return name
    }

    private static func texts(
        _ sql: String, _ values: [PostgresValue], _ connection: PostgresConnection,
        until deadline: PostgresDeadline
    ) throws(PostgresFault) -> [String] {
        let rows = try connection.execute(sql, values, until: deadline)
        var texts: [String] = []
        for row in rows { texts.append(try row.text(0)) }
        return texts
    }
}
