package import Tokens

/// A key of a folder, and where it is in its life.
package struct StoredKey: Sendable, Equatable {
    /// A retired key has verified all it signed once this is over: the longest life of a token, and
    /// the most that clocks may differ.
    package static let retiredSeconds: Int64 = 3600 + 300

    package let stage: KeyStage
    /// When it entered the stage, in seconds since the Unix epoch.
    package let since: Int64
    package let key: SigningKey
    /// As it lies there; differs from what the stage says where a promotion was interrupted.
    let fileName: String

    /// The RFC 7638 thumbprint.
    package var keyID: String { key.publicKey.keyID }
    package var algorithm: SignatureAlgorithm { key.algorithm }

    /// When a retired key may be taken out of the folder; nil in other stages.
    package var goneAt: Int64? { stage == .retired ? since + Self.retiredSeconds : nil }

    package static func == (one: StoredKey, other: StoredKey) -> Bool {
        one.keyID == other.keyID && one.stage == other.stage && one.since == other.since
    }
}

/// What lay in a key folder when it was read. Equal where the same keys are in the same stages
/// since the same time.
package struct KeyFolderSnapshot: Sendable, Equatable {
    /// The signing one first, then the published ones, the oldest first, then the retired ones, the
    /// newest first.
    package let keys: [StoredKey]

    /// Signs new tokens; nil in a folder without such a key.
    package var signing: StoredKey? { keys.first { $0.stage == .signing } }
    package var published: [StoredKey] { keys.filter { $0.stage == .published } }
    package var retired: [StoredKey] { keys.filter { $0.stage == .retired } }
    /// What verifies and is published: the keys of all stages.
    package var verification: [PublicKey] { keys.map(\.key.publicKey) }

    /// Keys whose promotion was begun and not finished.
    var interrupted: [StoredKey] {
        retired.filter { KeyFileName($0.fileName)?.stage == .signing }
    }

    init(_ files: [KeyFile]) throws(KeyFolderError) {
        for file in files {
            let same = files.filter { $0.name.keyID == file.name.keyID }
            guard same.count == 1 else { throw .severalStages(paths: same.map(\.path).sorted()) }
        }
        let signing = try Self.signingFile(of: files)
        let keys = files.map { file in
            // One of several that are to sign was on its way to be retired.
            let isSuperseded = file.name.stage == .signing && file.path != signing?.path
            return StoredKey(
                stage: isSuperseded ? .retired : file.name.stage,
                since: isSuperseded ? signing?.since ?? file.since : file.since, key: file.key,
                fileName: file.name.text)
        }
        self.keys =
            keys.filter { $0.stage == .signing }
            + keys.filter { $0.stage == .published }.sorted(by: Self.isOlder)
            + keys.filter { $0.stage == .retired }.sorted { Self.isOlder($1, $0) }
    }

    private static func isOlder(_ one: StoredKey, _ other: StoredKey) -> Bool {
        (one.since, one.keyID) < (other.since, other.keyID)
    }

    /// A promotion dates the new key after the old one and then renames that. So the newest signs;
    /// without dates nobody can tell.
    private static func signingFile(of files: [KeyFile]) throws(KeyFolderError) -> KeyFile? {
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
