import Glibc

/// What is wrong with a folder of keys. Each says which file it is and what to do about it.
package enum KeyFolderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such folder, and it is not for this command to make it.
    case missing(path: String)
    /// Cannot be made, opened or listed.
    case folderUnusable(path: String, errorNumber: Int32)
    /// Others than its owner may enter or read the folder.
    case folderTooOpen(path: String, mode: UInt32)
    /// Others than its owner may read the file.
    case fileTooOpen(path: String, mode: UInt32)
    /// Not `<kid>.<date>.<stage>.pem`, and nothing that may lie there beside the keys.
    case unexpectedFile(path: String)
    case unreadableFile(path: String, errorNumber: Int32)
    /// Longer than any key.
    case fileTooLong(path: String, bytesMax: Int)
    case badKey(path: String, CryptographyError)
    /// The name's kid is not the thumbprint of the key in the file.
    case wrongName(path: String, keyID: String)
    case severalSigningKeys(paths: [String])
    /// One key lies there in two stages.
    case severalStages(paths: [String])
    case unwritable(path: String, errorNumber: Int32)
    case generation(CryptographyError)
    /// The folder is as it should be, but not for the change that was asked for.
    case refused(KeyChangeRefusal)
    /// There are keys, perhaps, but none that signs.
    case noSigningKey(path: String)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .missing: "key_folder_missing"
        case .folderUnusable: "key_folder_unusable"
        case .folderTooOpen: "key_folder_permissions"
        case .fileTooOpen: "key_file_permissions"
        case .unexpectedFile: "key_file_unexpected"
        case .unreadableFile: "key_file_unreadable"
        case .fileTooLong: "key_file_too_long"
        case .badKey: "key_file_bad"
        case .wrongName: "key_file_name"
        case .severalSigningKeys: "key_folder_several_signing"
        case .severalStages: "key_folder_several_stages"
        case .unwritable: "key_folder_unwritable"
        case .generation(let error): error.code
        case .refused(let refusal): refusal.code
        case .noSigningKey: "key_folder_without_signing"
        }
    }

    package var description: String {
        switch self {
        case .missing(let path):
            "there is no key folder \(path): name it with --keys or --data, or let usher serve "
                + "make it at its first start"
        case .folderUnusable(let path, let number):
            "the key folder \(path) cannot be used: \(Self.text(number)); "
                + "make it yours, or name another with --keys"
        case .folderTooOpen(let path, let mode):
            "the key folder \(path) is open to others (mode \(Self.octal(mode))): "
                + "run chmod 700 \"\(path)\"" + Self.groupAdvice(mode)
        case .fileTooOpen(let path, let mode):
            "the key file \(path) is open to others (mode \(Self.octal(mode))): "
                + "run chmod 600 \"\(path)\", and make a new key if others may have read it"
                + Self.groupAdvice(mode)
        case .unexpectedFile(let path):
            "\(path) is no key file: those are named <kid>.<date>.<stage>.pem, where the date is "
                + "like 20260131T120000Z or missing and the stage published, signing or retired; "
                + "move it out of the key folder"
        case .unreadableFile(let path, let number):
            "the key file \(path) cannot be read: \(Self.text(number))"
        case .fileTooLong(let path, let bytesMax):
            "the key file \(path) is longer than \(bytesMax) bytes, so it is no key: "
                + "move it out of the key folder"
        case .badKey(let path, let error):
            "the key file \(path) is of no use: \(error.description); "
                + "restore it, or move it out of the key folder"
        case .wrongName(let path, let keyID):
            "the key file \(path) holds the key \(keyID): its name must begin with that"
        case .severalSigningKeys(let paths):
            "more than one key is to sign: rename all but one of \(paths.joined(separator: ", ")) "
                + "to end in .retired.pem"
        case .severalStages(let paths):
            "one key lies there twice: move all but one of \(paths.joined(separator: ", ")) "
                + "out of the key folder"
        case .unwritable(let path, let number):
            "no key can be written to \(path): \(Self.text(number))"
        case .generation(let error): error.description
        case .refused(let refusal): refusal.description
        case .noSigningKey(let path):
            "no key in \(path) signs: make one with usher key rotate"
        }
    }

    private static func text(_ errorNumber: Int32) -> String {
        unsafe String(cString: strerror(errorNumber))
    }

    private static func groupAdvice(_ mode: UInt32) -> String {
        mode & 0o007 == 0
            ? "; or set --keys-group-access where the group is the service's own, as in Kubernetes "
                + "with fsGroup" : ""
    }

    private static func octal(_ mode: UInt32) -> String { String(mode, radix: 8) }
}
