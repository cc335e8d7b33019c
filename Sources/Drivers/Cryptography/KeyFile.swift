import Tokens

/// Where a key is in its life.
package enum KeyStage: String, Sendable, CaseIterable {
    /// In the key set, so that verifiers learn it before it signs.
    case published
    case signing
    /// Verifies what it signed until that has run out.
    case retired
}

/// One file of a key folder.
struct KeyFile: Sendable {
    private static let bytesMax = 16_384

    let path: String
    let stage: KeyStage
    let key: SigningKey

    static func name(keyID: String, stage: KeyStage) -> String { "\(keyID).\(stage.rawValue).pem" }

    init(reading name: String, in folder: borrowing FolderDescriptor) throws(KeyFolderError) {
        path = folder.path(of: name)
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2] == "pem", let stage = KeyStage(rawValue: String(parts[1]))
        else { throw .unexpectedFile(path: path) }
        self.stage = stage
        var pem = try folder.read(name, bytesMax: Self.bytesMax)
        defer { eraseSecret(&pem) }
        do throws(CryptographyError) {
            key = try SigningKey(pem: pem)
        } catch {
            throw .badKey(path: path, error)
        }
        guard key.publicKey.keyID == parts[0] else {
            throw .wrongName(path: path, keyID: key.publicKey.keyID)
        }
    }
}
