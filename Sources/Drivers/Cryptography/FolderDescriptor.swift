import Glibc

/// A folder held open, so that what is checked and what is read is one and the same. Closed, and
/// with it unlocked, by `deinit`.
struct FolderDescriptor: ~Copyable {
    private let descriptor: Int32
    private let path: String

    private init(_ descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Opens the folder; makes it, and its parents, with mode 0700 where it is missing.
    static func open(path: String) throws(KeyFolderError) -> FolderDescriptor {
        var descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT {
            try makeFolders(path)
            descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { throw .folderUnusable(path: path, errorNumber: errno) }
        return FolderDescriptor(descriptor, path: path)
    }

    func path(of name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

    /// Only its owner may have any right in it.
    func checkMode() throws(KeyFolderError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .folderUnusable(path: path, errorNumber: errno)
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else { throw .folderTooOpen(path: path, mode: mode) }
    }

    /// Waits until no other process holds the folder's lock. Where the file system knows no such
    /// locks (NFS) two processes may make a key each; the next start then says so.
    func lock() {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { return }
        }
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

    /// Reads a file that only its owner may read.
    func read(_ name: String, bytesMax: Int) throws(KeyFolderError) -> [UInt8] {
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
        guard mode & 0o077 == 0 else { throw .fileTooOpen(path: path(of: name), mode: mode) }
        guard status.st_size <= bytesMax else {
            throw .fileTooLong(path: path(of: name), bytesMax: bytesMax)
        }
        guard let bytes = Self.readAll(file, bytesMax: bytesMax) else {
            throw .unreadableFile(path: path(of: name), errorNumber: errno)
        }
        return bytes
    }

    /// Makes a file with mode 0600 that is there whole or not at all.
    func write(_ bytes: [UInt8], as name: String) throws(KeyFolderError) {
        let temporary = ".new-\(SecureRandom.uint64())"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        let file = unsafe openat(descriptor, temporary, flags, 0o600)
        guard file >= 0 else { throw .unwritable(path: path, errorNumber: errno) }
        let isWritten = Self.writeAll(bytes, to: file) && fsync(file) == 0
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

    private static func makeFolders(_ path: String) throws(KeyFolderError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/\(part)"
            guard unsafe mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw .folderUnusable(path: made, errorNumber: errno)
            }
        }
    }

    private static func readAll(_ file: Int32, bytesMax: Int) -> [UInt8]? {
        var isRead = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: bytesMax) { buffer, filled in
            while filled < bytesMax {
                let count = unsafe Glibc.read(
                    file, buffer.baseAddress?.advanced(by: filled), bytesMax - filled)
                if count < 0, errno == EINTR { continue }
                isRead = count >= 0
                guard count > 0 else { return }
                filled += count
            }
        }
        return isRead ? bytes : nil
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
