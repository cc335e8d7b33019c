import Glibc

/// What is wrong with a file of the master key. Never holds anything of its content.
package enum MasterKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(path: String)
    case unreadable(path: String, errorNumber: Int32)
    case notAFile(path: String)
    /// Others than its owner may read it.
    case tooOpen(path: String, mode: UInt32)
    /// Longer than two lines are.
    case tooLong(path: String)
    case empty(path: String)
    case malformedLine(path: String, number: Int)
    /// The key in it is not the one of the id beside it.
    case damagedLine(path: String, number: Int)
    case tooManyLines(path: String, count: Int)
    /// Both lines hold the same key.
    case twice(path: String)
    /// A new one was to be made where a file lies.
    case exists(path: String)
    case unwritable(path: String, errorNumber: Int32)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .missing: "master_key_missing"
        case .unreadable: "master_key_unreadable"
        case .notAFile: "master_key_not_a_file"
        case .tooOpen: "master_key_permissions"
        case .tooLong, .malformedLine, .tooManyLines, .twice: "master_key_malformed"
        case .empty: "master_key_empty"
        case .damagedLine: "master_key_damaged"
        case .exists: "master_key_exists"
        case .unwritable: "master_key_unwritable"
        }
    }

    package var description: String {
        switch self {
        case .missing(let path):
            "there is no master key file \(path): usher key master new makes one, once for all "
                + "hosts; else copy it from another host"
        case .unreadable(let path, let number):
            "the master key file \(path) cannot be read: \(Self.text(number)); "
                + "give it to the service's user"
        case .notAFile(let path): "\(path) is no file: name that of the master key"
        case .tooOpen(let path, let mode):
            "the master key file \(path) is open to others (mode \(String(mode, radix: 8))): "
                + "run chmod 600 \"\(path)\", and replace the key if others may have read it "
                + "(usher key master rotate)"
                + (mode & 0o007 == 0
                    ? "; or set --keys-group-access where the group is the service's own, as in "
                        + "Kubernetes with fsGroup" : "")
        case .tooLong(let path):
            "\(path) is longer than a master key file is: name one that usher key master new made"
        case .empty(let path):
            "the master key file \(path) holds nothing: copy it from another host, or restore it"
        case .malformedLine(let path, let number):
            "line \(number) of \(path) is no master key, of which usher key master new makes one: "
                + "copy the file from another host, or restore it"
        case .damagedLine(let path, let number):
            "the master key in line \(number) of \(path) is not the one that it is named after: "
                + "copy the file from another host, or restore it"
        case .tooManyLines(let path, let count):
            "\(path) holds \(count) master keys, and two at most are in use: the new one in the "
                + "first line, the old one in the second"
        case .twice(let path): "both lines of \(path) hold the same master key: take one out"
        case .exists(let path):
            "\(path) is there already, and stays as it is: usher key master rotate replaces a "
                + "master key"
        case .unwritable(let path, let number):
            "\(path) cannot be written: \(Self.text(number)); it is as it was, if it was there"
        }
    }

    private static func text(_ errorNumber: Int32) -> String {
        unsafe String(cString: strerror(errorNumber))
    }
}
