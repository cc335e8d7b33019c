internal import GRDB
import Glibc

/// How connections to the registry are opened.
enum RegistryConnections {
    private static let busyTimeoutSeconds = 5.0
    /// How long opening waits for a process that is making or recovering the same file.
    private static let openAttemptsMax = 250
    private static let openAttemptPauseMicroseconds: UInt32 = 20_000

    /// A pool on a file that is ours, at the newest schema, in WAL mode.
    ///
    /// `pageCountMax` is SQLite's `max_page_count` for the writer, by which tests play a full disk.
    static func openPool(
        path: String, pageCountMax: Int? = nil
    ) throws(SQLiteFault) -> DatabasePool {
        guard RegistryFile.looksLikeDatabase(path) else { throw .notADatabase(path: path) }
        var attempts = 0
        while true {
            do {
                return try open(path, pageCountMax)
            } catch {
                let failure = SQLiteFault(error, path: path)
                attempts += 1
                guard case .busy = failure, attempts < openAttemptsMax else { throw failure }
                usleep(openAttemptPauseMicroseconds)
            }
        }
    }

    /// A read-only connection for one reader that stays on it, as `PRAGMA data_version` demands.
    static func openReader(path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(busyTimeoutSeconds)
        configuration.label = "registry reader"
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func open(_ path: String, _ pageCountMax: Int?) throws -> DatabasePool {
        try look(path)
        var configuration = Configuration()
        configuration.busyMode = .timeout(busyTimeoutSeconds)
        configuration.foreignKeysEnabled = true
        configuration.label = "registry"
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { db in
            // The pool chose NORMAL, under which a power cut may undo what was acknowledged.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // A secret that was removed is not to be found in free pages.
            try db.execute(sql: "PRAGMA secure_delete = ON")
            if let pageCountMax {
                try db.execute(sql: "PRAGMA max_page_count = \(pageCountMax)")
            }
            try RegistrySchema.migrate(db, path: path)
        }
        return pool
    }

    /// A pool would at once switch a foreign file to WAL: look first, read-only.
    private static func look(_ path: String) throws {
        do {
            try openReader(path: path).read { try RegistrySchema.check($0, path: path) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
            // Whoever was making it was killed, and only who may write can undo what was begun.
            var configuration = Configuration()
            configuration.busyMode = .timeout(busyTimeoutSeconds)
            let writer = try DatabaseQueue(path: path, configuration: configuration)
            try writer.read { try RegistrySchema.check($0, path: path) }
        }
    }
}
