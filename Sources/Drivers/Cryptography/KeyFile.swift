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

    init(reading text: String, in folder: borrowing FolderDescriptor) throws(KeyFolderError) {
        let path = folder.path(of: text)
        guard KeyFileName(text) != nil else { throw .unexpectedFile(path: path) }
        var (pem, changedAt) = try folder.read(text, bytesMax: Self.bytesMax)
        defer { eraseSecret(&pem) }
        try self.init(named: text, path: path, pem: pem, changedAt: changedAt)
    }

    init(
        named text: String, path: String, pem: [UInt8], changedAt: Int64
    ) throws(KeyFolderError) {
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
