import Files
import Glibc
import Locking

/// The file in the data folder on which sessions lie between two processes of a relay, and the lock
/// by which one process at a time has to do with it.
///
/// What lies on it is used once: whoever takes it takes it away first. It is there whole or not at
/// all. The lock is one of the kernel's (`flock`), so it ends with the process, however that ends.
/// Where the file system knows no such locks, as some that are mounted over a network, nobody is
/// kept out; two that take the file at once still don't get it both.
package final class ShelfFile: Sendable {
    private let folder: OpenFolder
    private let name: String
    private let allowsGroup: Bool
    /// The descriptor that holds the lock.
    private let lock: Lock<Int32?>

    /// Takes the lock, without waiting for it.
    ///
    /// - Parameters:
    ///   - path: The data folder, which must be there.
    ///   - node: Which of the relays that share the folder this is, where they are several.
    ///   - allowsGroup: Whether the folder's group may write to the file, as it may where
    ///     Kubernetes mounts a volume with `fsGroup`. It is made with mode 0600.
    /// - Throws: Where folder or lock cannot be used. A relay can do without a shelf.
    package convenience init(
        folder path: String, node: String? = nil, allowsGroup: Bool = false
    ) throws(ShelfError) {
        let folder: OpenFolder
        do throws(FileFailure) {
            folder = try OpenFolder(path: path)
        } catch {
            throw .folderUnusable(path: path, error)
        }
        try self.init(in: folder, node: node, allowsGroup: allowsGroup)
    }

    init(
        in folder: consuming OpenFolder, node: String?, allowsGroup: Bool
    ) throws(ShelfError) {
        let ending = try Self.ending(node)
        lock = Lock(try Self.locked("relay\(ending).lock", in: folder))
        name = "sessions\(ending).shelf"
        self.folder = folder
        self.allowsGroup = allowsGroup
    }

    deinit { release() }

    package var path: String { folder.path(of: name) }

    /// Whether this process has the lock. Without it the shelf is neither read nor written.
    package var isOurs: Bool { lock.withLock { $0 != nil } }

    /// Lets the lock go before the process ends.
    package func release() {
        lock.withLock { descriptor in
            if let descriptor { close(descriptor) }
            descriptor = nil
        }
    }

    /// Takes what lies on the shelf, which is empty and stays so when this returns, also after a
    /// power cut.
    ///
    /// - Parameter bytesMax: What is longer is dropped.
    /// - Returns: The bytes, or why there are none. What is not used is gone as well, where it
    ///   could be taken away and another process has not the lock.
    package func take(bytesMax: Int) -> ShelfContent {
        guard isOurs else { return .ignored(.locked(path: path)) }
        unsafe unlinkat(folder.descriptor, draft, 0)
        let found = read(bytesMax: bytesMax)
        if case .nothing = found { return .nothing }
        do throws(FileFailure) {
            try folder.remove(name)
        } catch {
            // Whatever was read may be read again, after a crash if not at the next start.
            return .ignored(.notRemoved(path: path, error))
        }
        return found
    }

    /// Puts bytes on the shelf, in place of what may lie there.
    ///
    /// - Throws: Where they cannot be written; then nothing lies there.
    package func put(_ bytes: [UInt8]) throws(ShelfError) {
        guard isOurs else { throw .locked(path: path) }
        do throws(FileFailure) {
            try folder.write(bytes, as: name, draft: draft)
        } catch {
            unsafe unlinkat(folder.descriptor, name, 0)
            throw .unwritable(path: path, error)
        }
    }

    // MARK: The parts

    /// What the file is called until it is whole.
    private var draft: String { ".\(name).new" }

    private func read(bytesMax: Int) -> ShelfContent {
        // Not to wait for a writer, should it be a pipe.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let file = unsafe openat(folder.descriptor, name, flags)
        guard file >= 0 else {
            switch errno {
            case ENOENT: return .nothing
            case ELOOP: return .ignored(.notAFile(path: path))
            default: return .ignored(.unreadable(path: path, FileFailure(errorNumber: errno)))
            }
        }
        defer { close(file) }
        do throws(FileFailure) {
            let status = try Self.status(of: file)
            if let fault = try fault(status, bytesMax: bytesMax) { return .ignored(fault) }
            let (bytes, failure) = FileBytes.read(file, bytesMax: Int(status.st_size))
            guard failure == 0 else { throw FileFailure(errorNumber: failure) }
            return .bytes(bytes)
        } catch {
            return .ignored(.unreadable(path: path, error))
        }
    }

    /// Why it is not to be read, if it is not.
    private func fault(_ status: stat, bytesMax: Int) throws(FileFailure) -> ShelfRefusal? {
        guard status.st_mode & S_IFMT == S_IFREG else { return .notAFile(path: path) }
        // What root has written belongs to the folder's owner.
        guard [geteuid(), try folder.status().st_uid].contains(status.st_uid) else {
            return .foreign(path: path, owner: status.st_uid)
        }
        let mode = status.st_mode & 0o777
        guard mode & (allowsGroup ? 0o002 : 0o022) == 0 else {
            return .tooOpen(path: path, mode: mode)
        }
        guard status.st_size <= bytesMax else { return .tooLarge(path: path, bytesMax: bytesMax) }
        return nil
    }

    private static func status(of file: Int32) throws(FileFailure) -> stat {
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw FileFailure(errorNumber: errno) }
        return status
    }

    /// The descriptor that holds the lock, or nil where another one does.
    private static func locked(
        _ name: String, in folder: borrowing OpenFolder
    ) throws(ShelfError) -> Int32? {
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let file = unsafe openat(folder.descriptor, name, flags, 0o600)
        guard file >= 0, folder.give(file) else {
            let failure = FileFailure(errorNumber: errno)
            if file >= 0 { close(file) }
            throw .lockUnusable(path: folder.path(of: name), failure)
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(file)
            return nil
        }
        return file
    }

    /// What tells the files of one node from those of another: ASCII letters, digits and `-` stand
    /// for themselves, other bytes are escaped as in a URL.
    private static func ending(_ node: String?) throws(ShelfError) -> String {
        guard let node else { return "" }
        guard (1...nodeBytesMax).contains(node.utf8.count) else { throw .badNode(node) }
        return node.utf8.reduce(into: "-") { ending, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                ending.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                ending += (byte < 16 ? "%0" : "%") + String(byte, radix: 16)
            }
        }
    }

    /// The longest name of a host; escaped it still fits a file's.
    private static let nodeBytesMax = 64
}
