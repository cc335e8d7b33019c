import Cryptography
import Glibc

/// A file for its owner alone that gets its name when it is whole. What was not given one is taken
/// away.
final class DraftFile {
    let path: String
    let descriptor: Int32
    private let id = SecureRandom.uint64()
    private var isThere = true

    /// Makes it in the folder where it is to be in the end, so that the name can be given at once.
    init(in folder: String, for purpose: String) throws(CommandFailure) {
        path = "\(folder)/.usher-\(purpose)-\(getpid())-\(id)"
        Drafts.add(path, as: id)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else {
            isThere = false
            throw Self.failure("\(folder) cannot be written to")
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if isThere { unsafe Glibc.unlink(path) }
        Drafts.remove(id)
    }

    /// What was opened stays readable by its descriptor.
    func unlink() {
        unsafe Glibc.unlink(path)
        isThere = false
    }

    /// Gives it to the folder's owner, where root may do that.
    func give(toOwnerOf folder: String) {
        var status = stat()
        guard geteuid() == 0, unsafe stat(folder, &status) == 0 else { return }
        _ = fchown(descriptor, status.st_uid, status.st_gid)
    }

    /// Gives it its name, for good.
    ///
    /// - Throws: Where a file of that name is there and is not to be replaced.
    func commit(as name: String, replacing: Bool) throws(CommandFailure) {
        guard fsync(descriptor) == 0 else { throw Self.failure("\(name) cannot be written") }
        var isDone = false
        if !replacing {
            isDone = unsafe link(path, name) == 0
            if !isDone, errno == EEXIST {
                throw CommandFailure("\(name) is there already, and was left as it is")
            }
            // Some file systems, those of memory sticks say, know no second name.
            if isDone { unsafe Glibc.unlink(path) }
        }
        guard unsafe isDone || rename(path, name) == 0 else {
            throw Self.failure("\(name) cannot be written")
        }
        isThere = false
        Folder.sync(Folder.of(name))
    }

    private static func failure(_ what: String) -> CommandFailure {
        CommandFailure("\(what): \(unsafe String(cString: strerror(errno)))")
    }
}

/// Folders by their paths.
enum Folder {
    /// The one in which a file lies.
    static func of(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes names in it last.
    static func sync(_ path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
