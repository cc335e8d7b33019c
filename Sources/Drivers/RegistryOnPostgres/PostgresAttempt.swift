/// One try to change something: how it is found again where the answer to its commit was lost.
final class PostgresAttempt {
    /// Random; the lines of the audit log and the marks that were written bear it.
    let number: Int64
    /// A token that it marked.
    var mark: String?

    init(number: Int64) { self.number = number }

    /// Whether it was committed, once it is over, asked in a transaction of the same kind. Who
    /// locks the registry's row has waited for its end by that. A mark takes no such lock: putting
    /// it once more waits for whoever else has put it, and is undone.
    func isFound(
        _ connection: PostgresConnection, beginning: String, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> Bool {
        try connection.run(script: beginning, until: deadline)
        if let mark {
            try connection.execute(
                "INSERT INTO used_token VALUES ($1, 0, $2) ON CONFLICT (id) DO NOTHING",
                [.text(mark), .number(number ^ 1)], until: deadline)
        }
        let found = try connection.execute(
            """
            SELECT 1 FROM audit WHERE attempt = $1
            UNION ALL SELECT 1 FROM used_token WHERE id = $2 AND attempt = $1
            """, [.number(number), .text(mark)], until: deadline)
        try connection.run(script: "ROLLBACK", until: deadline)
        return !found.isEmpty
    }
}
