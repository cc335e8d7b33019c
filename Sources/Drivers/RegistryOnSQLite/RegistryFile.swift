import Files
import Glibc

/// The registry's file before SQLite sees it: whether it is there, and made private when it is not.
enum RegistryFile {
    /// Makes sure that a regular file lies at `path`.
    ///
    /// A missing one is an error where it `mustExist`; else it is made, empty, with mode 0600 in a
    /// folder of mode 0700. What SQLite puts beside it takes the file's mode.
    static func prepare(path: String, mustExist: Bool) throws(SQLiteFault) {
        switch kind(of: path) {
        case .file: try checkAccess(path)
        case .folder: throw .isFolder(path: path)
        case .other(let reason): throw .unreadable(path: path, reason: reason)
        case .missing:
            guard !mustExist else { throw .notFound(path: path) }
            try makeFolder(parent(of: path))
            try makeFile(path)
        }
    }

    /// Whether the first bytes are those of a SQLite database; an empty file is one to be.
    static func looksLikeDatabase(_ path: String) -> Bool {
        let magic = Array("SQLite format 3\0".utf8)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return true }  // SQLite will say what is wrong.
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: magic.count)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        return count <= 0 || bytes == magic
    }

    /// Which file lies at a path, whatever its name was before.
    struct Identity: Equatable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    /// Nil where none can be seen.
    static func identity(of path: String) -> Identity? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    static func isMissing(_ path: String) -> Bool {
        if case .missing = kind(of: path) { true } else { false }
    }

    private enum Kind { case file, folder, missing, other(String) }

    private static func kind(of path: String) -> Kind {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            return errno == ENOENT ? .missing : .other(errorText())
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other("not a regular file")
        }
    }

    private static func checkAccess(_ path: String) throws(SQLiteFault) {
        guard unsafe access(path, R_OK) == 0 else {
            throw .unreadable(path: path, reason: errorText())
        }
        guard unsafe access(path, W_OK) == 0 else { throw .readOnly(path: path) }
    }

    private static func makeFile(_ path: String) throws(SQLiteFault) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {  // Another process may have been quicker.
            try refuse(path, FileFailure(errorNumber: errno))
        }
    }

    private static func makeFolder(_ path: String) throws(SQLiteFault) {
        do throws(FileFailure) {
            try OpenFolder.make(path: path, modeAbove: 0o755)
        } catch {
            try refuse(path, error)
        }
    }

    private static func refuse(_ path: String, _ failure: FileFailure) throws(SQLiteFault) {
        if failure.errorNumber == ENOSPC { throw .diskFull(path: path) }
        throw .folderUnusable(path: path, reason: "\(failure)")
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Whether hardly anything can be written where `path` lies.
    static func isDiskFull(at path: String) -> Bool {
        var status = statvfs()
        guard unsafe statvfs(parent(of: path), &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 65_536
    }

    private static func errorText() -> String { unsafe String(cString: strerror(errno)) }
}
