package import Clients
internal import GRDB

extension RegistryOnSQLite {
    /// By how much a registry that was put in place of another counts on: more than anybody changes
    /// between a backup and its return, so that whoever followed the other one sees all as new.
    static let revisionsAhead: Int64 = 1 << 32

    /// Writes what the registry holds at one moment into a file of its own, while others go on
    /// reading and writing. The file is missing or empty before.
    package func copy(to path: String) throws(RegistryFailure) {
        try RegistryFailure.of(path) {
            try pool.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM INTO ?", arguments: [path])
            }
        }
    }

    /// Moves everything into the one file, so that whoever copies that alone has it all.
    ///
    /// - Throws: `RegistryFailure` where that could not be done whole: no space is left, or another
    ///   process reads or writes just now.
    package func checkpoint() throws(RegistryFailure) {
        try RegistryFailure.of(path) {
            _ = try pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        }
    }

    /// Marks everything as changed, in a copy that is to be put in place of the registry it was
    /// made of, and notes in the audit log that it was, and of when it is.
    package func markRestored(
        by actor: Actor, at now: Int64, copiedAt: String
    ) throws(RegistryFailure) {
        try RegistryFailure.of(path) {
            try pool.write { db in
                let rows = SQLiteRows(db: db)
                let (revision, overflow) = try rows.revision()
                    .addingReportingOverflow(Self.revisionsAhead)
                guard !overflow else {
                    throw SQLiteFault.damaged(path: path, reason: "its revision is out of range")
                }
                try db.execute(
                    sql: "UPDATE registry SET revision = :new, removal_revision = :new",
                    arguments: ["new": revision])
                for table in ["client", "revocation"] {
                    try db.execute(
                        sql: "UPDATE \(table) SET revision = ?", arguments: [revision])
                }
                try rows.append(
                    AuditEntry(
                        id: 0, at: now, actor: actor.description, action: "registry.restore",
                        target: "registry", details: "as of \(copiedAt)"))
            }
        }
    }

    /// Ends the use of the file: everything is in it, and nothing lies beside it.
    ///
    /// - Throws: `RegistryFailure` where somebody else uses it.
    package func close() throws(RegistryFailure) {
        try RegistryFailure.of(path) { try pool.close() }
    }
}
