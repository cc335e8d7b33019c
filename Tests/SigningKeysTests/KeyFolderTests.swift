import Clients
import Cryptography
import Foundation
import SigningKeys
import Testing
import Tokens

@Suite("The key folder")
struct KeyFolderTests {
    private func load(_ scratch: KeyScratch) throws(KeyStoreError) -> LoadedKeys {
        try KeyFolder(path: scratch.keys).loadOrCreate(.es256, atSecondsSinceEpoch: 0)
    }

    private func error(_ scratch: KeyScratch) -> KeyStoreError? {
        keyStoreError { () throws(KeyStoreError) in try load(scratch) }
    }

    @Test(
        "The first start makes a folder 0700 with one key 0600, named by its thumbprint",
        arguments: [
            SignatureAlgorithm.es256, .rs256, .eddsa,
        ])
    func firstStart(_ algorithm: SignatureAlgorithm) throws {
        let scratch = try KeyScratch()
        let keys = try KeyFolder(path: scratch.keys + "/").loadOrCreate(
            algorithm, atSecondsSinceEpoch: 86_400)
        #expect(keys.signing.algorithm == algorithm)
        #expect(keys.verification == [keys.signing.publicKey])
        let keyID = keys.signing.publicKey.thumbprint(sha256: Digest.sha256)
        let name = "\(keyID).19700102T000000Z.signing.pem"
        #expect(try scratch.names() == [name])
        #expect(try scratch.mode(scratch.keys) == 0o700)
        #expect(try scratch.mode(scratch.keys + "/" + name) == 0o600)
    }

    @Test(
        "A folder as Kubernetes mounts it with fsGroup is taken where the group is allowed")
    func groupAccess() throws {
        let scratch = try KeyScratch()
        let signing = try load(scratch).signing
        try scratch.setMode(0o2770, scratch.keys)
        #expect(
            error(scratch)?.description.contains("--keys-group-access") == true)
        for name in try scratch.names() { try scratch.setMode(0o660, scratch.keys + "/" + name) }
        let folder = KeyFolder(path: scratch.keys, allowsGroup: true)
        let keys = try folder.loadOrCreate(.es256, atSecondsSinceEpoch: 0)
        #expect(keys.signing.publicKey == signing.publicKey)
        _ = try folder.rotate(.afterPublishing, atSecondsSinceEpoch: 1)
        let name = try #require(try scratch.names().first { $0.contains(".published.") })
        let new = scratch.keys + "/" + name
        #expect(try scratch.mode(new) == 0o600)
        for (mode, path) in [
            (0o2771, scratch.keys), (0o662, new),
        ] {
            let before = try scratch.mode(path)
            try scratch.setMode(mode, path)
            let error = keyStoreError { () throws(KeyStoreError) in try folder.load() }
            #expect(error?.code.hasSuffix("_permissions") == true)
            #expect(error?.description.contains("--keys-group-access") == false)
            try scratch.setMode(before, path)
        }
    }

    @Test("Missing parents are made too")
    func parents() throws {
        let scratch = try KeyScratch()
        _ = try KeyFolder(path: scratch.path + "/a/b/keys").loadOrCreate(
            .es256, atSecondsSinceEpoch: 0)
        #expect(try scratch.mode(scratch.path + "/a") == 0o700)
    }

    @Test("The next start takes the key that is there, whatever algorithm is asked for")
    func secondStart() throws {
        let scratch = try KeyScratch()
        let first = try load(scratch)
        let second = try KeyFolder(path: scratch.keys).loadOrCreate(.rs256, atSecondsSinceEpoch: 0)
        #expect(second.signing.publicKey == first.signing.publicKey)
    }

    @Test("Keys of all stages verify, one signs; README.md and dot-files are passed over")
    func stages() throws {
        let scratch = try KeyScratch()
        let signing = try load(scratch).signing
        var expected: Set = [signing.publicKey.keyID]
        for stage in [KeyStage.published, .retired] {
            let key = try SigningKey.generate(stage == .retired ? .rs256 : .eddsa)
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
        let scratch = try KeyScratch()
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
        let scratch = try KeyScratch()
        _ = try load(scratch)
        let path = scratch.keys + "/" + (try scratch.names()[0])
        try scratch.setMode(mode, path)
        let found = try #require(error(scratch))
        #expect(found == .fileTooOpen(path: path, mode: UInt32(mode)))
        #expect(found.description.contains("chmod 600 \"\(path)\""))
    }

    @Test("A damaged key is named and left as it is", arguments: ["", "rubbish", "\0\0"])
    func damaged(_ content: String) throws {
        let scratch = try KeyScratch()
        _ = try load(scratch)
        let name = String(repeating: "A", count: 43) + ".retired.pem"
        let path = try scratch.write(Array(content.utf8), name)
        #expect(error(scratch) == .badKey(path: path, .unreadablePEM))
        #expect(try scratch.names().count == 2)
    }

    @Test("A key that is too weak is named")
    func unfit() throws {
        let scratch = try KeyScratch()
        _ = try load(scratch)
        let long = try scratch.write([UInt8](repeating: 65, count: 20_000), "x.retired.pem")
        #expect(error(scratch) == .fileTooLong(path: long, bytesMax: 16_384))
    }

    @Test(
        "What is no key file is named",
        arguments: [
            "notes.txt", "key.pem", "a.gone.pem", "a.signing.pem.bak", "a.signing",
            "a.b.signing.pem", "a.20260131T120000.signing.pem", "a.20261331T120000Z.retired.pem",
            "a.2026013T1120000Z.signing.pem", "a.1769860800.retired.pem",
        ])
    func unexpected(_ name: String) throws {
        let scratch = try KeyScratch()
        _ = try load(scratch)
        let path = try scratch.write([1], name)
        #expect(error(scratch) == .unexpectedFile(path: path))
    }

    @Test("A folder or a pipe in a key's place is named, and nobody waits")
    func notAFile() throws {
        let scratch = try KeyScratch()
        _ = try load(scratch)
        let path = scratch.keys + "/x.retired.pem"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(error(scratch) == .unexpectedFile(path: path))
    }

    @Test("A key under a wrong name is refused with the right one")
    func wrongName() throws {
        let scratch = try KeyScratch()
        _ = try load(scratch)
        let key = try SigningKey.generate(.es256)
        let path = try scratch.write(key.pem(), "other.retired.pem")
        #expect(error(scratch) == .wrongName(path: path, keyID: key.publicKey.keyID))
    }

    @Test("Two signing keys without dates are refused, and so is one key in two stages")
    func ambiguous() throws {
        let scratch = try KeyScratch()
        try FileManager.default.createDirectory(
            atPath: scratch.keys, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        let keys = [try SigningKey.generate(.es256), try SigningKey.generate(.es256)]
        for key in keys { try scratch.place(key, .signing) }
        let paths = keys.map { scratch.keys + "/\($0.publicKey.keyID).signing.pem" }
        #expect(error(scratch) == .severalSigningKeys(paths: paths.sorted()))
        try FileManager.default.removeItem(atPath: paths[1])
        try scratch.place(keys[0], .retired)
        let twin = scratch.keys + "/\(keys[0].publicKey.keyID).retired.pem"
        #expect(error(scratch) == .severalStages(paths: [twin, paths[0]].sorted()))
    }

    @Test("A file in the folder's place is refused")
    func fileAsFolder() throws {
        let scratch = try KeyScratch()
        _ = FileManager.default.createFile(atPath: scratch.keys, contents: Data())
        #expect(
            error(scratch) == .folderUnusable(path: scratch.keys, errorNumber: ENOTDIR))
        #expect(
            throws: KeyStoreError.folderUnusable(path: scratch.keys + "/x", errorNumber: ENOTDIR)
        ) {
            _ = try KeyFolder(path: scratch.keys + "/x").loadOrCreate(
                .es256, atSecondsSinceEpoch: 0)
        }
    }

    @Test("Looking makes nothing: a missing folder and an empty one are told apart")
    func looking() throws {
        let scratch = try KeyScratch()
        let folder = scratch.folder
        #expect(
            keyStoreError { () throws(KeyStoreError) in try folder.load() }
                == .missing(path: scratch.keys))
        #expect(!FileManager.default.fileExists(atPath: scratch.keys))
        let rotated = keyStoreError { () throws(KeyStoreError) in
            try folder.rotate(.immediate, atSecondsSinceEpoch: 0)
        }
        #expect(rotated == .missing(path: scratch.keys))
        try FileManager.default.createDirectory(
            atPath: scratch.keys, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        #expect(try folder.list().isEmpty)
        #expect(try folder.load().signing == nil)
    }

    @Test("A key that cannot be put anywhere is overwritten in memory all the same")
    func wiped() throws {
        var pem = try SigningKey.generate(.es256).pem()
        _ = keyStoreError { () throws(KeyStoreError) in
            try KeyFolder(path: "/dev/null/keys").importKey(wiping: &pem, by: .server, at: 0)
        }
        #expect(pem.allSatisfy { $0 == 0 })
    }
}
