package import Glibc

/// A folder held open, so that what is checked, read and written is in one and the same. Closed by
/// `deinit`, which ends its lock as well.
package struct OpenFolder: ~Copyable, Sendable {
    package let path: String
    package let descriptor: Int32
    private let syncing: @Sendable (_ descriptor: Int32) -> Int32

    /// Opens a folder that is there.
    ///
    /// - Parameters:
    ///   - path: Where it is.
    ///   - syncing: What puts a file or a folder on the disk; another than `fsync` for tests of
    ///     disks that fail.
    /// - Throws: What kept it from being opened.
    package init(
        path: String, syncing: @escaping @Sendable (_ descriptor: Int32) -> Int32 = { fsync($0) }
    ) throws(FileFailure) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(errorNumber: errno) }
        self.path = path
        self.syncing = syncing
    }

    deinit { close(descriptor) }

    /// Makes a folder for its owner alone, and those above it with a mode of theirs, where they are
    /// missing.
    package static func make(path: String, modeAbove: mode_t) throws(FileFailure) {
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw FileFailure(errorNumber: ENOTDIR)
            }
            return
        }
        guard errno == ENOENT else { throw FileFailure(errorNumber: errno) }
        var made = path.hasPrefix("/") ? "/" : ""
        let parts = path.split(separator: "/")
        for (index, part) in parts.enumerated() {
            made += made.isEmpty || made == "/" ? String(part) : "/\(part)"
            let mode = index == parts.count - 1 ? 0o700 : modeAbove
            guard unsafe mkdir(made, mode) == 0 || errno == EEXIST else {
                throw FileFailure(errorNumber: errno)
            }
        }
    }

    package func path(of name: String) -> String {
        path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    package func status() throws(FileFailure) -> stat {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw FileFailure(errorNumber: errno)
        }
        return status
    }

    /// In alphabetical order, without `.` and `..`.
    package func names() throws(FileFailure) -> [String] {
        // Opened anew: a duplicate would share its place in the listing.
        let listed = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard listed >= 0, let stream = unsafe fdopendir(listed) else {
            throw FileFailure(errorNumber: errno)
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

    /// What a new file finds where it is to lie.
    package enum Place: Sendable {
        /// Whatever is there gives way.
        case any
        /// Nothing: a file that bears the name stays, and `EEXIST` is thrown.
        case free
        /// One whose place it takes, with its owner and mode.
        case of(stat)
    }

    /// Makes a file that is there whole or not at all, and for good. It has mode 0600 and is the
    /// folder's owner's.
    ///
    /// - Parameters:
    ///   - bytes: Its content.
    ///   - name: Its name in the folder.
    ///   - draft: Its name until it is whole. That must be the writer's alone: what bears it is
    ///     taken away. A writer that is killed may leave it behind.
    ///   - place: What it may find there.
    /// - Throws: Where it cannot be written; then no draft is left. `name` is as it was, unless it
    ///   is but the folder that could not be written.
    package func write(
        _ bytes: [UInt8], as name: String, draft: String, in place: Place = .any
    ) throws(FileFailure) {
        unsafe unlinkat(descriptor, draft, 0)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = unsafe openat(descriptor, draft, flags, 0o600)
        guard file >= 0 else { throw FileFailure(errorNumber: errno) }
        var failure = give(file, place) ? FileBytes.write(bytes[...], to: file) : errno
        if failure == 0, syncing(file) != 0 { failure = errno }
        close(file)
        if failure == 0, !put(draft, name, place) { failure = errno }
        guard failure == 0 else {
            unsafe unlinkat(descriptor, draft, 0)
            throw FileFailure(errorNumber: failure)
        }
        try sync()
    }

    private func give(_ file: Int32, _ place: Place) -> Bool {
        guard case .of(let status) = place else { return give(file) }
        return fchown(file, status.st_uid, status.st_gid) == 0
            && fchmod(file, status.st_mode & 0o777) == 0
    }

    private func put(_ draft: String, _ name: String, _ place: Place) -> Bool {
        guard case .free = place else {
            return unsafe renameat(descriptor, draft, descriptor, name) == 0
        }
        guard unsafe linkat(descriptor, draft, descriptor, name, 0) == 0 else { return false }
        unsafe unlinkat(descriptor, draft, 0)
        return true
    }

    /// Gives a file another name, for good.
    package func rename(_ name: String, to newName: String) throws(FileFailure) {
        guard unsafe renameat(descriptor, name, descriptor, newName) == 0 else {
            throw FileFailure(errorNumber: errno)
        }
        try sync()
    }

    /// Takes a file away, for good.
    package func remove(_ name: String) throws(FileFailure) {
        guard unsafe unlinkat(descriptor, name, 0) == 0 else {
            throw FileFailure(errorNumber: errno)
        }
        try sync()
    }

    /// Gives a file to the folder's owner, where root may do that: whoever owns the folder can
    /// then use what root has made in it.
    package func give(_ file: Int32) -> Bool {
        guard geteuid() == 0 else { return true }
        guard let status = try? status() else { return false }
        return fchown(file, status.st_uid, status.st_gid) == 0
    }

    /// Makes the names in it last.
    private func sync() throws(FileFailure) {
        guard syncing(descriptor) == 0 else { throw FileFailure(errorNumber: errno) }
    }
}

/// What the kernel said.
package struct FileFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let errorNumber: Int32

    package init(errorNumber: Int32) { self.errorNumber = errorNumber }

    package var description: String { unsafe String(cString: strerror(errorNumber)) }
}
