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
/// The folder has mode 0700 and the files 0600; they are named `<kid>.<stage>.pem`, where `kid` is
/// the key's RFC 7638 thumbprint. Keys move through the stages by being renamed: *published*
/// (verifying, not yet signing), *signing* (one only), *retired* (verifying still).
package struct KeyFolder: Sendable {
    private let path: String

    /// - Parameter path: Need not exist; its parents neither.
    package init(path: String) { self.path = path }

    /// Reads all keys, and makes a signing key where none is there.
    ///
    /// A new key is there whole or not at all, also after a power cut, and two processes that start
    /// at the same time settle on one.
    ///
    /// `algorithm` is that of a new key; one that is there keeps its own. What is not as it should
    /// be is named by the error, and nothing is repaired.
    package func loadOrCreate(
        _ algorithm: SignatureAlgorithm
    ) throws(KeyFolderError) -> LoadedKeys {
        let folder = try FolderDescriptor.open(path: path)
        try folder.checkMode()
        if let keys = try load(folder) { return keys }
        folder.lock()  // Until it is closed.
        if let keys = try load(folder) { return keys }
        try create(algorithm, in: folder)
        guard let keys = try load(folder) else {
            throw .unwritable(path: path, errorNumber: 0)
        }
        return keys
    }

    /// Nil where no key is signing.
    private func load(
        _ folder: borrowing FolderDescriptor
    ) throws(KeyFolderError) -> LoadedKeys? {
        var files: [KeyFile] = []
        for name in try folder.names() where !Self.isPassedOver(name) {
            files.append(try KeyFile(reading: name, in: folder))
        }
        try Self.checkStages(of: files)
        guard let signing = files.first(where: { $0.stage == .signing }) else { return nil }
        let others = files.filter { $0.stage != .signing }
        return LoadedKeys(
            signing: signing.key, verification: ([signing] + others).map(\.key.publicKey))
    }

    private static func isPassedOver(_ name: String) -> Bool {
        name.hasPrefix(".") || name == "README.md"
    }

    private static func checkStages(of files: [KeyFile]) throws(KeyFolderError) {
        let signing = files.filter { $0.stage == .signing }
        guard signing.count <= 1 else {
            throw .severalSigningKeys(paths: signing.map(\.path).sorted())
        }
        for file in files {
            let same = files.filter { $0.key.publicKey.keyID == file.key.publicKey.keyID }
            guard same.count == 1 else { throw .severalStages(paths: same.map(\.path).sorted()) }
        }
    }

    private func create(
        _ algorithm: SignatureAlgorithm, in folder: borrowing FolderDescriptor
    ) throws(KeyFolderError) {
        let key: SigningKey
        var pem: [UInt8]
        do throws(CryptographyError) {
            key = try SigningKey.generate(algorithm)
            pem = try key.pem()
        } catch {
            throw .generation(error)
        }
        defer { eraseSecret(&pem) }
        let name = KeyFile.name(keyID: key.publicKey.keyID, stage: .signing)
        try folder.write(pem, as: name)
    }
}
