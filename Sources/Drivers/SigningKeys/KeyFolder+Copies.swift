import Cryptography

/// A file of a key folder as it lies there, for a copy of the folder. It holds a secret: whoever
/// has it erases it.
package struct KeyFileCopy: Sendable {
    /// The most that such a file has.
    package static let bytesMax = KeyFile.bytesMax

    /// `<kid>.<date>.<stage>.pem`.
    package let name: String
    package private(set) var pem: [UInt8]

    package init(name: String, pem: [UInt8]) {
        self.name = name
        self.pem = pem
    }

    package mutating func erase() { eraseSecret(&pem) }
}

extension KeyFolder {
    /// Every key's file, at one moment.
    ///
    /// - Throws: `KeyStoreError`, as `load` does.
    package func copies() throws(KeyStoreError) -> [KeyFileCopy] {
        let folder = try open()
        folder.lock(.shared)
        _ = try read(folder)
        var copies: [KeyFileCopy] = []
        for name in try folder.names() where !Self.isPassedOver(name) {
            copies.append(
                KeyFileCopy(
                    name: name, pem: try folder.read(name, bytesMax: KeyFile.bytesMax).bytes))
        }
        return copies
    }

    /// Whether these could be the files of this folder: names, keys and stages.
    ///
    /// - Returns: How many of them there are.
    /// - Throws: `KeyStoreError`, which names the file at fault by the path that it would have.
    @discardableResult
    package func check(_ copies: [KeyFileCopy]) throws(KeyStoreError) -> Int {
        var files: [KeyFile] = []
        for copy in copies {
            files.append(
                try KeyFile(
                    named: copy.name, path: "\(path)/\(copy.name)", pem: copy.pem, changedAt: 0))
        }
        return try KeySnapshot(files).keys.count
    }

    /// Puts copies into the folder, which is made where it is missing and must hold no key yet.
    ///
    /// - Throws: `KeyStoreError`; then the folder holds none of them.
    package func put(_ copies: [KeyFileCopy]) throws(KeyStoreError) {
        try check(copies)
        try FolderDescriptor.make(path: path)
        let folder = try lockedFolder()
        if let first = try folder.names().first(where: { !Self.isPassedOver($0) }) {
            throw .refused(.notEmpty(path: path, fileName: first))
        }
        var written: [String] = []
        do throws(KeyStoreError) {
            for copy in copies {
                try folder.write(copy.pem, as: copy.name)
                written.append(copy.name)
            }
        } catch {
            for name in written { try? folder.remove(name) }
            throw error
        }
    }

    /// Takes copies that were put there out again, as far as that can be done.
    package func takeBack(_ copies: [KeyFileCopy]) {
        guard let folder = try? lockedFolder() else { return }
        for copy in copies { try? folder.remove(copy.name) }
    }
}
