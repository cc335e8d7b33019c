import Bytes
import Files
import Glibc

/// Reads the files of a folder of public keys, and tells cheaply whether one has changed.
enum FolderReader {
    /// What differs when a file was written anew, replaced or moved.
    struct Stamp: Equatable, Sendable {
        fileprivate let inode: UInt64
        fileprivate let byteCount: Int
        fileprivate let seconds: Int
        fileprivate let nanoseconds: Int

        fileprivate init(_ status: stat) {
            inode = UInt64(status.st_ino)
            byteCount = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    static let filesMax = 32
    static let bytesMax = 65_536
    private static let endings: [ByteText] = [".jwk", ".json", ".pem"]

    /// The names of the key files, in alphabetical order: those that end in `.jwk`, `.json` or
    /// `.pem` and do not begin with a dot. Nil where the folder cannot be listed.
    static func names(in path: String) -> [ByteText]? {
        guard let stream = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(stream) }
        var names: [ByteText] = []
        while let entry = unsafe readdir(stream) {
            let text = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let name = ByteText(text)
            let isKeyFile = endings.contains { name.hasSuffix($0) && name.count > $0.count }
            if isKeyFile, !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// Follows symbolic links, for that is how Kubernetes puts files into place.
    static func stamp(of path: String) -> Stamp? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Stamp(status) : nil
    }

    /// Nil where it is no plain file of 64 KiB at most, or cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        // Not to wait for a writer, should it be a pipe.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= bytesMax
        else { return nil }
        let (bytes, failure) = FileBytes.read(file, bytesMax: bytesMax + 1)
        return failure == 0 && bytes.count <= bytesMax ? bytes : nil
    }
}
