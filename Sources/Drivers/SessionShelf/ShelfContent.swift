package import Files

/// What was taken from the shelf.
package enum ShelfContent: Equatable, Sendable {
    /// Nobody has put anything there.
    case nothing
    case bytes([UInt8])
    /// It was taken away unread where that was possible, or is not for this process.
    case ignored(ShelfRefusal)
}

/// Why what lies on the shelf is not used.
package enum ShelfRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process has the lock.
    case locked(path: String)
    case tooLarge(path: String, bytesMax: Int)
    /// A folder, a symbolic link, a pipe.
    case notAFile(path: String)
    case foreign(path: String, owner: UInt32)
    /// Others than its owner may write to it.
    case tooOpen(path: String, mode: UInt32)
    case unreadable(path: String, FileFailure)
    /// It cannot be taken away for good.
    case notRemoved(path: String, FileFailure)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .locked: "locked"
        case .tooLarge: "too_large"
        case .notAFile, .foreign, .tooOpen, .unreadable, .notRemoved: "unreadable"
        }
    }

    package var description: String {
        switch self {
        case .locked(let path):
            "another relay runs on this data folder and has \(path): give each its own --data"
        case .tooLarge(let path, let bytesMax): "\(path) had more than \(bytesMax) bytes"
        case .notAFile(let path):
            "\(path) was no file: leave that name in the data folder to usher"
        case .foreign(let path, let owner):
            "\(path) belonged to user \(owner): run usher serve always as the same user"
        case .tooOpen(let path, let mode):
            "others might write to \(path) (mode \(String(mode, radix: 8))): leave it as it is made"
        case .unreadable(let path, let failure): "\(path) could not be read: \(failure)"
        case .notRemoved(let path, let failure):
            "\(path) cannot be taken away, so it was not used: \(failure); remove it, and see to "
                + "it that usher may write to the data folder"
        }
    }
}

/// Why there is no shelf, or nothing was put on it.
package enum ShelfError: Error, Equatable, Sendable, CustomStringConvertible {
    case folderUnusable(path: String, FileFailure)
    case lockUnusable(path: String, FileFailure)
    /// Empty, or longer than a host's name can be.
    case badNode(String)
    /// Another process has the lock.
    case locked(path: String)
    case unwritable(path: String, FileFailure)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .folderUnusable: "shelf_folder_unusable"
        case .lockUnusable: "shelf_lock_unusable"
        case .badNode: "shelf_bad_node"
        case .locked: "locked"
        case .unwritable: "shelf_unwritable"
        }
    }

    package var description: String {
        switch self {
        case .folderUnusable(let path, let failure):
            "the data folder \(path) cannot be used: \(failure); make it yours, or name another "
                + "with --data"
        case .lockUnusable(let path, let failure):
            "\(path) cannot be locked: \(failure); remove it while no relay runs, and see to it "
                + "that usher may write to the data folder"
        case .badNode(let node): "\(node) is no node's name: those have 1 to 64 bytes"
        case .locked(let path):
            "another relay runs on this data folder and has \(path): give each its own --data"
        case .unwritable(let path, let failure):
            "\(path) cannot be written: \(failure); make room, or see to it that usher may write "
                + "to the data folder"
        }
    }
}
