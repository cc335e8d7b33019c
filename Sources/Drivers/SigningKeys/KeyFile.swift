import Cryptography
import Tokens

/// One file of a key folder.
struct KeyFile: Sendable {
    static let bytesMax = 16_384

    let path: String
    let name: KeyFileName
    let key: SigningKey
    /// When the key entered its stage, in seconds since the Unix epoch. Without a date in the name
    /// it is when the file last changed in any way: a rename by hand counts.
    let since: Int64

    init(reading text: String, in folder: borrowing FolderDescriptor) throws(KeyStoreError) {
        let path = folder.path(of: text)
        guard KeyFileName(text) != nil else { throw .unexpectedFile(path: path) }
        var (pem, changedAt) = try folder.read(text, bytesMax: Self.bytesMax)
        defer { eraseSecret(&pem) }
        try self.init(named: text, path: path, pem: pem, changedAt: changedAt)
    }

    init(
        named text: String, path: String, pem: [UInt8], changedAt: Int64
    ) throws(KeyStoreError) {
        self.path = path
        guard let name = KeyFileName(text) else { throw .unexpectedFile(path: path) }
        self.name = name
        since = name.since ?? changedAt
        do throws(CryptographyError) {
            key = try SigningKey(pem: pem)
        } catch {
            throw .badKey(path: path, error)
        }
        guard key.publicKey.keyID == name.keyID else {
            throw .wrongName(path: path, keyID: key.publicKey.keyID)
        }
    }
}

extension KeySnapshot {
    init(_ files: [KeyFile]) throws(KeyStoreError) {
        for file in files {
            let same = files.filter { $0.name.keyID == file.name.keyID }
            guard same.count == 1 else { throw .severalStages(paths: same.map(\.path).sorted()) }
        }
        let signing = try Self.signingFile(of: files)
        self.init(
            files.map { file in
                // One of several that are to sign was on its way to be retired.
                let isSuperseded = file.name.stage == .signing && file.path != signing?.path
                return StoredKey(
                    stage: isSuperseded ? .retired : file.name.stage,
                    since: isSuperseded ? signing?.since ?? file.since : file.since,
                    key: file.key, place: .file(file.name))
            })
    }

    /// A promotion dates the new key after the old one and then renames that. So the newest signs;
    /// without dates nobody can tell.
    private static func signingFile(of files: [KeyFile]) throws(KeyStoreError) -> KeyFile? {
        let signing = files.filter { $0.name.stage == .signing }
        guard signing.count > 1 else { return signing.first }
        let newest = signing.compactMap(\.name.since).max()
        let candidates = signing.filter { $0.name.since == newest }
        guard newest != nil, candidates.count == 1 else {
            throw .severalSigningKeys(paths: signing.map(\.path).sorted())
        }
        return candidates[0]
    }
}
