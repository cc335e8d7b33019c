import Clients
import Cryptography
import Tokens

/// A folder that holds private keys, one a file, and nothing else but `README.md` and dot-files.
///
/// The folder has mode 0700 and the files 0600; they are named `<kid>.<date>.<stage>.pem`, where
/// `kid` is the key's RFC 7638 thumbprint and the date that of its entry into the stage. Keys move
/// through the stages by being renamed: *published* (verifying, not yet signing), *signing* (one
/// only), *retired* (verifying still), and gone.
///
/// Whoever changes the folder holds its lock meanwhile, and whoever reads it waits for that. Every
/// change is one rename or two, of which the first decides: after a crash between them the folder
/// reads as if both were done.
package struct KeyFolder: SigningKeyStore {
    package let path: String
    private let allowsGroup: Bool

    /// - Parameters:
    ///   - path: Need not exist; its parents neither.
    ///   - allowsGroup: Whether the group may have rights in the folder and its files, as it has
    ///     where Kubernetes mounts a volume with `fsGroup` (2770 and 0660). New files are 0600.
    package init(path: String, allowsGroup: Bool = false) {
        self.path = path
        self.allowsGroup = allowsGroup
    }

    package var place: String { path }
    package var writesAudit: Bool { false }
    package var isRemote: Bool { false }

    package func prepare() throws(KeyStoreError) { try FolderDescriptor.make(path: path) }

    /// - Throws: `KeyStoreError.missing` without a folder.
    package func load() throws(KeyStoreError) -> KeySnapshot {
        let folder = try open()
        folder.lock(.shared)
        return try read(folder)
    }

    /// Never waits: nil as well while somebody changes the folder.
    package func look(
        after mark: KeyMark?
    ) throws(KeyStoreError) -> (mark: KeyMark, keys: KeySnapshot)? {
        let folder = try open()
        guard folder.tryLock() else { return nil }
        // First the mark: what changes by hand meanwhile is then seen at the next look.
        let found = KeyMark(content: .files(try folder.marks()))
        guard found != mark else { return nil }
        return (found, try read(folder))
    }

    package func change<Value>(
        _ body: (any KeyChanging) throws -> Value
    ) throws(KeyStoreError) -> Value {
        let change = FolderChange(try lockedFolder(), of: self)
        defer { withExtendedLifetime(change) {} }
        do {
            return try body(change)
        } catch {
            guard let known = error as? KeyStoreError else {
                preconditionFailure("a change of a folder throws \(type(of: error))")
            }
            throw known
        }
    }
}

extension KeyFolder {
    func open() throws(KeyStoreError) -> FolderDescriptor {
        let folder = try FolderDescriptor(path: path, allowsGroup: allowsGroup)
        try folder.checkMode()
        return folder
    }

    /// Locked until it is closed.
    func lockedFolder() throws(KeyStoreError) -> FolderDescriptor {
        let folder = try open()
        folder.lock(.exclusive)
        try folder.removeLeftovers()
        return folder
    }

    func read(_ folder: borrowing FolderDescriptor) throws(KeyStoreError) -> KeySnapshot {
        var files: [KeyFile] = []
        for name in try folder.names() where !Self.isPassedOver(name) {
            files.append(try KeyFile(reading: name, in: folder))
        }
        return try KeySnapshot(files)
    }

    static func isPassedOver(_ name: String) -> Bool {
        name.hasPrefix(".") || name == "README.md"
    }
}

/// A folder that is locked, until this is gone.
private final class FolderChange: KeyChanging {
    private let folder: FolderDescriptor
    private let keyFolder: KeyFolder

    init(_ folder: consuming FolderDescriptor, of keyFolder: KeyFolder) {
        self.folder = folder
        self.keyFolder = keyFolder
    }

    /// Does the second rename of promotions that were interrupted after the first.
    func keys() throws -> KeySnapshot {
        let keys = try keyFolder.read(folder)
        guard keys.isUnfinished else { return keys }
        for key in keys.interrupted { try move(key, to: .retired, since: key.since) }
        return try keyFolder.read(folder)
    }

    func add(_ key: SigningKey, _ stage: KeyStage, since: Int64) throws -> StoredKey {
        var pem: [UInt8]
        do throws(CryptographyError) {
            pem = try key.pem()
        } catch {
            throw KeyStoreError.generation(error)
        }
        defer { eraseSecret(&pem) }
        let name = KeyFileName(keyID: key.publicKey.keyID, since: since, stage: stage)
        try folder.write(pem, as: name.text)
        return StoredKey(stage: stage, since: since, key: key, place: .file(name))
    }

    @discardableResult
    func move(_ key: StoredKey, to stage: KeyStage, since: Int64) throws -> StoredKey {
        let name = KeyFileName(keyID: key.keyID, since: since, stage: stage)
        try folder.rename(Self.name(key), to: name.text)
        return StoredKey(stage: stage, since: since, key: key.key, place: .file(name))
    }

    func remove(_ key: StoredKey) throws { try folder.remove(Self.name(key)) }

    /// The log lies elsewhere.
    func note(_ entry: AuditEntry) {}

    private static func name(_ key: StoredKey) -> String {
        guard case .file(let name) = key.place else {
            preconditionFailure("the key \(key.keyID) lies in no folder")
        }
        return name.text
    }
}
