import Glibc

/// What the file system says about a path.
struct FileLook {
    let mode: mode_t
    let owner: uid_t
    let modifiedAt: Int64

    /// Nil where nothing lies there.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        mode = status.st_mode
        owner = status.st_uid
        modifiedAt = Int64(status.st_mtim.tv_sec)
    }

    var isFolder: Bool { mode & S_IFMT == S_IFDIR }
    /// Whether others have any right in it; the group counts among them unless it is allowed.
    func isOpenToOthers(butGroup: Bool) -> Bool { mode & (butGroup ? 0o007 : 0o077) != 0 }
    func isWritableByOthers(butGroup: Bool) -> Bool { mode & (butGroup ? 0o002 : 0o022) != 0 }
    var isOpenToGroup: Bool { mode & 0o070 != 0 }
    /// Of one that is in order.
    var groupNote: String {
        isOpenToGroup ? ", but for its group: keys-group-access is set" : ""
    }
    var permissions: String { String(mode & 0o777, radix: 8) }

    static func isWritable(_ path: String) -> Bool { unsafe access(path, W_OK) == 0 }
}

/// The folder that holds everything.
struct DataFolderLook {
    private static let check = "data_folder"
    private static let roomBytesMin: UInt64 = 64 << 20

    let path: String
    let allowsGroup: Bool

    func findings() -> [Finding] {
        guard let look = FileLook(path) else {
            return [
                .warning(
                    Self.check, "there is no \(path)",
                    "usher serve makes it; if yours lies elsewhere, say so with --data")
            ]
        }
        guard look.isFolder else {
            return [
                .problem(
                    Self.check, "\(path) is no folder", "move it away, or choose another: --data")
            ]
        }
        guard FileLook.isWritable(path) else {
            return [
                .problem(
                    Self.check, "\(User.name) may not write to \(path)",
                    "run as the service's user, or give the folder to it: chown")
            ]
        }
        return [permissions(look), room()]
    }

    private func permissions(_ look: FileLook) -> Finding {
        if look.isWritableByOthers(butGroup: allowsGroup) {
            return .problem(
                Self.check, "others may write to \(path) (mode \(look.permissions))",
                "chmod 700 \"\(path)\"")
        }
        if look.isOpenToOthers(butGroup: allowsGroup) {
            return .warning(
                Self.check, "\(path) is open to others (mode \(look.permissions))",
                "chmod 700 \"\(path)\"")
        }
        return .ok(Self.check, "\(path) is closed to others\(look.groupNote)")
    }

    private func room() -> Finding {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else {
            return .notChecked("disk_space", "the file system of \(path) does not tell", nil)
        }
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        guard free >= Self.roomBytesMin else {
            return .warning(
                "disk_space", "\(free >> 20) MiB are left for \(path)",
                "make room: without it nothing can be registered, rotated or revoked")
        }
        return .ok("disk_space", "\(free >> 20) MiB are left")
    }
}

/// Whether the machine's clock can be right.
struct ClockLook {
    /// The first second of 2026: this program is not older.
    private static let earliest: Int64 = 1_767_225_600
    private static let leewaySeconds: Int64 = 30

    struct Dated {
        let what: String
        let at: Int64
    }

    let now: Int64

    func finding(_ dates: [Dated]) -> Finding {
        let advice = "set the clock (timedatectl): by a wrong one every token is refused"
        guard now >= Self.earliest else {
            return .problem("clock", "it says \(Clock.text(now)), which cannot be", advice)
        }
        guard let newest = dates.max(by: { $0.at < $1.at }) else {
            return .ok("clock", "it says \(Clock.text(now)), and nothing here contradicts it")
        }
        guard newest.at <= now + Self.leewaySeconds else {
            return .problem(
                "clock",
                "it says \(Clock.text(now)), but \(newest.what) is of \(Clock.text(newest.at)), "
                    + "which is yet to come", advice)
        }
        return .ok("clock", "it says \(Clock.text(now)), after everything that is dated here")
    }
}
