import Cryptography
import Files
import Glibc

/// A folder of keys held open. Closed, and with it unlocked, by `deinit`.
struct FolderDescriptor: ~Copyable {
    private let folder: OpenFolder
    /// The rights that nobody may have in the folder or a file.
    private let forbidden: mode_t

    private var descriptor: Int32 { folder.descriptor }
    private var path: String { folder.path }

    /// Opens a folder that is there.
    init(path: String, allowsGroup: Bool) throws(KeyStoreError) {
        do throws(FileFailure) {
            folder = try OpenFolder(path: path)
        } catch {
            if error.errorNumber == ENOENT { throw .missing(path: path) }
            throw .folderUnusable(path: path, errorNumber: error.errorNumber)
        }
        forbidden = allowsGroup ? 0o007 : 0o077
    }

    /// Makes the folder, and its parents, with mode 0700 where they are missing.
    static func make(path: String) throws(KeyStoreError) {
        do throws(FileFailure) {
            try OpenFolder.make(path: path, modeAbove: 0o700)
        } catch {
            throw .folderUnusable(path: path, errorNumber: error.errorNumber)
        }
    }

    func path(of name: String) -> String { folder.path(of: name) }

    /// Only its owner may have any right in it, and its group where that is allowed.
    func checkMode() throws(KeyStoreError) {
        let mode = try using { () throws(FileFailure) in try folder.status() }.st_mode & 0o777
        guard mode & forbidden == 0 else { throw .folderTooOpen(path: path, mode: mode) }
    }

    enum Lock {
        case shared, exclusive
        fileprivate var operation: Int32 { self == .shared ? LOCK_SH : LOCK_EX }
    }

    /// Waits for the folder's lock: any number of readers or one writer hold it. Where the file
    /// system knows no such locks (NFS) two processes may make a key each; the next start then says
    /// so.
    func lock(_ lock: Lock) {
        while flock(descriptor, lock.operation) != 0 {
            guard errno == EINTR else { return }
        }
    }

    /// A reader's lock without waiting; false while somebody writes.
    func tryLock() -> Bool {
        flock(descriptor, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK
    }

    /// In alphabetical order, without `.` and `..`.
    func names() throws(KeyStoreError) -> [String] {
        try using { () throws(FileFailure) in try folder.names() }
    }

    /// Everything about the folder and its files that changes when they do, but the content.
    func marks() throws(KeyStoreError) -> [FileMark] {
        try (["."] + names()).map { name throws(KeyStoreError) in
            var status = stat()
            guard unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw .unreadableFile(path: path(of: name), errorNumber: errno)
            }
            return FileMark(name, status)
        }
    }

    /// Reads a file that only its owner may read, and its group where that is allowed.
    ///
    /// - Returns: Its content, and when it last changed in any way (seconds since the epoch).
    func read(
        _ name: String, bytesMax: Int
    ) throws(KeyStoreError) -> (bytes: [UInt8], changedAt: Int64) {
        // Not to wait for a writer, should it be a pipe.
        let file = unsafe openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .unreadableFile(path: path(of: name), errorNumber: errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else {
            throw .unreadableFile(path: path(of: name), errorNumber: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unexpectedFile(path: path(of: name))
        }
        let mode = status.st_mode & 0o777
        guard mode & forbidden == 0 else {
            throw .fileTooOpen(path: path(of: name), mode: mode)
        }
        guard status.st_size <= bytesMax else {
            throw .fileTooLong(path: path(of: name), bytesMax: bytesMax)
        }
        guard let bytes = SecretReading.all(of: file, bytesMax: bytesMax) else {
            throw .unreadableFile(path: path(of: name), errorNumber: errno)
        }
        return (bytes, Int64(status.st_ctim.tv_sec))
    }

    private static let temporaryPrefix = ".new-"

    /// Takes away what a writer that died has left. To be called with the lock held.
    func removeLeftovers() throws(KeyStoreError) {
        for name in try names() where name.hasPrefix(Self.temporaryPrefix) {
            unsafe unlinkat(descriptor, name, 0)
        }
    }

    /// Gives a file another name, for good.
    func rename(_ name: String, to newName: String) throws(KeyStoreError) {
        guard name != newName else { return }
        try writing { () throws(FileFailure) in try folder.rename(name, to: newName) }
    }

    func remove(_ name: String) throws(KeyStoreError) {
        try writing { () throws(FileFailure) in try folder.remove(name) }
    }

    /// Makes a file with mode 0600 that is there whole or not at all. It belongs to whom the folder
    /// belongs, also when root makes it.
    func write(_ bytes: [UInt8], as name: String) throws(KeyStoreError) {
        let draft = Self.temporaryPrefix + "\(SecureRandom.uint64())"
        try writing { () throws(FileFailure) in try folder.write(bytes, as: name, draft: draft) }
    }

    private func using<Result>(
        _ body: () throws(FileFailure) -> Result
    ) throws(KeyStoreError) -> Result {
        do throws(FileFailure) {
            return try body()
        } catch {
            throw .folderUnusable(path: path, errorNumber: error.errorNumber)
        }
    }

    private func writing(_ body: () throws(FileFailure) -> Void) throws(KeyStoreError) {
        do throws(FileFailure) {
            try body()
        } catch {
            throw .unwritable(path: path, errorNumber: error.errorNumber)
        }
    }
}

/// What a file looks like from outside.
struct FileMark: Sendable, Equatable {
    private let name: String
    private let numbers: [Int64]

    fileprivate init(_ name: String, _ status: stat) {
        self.name = name
        numbers = [
            Int64(truncatingIfNeeded: status.st_ino), Int64(status.st_mode), Int64(status.st_uid),
            Int64(status.st_size), Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec),
            Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec),
        ]
    }
}
