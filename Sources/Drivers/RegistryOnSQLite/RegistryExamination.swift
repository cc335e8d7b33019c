import Bytes
package import Clients
internal import GRDB

/// A look at a registry's file that changes nothing in it: neither schema nor journal.
package struct RegistryExamination: Equatable, Sendable {
    package let path: String
    /// The version of its tables, and the newest that this program knows.
    package let schema: Int
    package let schemaKnown: Int
    /// What SQLite finds wrong (`PRAGMA integrity_check`, `foreign_key_check`); empty where all is
    /// well. Reads the whole file.
    package let faults: [String]

    /// Whether opening the registry would leave its tables as they are.
    package var isUpToDate: Bool { schema == schemaKnown }

    /// - Throws: A `SQLiteFault` as failure, for a file that is missing, not ours or unreadable.
    package init(path: String) throws(RegistryFailure) {
        self.path = path
        schemaKnown = RegistrySchema.version
        do {
            try RegistryFile.prepare(path: path, mustExist: true)
            guard RegistryFile.looksLikeDatabase(path) else {
                throw SQLiteFault.notADatabase(path: path)
            }
            (schema, faults) = try RegistryConnections.openReader(path: path).read { db in
                try RegistrySchema.check(db, path: path)
                let schema = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                let integrity = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
                let orphans = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map {
                    "a row of \($0[0] as String) belongs to nothing"
                }
                return (schema, integrity.filter { ByteText($0) != "ok" } + orphans)
            }
        } catch {
            throw RegistryFailure(error, path: path)
        }
    }
}
