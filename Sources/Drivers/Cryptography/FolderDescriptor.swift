import Glibc

/// A folder held open, so that what is checked and what is read is one and the same. Closed, and
/// with it unlocked, by `deinit`.
struct FolderDescriptor: ~Copyable {
    private let descriptor: Int32
    private let path: String
    /// The rights that nobody may have in the folder or a file.
    private let forbidden: mode_t

    private init(_ descriptor: Int32, path: String, allowsGroup: Bool) {
        self.descriptor = descriptor
        self.path = path
        forbidden = allowsGroup ? 0o007 : 0o077
    }

    deinit { close(descriptor) }

    /// Opens a folder that is there.
    static func open(path: String, allowsGroup: Bool) throws(KeyFolderError) -> FolderDescriptor {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw .missing(path: path) }
            throw .folderUnusable(path: path, errorNumber: errno)
        }
        return FolderDescriptor(descriptor, path: path, allowsGroup: allowsGroup)
    }

    /// Makes the folder, and its parents, with mode 0700 where they are missing.
    static func make(path: String) throws(KeyFolderError) {
        guard unsafe access(path, F_OK) != 0 else { return }
        try makeFolders(path)
    }

    func path(of name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

    /// Only its owner may have any right in it, and its group where that is allowed.
    func checkMode() throws(KeyFolderError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .folderUnusable(path: path, errorNumber: errno)
        }
        let mode = status.st_mode & 0o777
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
    func names() throws(KeyFolderError) -> [String] {
        // Opened anew: a duplicate would share its place in the listing.
        let listed = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard listed >= 0, let stream = unsafe fdopendir(listed) else {
            throw .folderUnusable(path: path, errorNumber: errno)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Everything about the folder and its files that changes when they do, but the content.
    func marks() throws(KeyFolderError) -> [FileMark] {
        try (["."] + names()).map { name throws(KeyFolderError) in
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
    ) throws(KeyFolderError) -> (bytes: [UInt8], changedAt: Int64) {
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
    func removeLeftovers() throws(KeyFolderError) {
        for name in try names() where name.hasPrefix(Self.temporaryPrefix) {
            unsafe unlinkat(descriptor, name, 0)
        }
    }

    /// Gives a file another name, for good.
    func rename(_ name: String, to newName: String) throws(KeyFolderError) {
        guard name != newName else { return }
        guard unsafe renameat(descriptor, name, descriptor, newName) == 0, fsync(descriptor) == 0
        else { throw .unwritable(path: path, errorNumber: errno) }
    }

    func remove(_ name: String) throws(KeyFolderError) {
        guard unsafe unlinkat(descriptor, name, 0) == 0, fsync(descriptor) == 0 else {
            throw .unwritable(path: path, errorNumber: errno)
        }
    }

    /// Makes a file with mode 0600 that is there whole or not at all. It belongs to whom the folder
    /// belongs, also when root makes it.
    func write(_ bytes: [UInt8], as name: String) throws(KeyFolderError) {
        let temporary = Self.temporaryPrefix + "\(SecureRandom.uint64())"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        let file = unsafe openat(descriptor, temporary, flags, 0o600)
        guard file >= 0 else { throw .unwritable(path: path, errorNumber: errno) }
        let isWritten = give(file) && Self.writeAll(bytes, to: file) && fsync(file) == 0
        let failure = errno
        close(file)
        guard isWritten else {
            unsafe unlinkat(descriptor, temporary, 0)
            throw .unwritable(path: path, errorNumber: failure)
        }
        let isRenamed = unsafe renameat(descriptor, temporary, descriptor, name) == 0
        guard isRenamed, fsync(descriptor) == 0 else {
            let failure = errno
            unsafe unlinkat(descriptor, temporary, 0)
            throw .unwritable(path: path, errorNumber: failure)
        }
    }

    /// Gives the file to the folder's owner, where root may do that.
    private func give(_ file: Int32) -> Bool {
        var status = stat()
        guard geteuid() == 0 else { return true }
        return unsafe fstat(descriptor, &status) == 0
            && fchown(file, status.st_uid, status.st_gid) == 0
    }

    private static func makeFolders(_ path: String) throws(KeyFolderError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/\(part)"
            guard unsafe mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw .folderUnusable(path: made, errorNumber: errno)
            }
        }
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = unsafe Glibc.write(
                    file, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                written += count
            }
            return true
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
