import Cryptography
import Foundation
import Testing
import Tokens

@Suite("The key folder")
struct KeyFolderTests {
    /// A folder that is gone when the test ends.
    private final class Scratch {
        let path: String
        var keys: String { path + "/keys" }

        init() throws {
            path = NSTemporaryDirectory() + "usher-keys-" + UUID().uuidString
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: keys).sorted()
        }

        func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return (attributes[.posixPermissions] as? Int) ?? -1
        }

        func setMode(_ mode: Int, _ path: String) throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }

        /// Writes a file with mode 0600.
        func write(_ bytes: [UInt8], _ name: String) throws -> String {
            let path = keys + "/" + name
            _ = FileManager.default.createFile(
                atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
            return path
        }
    }

    private func load(_ scratch: Scratch) throws(KeyFolderError) -> LoadedKeys {
        try KeyFolder(path: scratch.keys).loadOrCreate(.es256)
    }

    private func error(_ scratch: Scratch) -> KeyFolderError? {
        do throws(KeyFolderError) {
            _ = try load(scratch)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "The first start makes a folder 0700 with one key 0600, named by its thumbprint",
        arguments: [
            SignatureAlgorithm.es256, .rs256, .eddsa,
        ])
    func firstStart(_ algorithm: SignatureAlgorithm) throws {
        let scratch = try Scratch()
        let keys = try KeyFolder(path: scratch.keys + "/").loadOrCreate(algorithm)
        #expect(keys.signing.algorithm == algorithm)
        #expect(keys.verification == [keys.signing.publicKey])
        let name = "\(keys.signing.publicKey.thumbprint(sha256: Digest.sha256)).signing.pem"
        #expect(try scratch.names() == [name])
        #expect(try scratch.mode(scratch.keys) == 0o700)
        #expect(try scratch.mode(scratch.keys + "/" + name) == 0o600)
    }

    @Test("Missing parents are made too")
    func parents() throws {
        let scratch = try Scratch()
        _ = try KeyFolder(path: scratch.path + "/a/b/keys").loadOrCreate(.es256)
        #expect(try scratch.mode(scratch.path + "/a") == 0o700)
    }

    @Test("The next start takes the key that is there, whatever algorithm is asked for")
    func secondStart() throws {
        let scratch = try Scratch()
        let first = try load(scratch)
        let second = try KeyFolder(path: scratch.keys).loadOrCreate(.rs256)
        #expect(second.signing.publicKey == first.signing.publicKey)
    }

    @Test("Keys of all stages verify, one signs; README.md and dot-files are passed over")
    func stages() throws {
        let scratch = try Scratch()
        let signing = try load(scratch).signing
        var expected: Set = [signing.publicKey.keyID]
        for stage in [KeyStage.published, .retired] {
            let key = try TestKeys.key(stage == .retired ? .rs256 : .eddsa)
            expected.insert(key.publicKey.keyID)
            _ = try scratch.write(
                key.pem(), "\(key.publicKey.keyID).\(stage.rawValue).pem")
        }
        let readme = try scratch.write(Array("# Keys".utf8), "README.md")
        try scratch.setMode(0o644, readme)
        _ = try scratch.write([1], ".new-1")
        let keys = try load(scratch)
        #expect(keys.signing.publicKey == signing.publicKey)
        #expect(keys.verification.first == signing.publicKey)
        #expect(Set(keys.verification.map(\.keyID)) == expected)
    }

    @Test(
        "A folder open to others is refused with the chmod that helps",
        arguments: [
            0o750, 0o701, 0o755, 0o777, 0o710,
        ])
    func openFolder(_ mode: Int) throws {
        let scratch = try Scratch()
        _ = try load(scratch)
        try scratch.setMode(mode, scratch.keys)
        let found = try #require(error(scratch))
        #expect(found == .folderTooOpen(path: scratch.keys, mode: UInt32(mode)))
        #expect(found.description.contains("chmod 700 \"\(scratch.keys)\""))
    }

    @Test(
        "A key file open to others is refused with the chmod that helps",
        arguments: [
            0o640, 0o604, 0o644, 0o660, 0o601,
        ])
    func openFile(_ mode: Int) throws {
        let scratch = try Scratch()
        _ = try load(scratch)
        let path = scratch.keys + "/" + (try scratch.names()[0])
        try scratch.setMode(mode, path)
        let found = try #require(error(scratch))
        #expect(found == .fileTooOpen(path: path, mode: UInt32(mode)))
        #expect(found.description.contains("chmod 600 \"\(path)\""))
    }

    @Test("A damaged key is named and left as it is", arguments: ["", "rubbish", "\0\0"])
    func damaged(_ content: String) throws {
        let scratch = try Scratch()
        _ = try load(scratch)
        let name = String(repeating: "A", count: 43) + ".retired.pem"
        let path = try scratch.write(Array(content.utf8), name)
        #expect(error(scratch) == .badKey(path: path, .unreadablePEM))
        #expect(try scratch.names().count == 2)
    }

    @Test("A key that is too weak is named")
    func unfit() throws {
        let scratch = try Scratch()
        _ = try load(scratch)
        let long = try scratch.write([UInt8](repeating: 65, count: 20_000), "x.retired.pem")
        #expect(error(scratch) == .fileTooLong(path: long, bytesMax: 16_384))
    }

    @Test(
        "What is no key file is named",
        arguments: [
            "notes.txt", "key.pem", "a.gone.pem", "a.signing.pem.bak", "a.signing",
            "a.b.signing.pem",
        ])
    func unexpected(_ name: String) throws {
        let scratch = try Scratch()
        _ = try load(scratch)
        let path = try scratch.write([1], name)
        #expect(error(scratch) == .unexpectedFile(path: path))
    }

    @Test("A folder or a pipe in a key's place is named, and nobody waits")
    func notAFile() throws {
        let scratch = try Scratch()
        _ = try load(scratch)
        let path = scratch.keys + "/x.retired.pem"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(error(scratch) == .unexpectedFile(path: path))
    }

    @Test("A key under a wrong name is refused with the right one")
    func wrongName() throws {
        let scratch = try Scratch()
        _ = try load(scratch)
        let key = try SigningKey.generate(.es256)
        let path = try scratch.write(key.pem(), "other.retired.pem")
        #expect(error(scratch) == .wrongName(path: path, keyID: key.publicKey.keyID))
    }

    @Test("Two signing keys are refused, and so is one key in two stages")
    func ambiguous() throws {
        let scratch = try Scratch()
        let first = try load(scratch).signing
        let second = try SigningKey.generate(.es256)
        let name = "\(second.publicKey.keyID).signing.pem"
        let path = try scratch.write(second.pem(), name)
        let paths = [path, scratch.keys + "/\(first.publicKey.keyID).signing.pem"].sorted()
        #expect(error(scratch) == .severalSigningKeys(paths: paths))
        try FileManager.default.removeItem(atPath: path)
        let twin = try scratch.write(first.pem(), "\(first.publicKey.keyID).retired.pem")
        #expect(
            error(scratch)
                == .severalStages(
                    paths: [twin, scratch.keys + "/\(first.publicKey.keyID).signing.pem"].sorted()))
    }

    @Test("A file in the folder's place is refused")
    func fileAsFolder() throws {
        let scratch = try Scratch()
        _ = FileManager.default.createFile(atPath: scratch.keys, contents: Data())
        #expect(
            error(scratch) == .folderUnusable(path: scratch.keys, errorNumber: ENOTDIR))
        #expect(
            throws: KeyFolderError.folderUnusable(path: scratch.keys + "/x", errorNumber: ENOTDIR)
        ) {
            _ = try KeyFolder(path: scratch.keys + "/x").loadOrCreate(.es256)
        }
    }

    @Test("Starts at the same time settle on one key, and leave nothing half made")
    func race() async throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: scratch.keys)
        let keyIDs = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<12 {
                group.addTask { try? folder.loadOrCreate(.es256).signing.publicKey.keyID }
            }
            return await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(Set(keyIDs).count == 1)
        #expect(keyIDs[0] != nil)
        #expect(try scratch.names().count == 1)
    }
}
