package import Tokens

/// The keys a server works with, once they are read.
package struct LoadedKeys: Sendable {
    /// Signs new tokens.
    package let signing: SigningKey
    /// What verifies and is published: the keys of all stages, the signing one first.
    package let verification: [PublicKey]
}

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
package struct KeyFolder: Sendable {
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

    /// Reads all keys. Makes nothing and repairs nothing.
    ///
    /// - Throws: `KeyFolderError`, which names what is not as it should be;
    ///   `KeyFolderError.missing` without a folder.
    package func load() throws(KeyFolderError) -> KeyFolderSnapshot {
        let folder = try open()
        folder.lock(.shared)
        return try read(folder)
    }

    /// All keys: the signing one first, then the published, then the retired ones.
    package func list() throws(KeyFolderError) -> [StoredKey] { try load().keys }

    /// Reads all keys, and sees to it that one signs: the published one that waited longest, or
    /// else a new one.
    ///
    /// A new key is there whole or not at all, also after a power cut, and two processes that start
    /// at the same time settle on one.
    ///
    /// - Parameters:
    ///   - algorithm: That of a new key; one that is there keeps its own.
    ///   - now: Seconds since the Unix epoch.
    /// - Returns: The keys of all stages.
    /// - Throws: `KeyFolderError`, which names what is not as it should be; nothing is repaired.
    package func loadOrCreate(
        _ algorithm: SignatureAlgorithm, atSecondsSinceEpoch now: Int64
    ) throws(KeyFolderError) -> LoadedKeys {
        try FolderDescriptor.make(path: path)
        var keys = try load()
        if keys.signing == nil { keys = try appointSigningKey(algorithm, now) }
        guard let signing = keys.signing else { throw .noSigningKey(path: path) }
        return LoadedKeys(signing: signing.key, verification: keys.verification)
    }

    private func appointSigningKey(
        _ algorithm: SignatureAlgorithm, _ now: Int64
    ) throws(KeyFolderError) -> KeyFolderSnapshot {
        let folder = try lockedFolder()
        let keys = try read(folder)
        guard keys.signing == nil else { return keys }  // Somebody else was faster.
        if let waiting = keys.published.first {
            try promote(waiting, over: nil, now, in: folder)
        } else {
            _ = try create(algorithm, .signing, now, in: folder)
        }
        return try read(folder)
    }
}

// MARK: Following

/// How a key folder looked from outside; unequal after any change to it.
package struct KeyFolderMark: Sendable, Equatable {
    let files: [FileMark]
}

extension KeyFolder {
    /// Reads all keys if anything has changed. Never waits.
    ///
    /// - Parameter mark: That of the last look; nil reads in any case.
    /// - Returns: The keys and the next mark; nil where nothing changed, and while somebody changes
    ///   the folder.
    /// - Throws: `KeyFolderError`, as `load`.
    package func look(
        after mark: KeyFolderMark?
    ) throws(KeyFolderError) -> (mark: KeyFolderMark, keys: KeyFolderSnapshot)? {
        let folder = try open()
        guard folder.tryLock() else { return nil }
        // First the mark: what changes by hand meanwhile is then seen at the next look.
        let found = KeyFolderMark(files: try folder.marks())
        guard found != mark else { return nil }
        return (found, try read(folder))
    }
}

// MARK: What the changes are made of

extension KeyFolder {
    func open() throws(KeyFolderError) -> FolderDescriptor {
        let folder = try FolderDescriptor(path: path, allowsGroup: allowsGroup)
        try folder.checkMode()
        return folder
    }

    /// Locked until it is closed.
    func lockedFolder() throws(KeyFolderError) -> FolderDescriptor {
        let folder = try open()
        folder.lock(.exclusive)
        try folder.removeLeftovers()
        return folder
    }

    func read(_ folder: borrowing FolderDescriptor) throws(KeyFolderError) -> KeyFolderSnapshot {
        var files: [KeyFile] = []
        for name in try folder.names() where !Self.isPassedOver(name) {
            files.append(try KeyFile(reading: name, in: folder))
        }
        return try KeyFolderSnapshot(files)
    }

    static func isPassedOver(_ name: String) -> Bool {
        name.hasPrefix(".") || name == "README.md"
    }

    func create(
        _ algorithm: SignatureAlgorithm, _ stage: KeyStage, _ now: Int64,
        in folder: borrowing FolderDescriptor
    ) throws(KeyFolderError) -> StoredKey {
        let key: SigningKey
        do throws(CryptographyError) {
            key = try SigningKey.generate(algorithm)
        } catch {
            throw .generation(error)
        }
        return try add(key, stage, now, to: folder)
    }

    func add(
        _ key: SigningKey, _ stage: KeyStage, _ now: Int64, to folder: borrowing FolderDescriptor
    ) throws(KeyFolderError) -> StoredKey {
        var pem: [UInt8]
        do throws(CryptographyError) {
            pem = try key.pem()
        } catch {
            throw .generation(error)
        }
        defer { eraseSecret(&pem) }
        let name = KeyFileName(keyID: key.publicKey.keyID, since: now, stage: stage).text
        try folder.write(pem, as: name)
        return StoredKey(stage: stage, since: now, key: key, fileName: name)
    }

    @discardableResult
    func move(
        _ key: StoredKey, to stage: KeyStage, _ since: Int64, in folder: borrowing FolderDescriptor
    ) throws(KeyFolderError) -> StoredKey {
        let name = KeyFileName(keyID: key.keyID, since: since, stage: stage).text
        try folder.rename(key.fileName, to: name)
        return StoredKey(stage: stage, since: since, key: key.key, fileName: name)
    }

    /// Lets `key` sign and retires `old`.
    @discardableResult
    func promote(
        _ key: StoredKey, over old: StoredKey?, _ now: Int64, in folder: borrowing FolderDescriptor
    ) throws(KeyFolderError) -> StoredKey {
        // Newer than the old one, also when the clock was set back: the newest signs.
        let since = max(now, old.map { $0.since + 1 } ?? now)
        let promoted = try move(key, to: .signing, since, in: folder)
        if let old { try move(old, to: .retired, since, in: folder) }
        return promoted
    }
}
