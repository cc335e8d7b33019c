import Glibc

/// Held by every service on its data folder, shared, and alone by whoever puts another registry
/// there.
struct DataFolderLock {
    enum Kind { case shared, exclusive }

    private let descriptor: Int32

    /// nil where there is no such folder. Where the file system knows no such locks, as some that
    /// are mounted over a network, nobody is kept out.
    ///
    /// - Throws: Where the other kind is held.
    static func take(_ kind: Kind, of folder: String) throws(CommandFailure) -> DataFolderLock? {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let operation = kind == .shared ? LOCK_SH : LOCK_EX
        guard flock(descriptor, operation | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(descriptor)
            throw CommandFailure(
                kind == .shared
                    ? "\(folder) is being restored, or copied into: start when that is done"
                    : "a service runs on \(folder): stop it first, or name another --data")
        }
        return DataFolderLock(descriptor: descriptor)
    }

    func release() { close(descriptor) }
}
