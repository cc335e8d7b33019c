package import Clients
internal import GRDB

/// The registry in one SQLite file that several processes may share.
///
/// What a call has acknowledged is on disk. A call waits for other writers for up to five seconds.
package final class RegistryOnSQLite: Registry {
    /// Where the file lies.
    package let path: String
    let pool: DatabasePool

    /// Opens the registry and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - path: The file. Its folder is made when it is missing.
    ///   - mustExist: Whether a missing file is an error (`.notFound`) or made.
    /// - Throws: A `SQLiteFault` as failure. A file that is not ours stays as it is, and so does
    ///   one that is filled only in part (`RegistryFailure.copyUnfinished`).
    package convenience init(path: String, mustExist: Bool) throws(RegistryFailure) {
        try self.init(path: path, mustExist: mustExist, pageCountMax: nil)
    }

    /// Opens the one of a data folder.
    package convenience init(in folder: String, mustExist: Bool) throws(RegistryFailure) {
        try self.init(path: Self.path(in: folder), mustExist: mustExist)
    }

    /// Where that one lies.
    package static func path(in folder: String) -> String { folder + "/usher.sqlite" }

    package static func exists(in folder: String) -> Bool {
        !RegistryFile.isMissing(path(in: folder))
    }

    /// For tests: `pageCountMax` plays a full disk.
    init(
        path: String, mustExist: Bool, pageCountMax: Int?, mayBeUnfinished: Bool = false
    ) throws(RegistryFailure) {
        self.path = path
        pool = try RegistryFailure.of(path) {
            try RegistryFile.prepare(path: path, mustExist: mustExist)
            let pool = try RegistryConnections.openPool(path: path, pageCountMax: pageCountMax)
            if !mayBeUnfinished { try Self.checkFinished(pool, path: path) }
            return pool
        }
    }

    package func read<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try RegistryFailure.of(path) { try pool.read { try body(SQLiteRows(db: $0)) } }
    }

    package func write<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try RegistryFailure.of(path) { try pool.write { try body(SQLiteRows(db: $0)) } }
    }

    package func watch() -> any RegistryWatch { SQLiteWatch(path: path) }

    package func finish() {
        // Where another process reads or writes just now it is left for later.
        try? checkpoint()
    }
}
