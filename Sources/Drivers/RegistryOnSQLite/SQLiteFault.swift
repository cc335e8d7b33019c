package import Clients
internal import GRDB

/// Why the registry's file could not be used. The description says which file, and what to do.
package enum SQLiteFault: Error, Equatable, Sendable, CustomStringConvertible {
    case notFound(path: String)
    case folderUnusable(path: String, reason: String)
    case isFolder(path: String)
    case notADatabase(path: String)
    /// A sound SQLite file that another program made.
    case foreign(path: String)
    case newerSchema(path: String, found: Int, known: Int)
    case unreadable(path: String, reason: String)
    case readOnly(path: String)
    case diskFull(path: String)
    case busy(path: String)
    case damaged(path: String, reason: String)
    case failed(path: String, reason: String)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .notFound: "registry_not_found"
        case .folderUnusable: "registry_folder_unusable"
        case .isFolder: "registry_is_folder"
        case .notADatabase: "registry_not_a_database"
        case .foreign: "registry_foreign"
        case .newerSchema: "registry_newer_schema"
        case .unreadable: "registry_unreadable"
        case .readOnly: "registry_read_only"
        case .diskFull: "registry_disk_full"
        case .busy: "registry_busy"
        case .damaged: "registry_damaged"
        case .failed: "registry_failed"
        }
    }

    package var description: String {
        switch self {
        case .notFound(let path):
            "no registry at \(path): register a client first (usher client add NAME), "
                + "or say where it lies with --data"
        case .folderUnusable(let path, let reason):
            "the folder \(path) cannot be used (\(reason)): "
                + "make it one that this user may write to, or choose another with --data"
        case .isFolder(let path):
            "\(path) is a folder, and the registry is a file of that name: move the folder away"
        case .notADatabase(let path):
            "\(path) is no SQLite database: move it away, or put a backup of the registry there"
        case .foreign(let path):
            "\(path) is the SQLite database of another program, and stays as it is: "
                + "choose another folder with --data"
        case .newerSchema(let path, let found, let known):
            "\(path) was made by a newer usher (schema \(found), this one knows \(known)): "
                + "run that version, or a newer one"
        case .unreadable(let path, let reason):
            "\(path) cannot be opened (\(reason)): give this user the right to read and write it"
        case .readOnly(let path):
            "\(path) cannot be written: make the file, its folder and its file system writable"
        case .diskFull(let path):
            "no space left for \(path): nothing was changed; make room and try again"
        case .busy(let path):
            "\(path) is held by another process: nothing was changed; try again, "
                + "and look for a hanging usher if it stays so"
        case .damaged(let path, let reason):
            "\(path) is damaged (\(reason)): put a backup in its place"
        case .failed(let path, let reason): "\(path): \(reason)"
        }
    }
}

extension SQLiteFault {
    package var failure: RegistryFailure {
        .unavailable(RegistryTrouble(code: code, description: description, detail: detail))
    }

    private var detail: String? {
        switch self {
        case .newerSchema(_, let found, let known):
            "it was made by a newer usher: schema \(found), this one knows \(known)"
        case .damaged(_, let reason), .failed(_, let reason), .unreadable(_, let reason): reason
        case .diskFull: "no space is left"
        case .foreign: "it is another program's database"
        case .notADatabase: "it is no SQLite database"
        default: nil
        }
    }

    /// What an error out of SQLite means to an operator. The statement's arguments stay out of it.
    init(_ error: any Error, path: String) {
        if let known = error as? SQLiteFault {
            self = known
            return
        }
        guard let error = error as? DatabaseError else {
            self = .failed(path: path, reason: "\(type(of: error))")
            return
        }
        let reason = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        // SQLite reports a full disk in several ways, by what it was about to write.
        let mayBeFull = [.SQLITE_IOERR, .SQLITE_CANTOPEN].contains(error.resultCode)
        if mayBeFull, RegistryFile.isDiskFull(at: path) {
            self = .diskFull(path: path)
            return
        }
        switch error.resultCode {
        case .SQLITE_FULL: self = .diskFull(path: path)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
        case .SQLITE_READONLY: self = .readOnly(path: path)
        case .SQLITE_NOTADB: self = .notADatabase(path: path)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self = .unreadable(path: path, reason: reason)
        case .SQLITE_IOERR: self = .failed(path: path, reason: "\(reason): look at the disk")
        case .SQLITE_CORRUPT: self = .damaged(path: path, reason: reason)
        default: self = .failed(path: path, reason: reason)
        }
    }
}

extension RegistryFailure {
    init(_ error: any Error, path: String) {
        self = error as? RegistryFailure ?? SQLiteFault(error, path: path).failure
    }

    /// The value, or what went wrong at the file.
    static func of<Value>(
        _ path: String, _ body: () throws -> Value
    ) throws(RegistryFailure) -> Value {
        do {
            return try body()
        } catch {
            throw RegistryFailure(error, path: path)
        }
    }
}
