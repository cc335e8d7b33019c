package import Clients
package import Cryptography
import Glibc

/// What is wrong with the signing keys. Each says which file or row it is and what to do about it.
package enum KeyStoreError: Error, Equatable, Sendable, CustomStringConvertible {
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
    /// All is as it should be, but not for the change that was asked for.
    case refused(KeyChangeRefusal)
    /// There are keys, perhaps, but none that signs.
    case noSigningKey(place: String)
    /// The registry that holds the keys could not be asked or told.
    case registry(RegistryFailure)
    /// The file of the master key is of no use.
    case masterKey(MasterKeyError)
    /// A key is sealed under a master key that the file does not hold.
    case unknownMasterKey(MasterKeyID, keyID: String, path: String, held: [MasterKeyID])
    /// A key does not open under the master key that its row names.
    case unreadableRow(keyID: String, MasterKeyID)
    /// Rows that say what no change of ours does.
    case severalSigningRows(keyIDs: [String])

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
        case .registry(let failure): failure.code
        case .masterKey(let error): error.code
        case .unknownMasterKey: "master_key_unknown"
        case .unreadableRow: "key_row_unreadable"
        case .severalSigningRows: "key_rows_several_signing"
        }
    }

    /// Whether this is what was told before, in other words perhaps: those of a database change
    /// from one attempt to the next.
    package func isSame(as other: KeyStoreError) -> Bool {
        if case .registry(let one) = self, case .registry(let two) = other {
            return one.code.utf8.elementsEqual(two.code.utf8)
        }
        return self == other
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
        case .noSigningKey(let place):
            "no key in \(place) signs: make one with usher key rotate"
        case .registry(let failure): failure.description
        case .masterKey(let error): error.description
        case .unknownMasterKey(let id, let keyID, let path, let held):
            "the key \(keyID) is sealed under the master key \(id), and \(path) holds "
                + held.map(\.text).joined(separator: " and ")
                + ": put the file there that the other hosts have"
        case .unreadableRow(let keyID, let id):
            "the row of the key \(keyID) does not open under the master key \(id): it was changed "
                + "past usher, or is damaged; restore a backup of the registry, or delete that row "
                + "of the table signing_key"
        case .severalSigningRows(let keyIDs):
            "more than one key in the registry is to sign (\(keyIDs.joined(separator: ", "))): its "
                + "rows were changed past usher; restore a backup of the registry"
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
