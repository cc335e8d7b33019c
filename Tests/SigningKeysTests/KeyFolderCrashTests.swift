import Cryptography
import Foundation
import SigningKeys
import Testing
import Tokens

@Suite("The key folder after crashes, by hand, and with others at work")
struct KeyFolderCrashTests {
    private func scratch() throws -> KeyScratch {
        let scratch = try KeyScratch()
        _ = try scratch.folder.loadOrCreate(.es256, atSecondsSinceEpoch: 1000)
        return scratch
    }

    /// A folder whose promotion ended after the first of its two renames.
    private func interrupted(
        oldSince: String?
    ) throws -> (scratch: KeyScratch, old: SigningKey, new: SigningKey) {
        let scratch = try KeyScratch()
        try FileManager.default.createDirectory(
            atPath: scratch.keys, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        let old = try SigningKey.generate(.es256)
        let new = try SigningKey.generate(.es256)
        try scratch.place(old, .signing, since: oldSince)
        try scratch.place(new, .signing, since: "20260131T120000Z")
        return (scratch, old, new)
    }

    @Test(
        "A promotion cut off between its renames reads as if it were done, and is finished later",
        arguments: ["20260131T115959Z", nil])
    func cutOff(_ oldSince: String?) throws {
        let (scratch, old, new) = try interrupted(oldSince: oldSince)
        let read = try scratch.folder.list()
        #expect(read.map(\.keyID) == [new.publicKey.keyID, old.publicKey.keyID])
        #expect(try scratch.stages() == ["signing 1769860800", "retired 1769860800"])
        let loaded = try scratch.folder.loadOrCreate(.es256, atSecondsSinceEpoch: 1_769_860_801)
        #expect(loaded.signing.publicKey == new.publicKey)
        #expect(loaded.verification.contains(old.publicKey))
        _ = try scratch.folder.advance(
            publishSeconds: 1200, atSecondsSinceEpoch: 1_769_860_801)
        #expect(try scratch.folder.list() == read)
        #expect(
            try scratch.names().filter { $0.hasSuffix(".20260131T120000Z.retired.pem") }
                == ["\(old.publicKey.keyID).20260131T120000Z.retired.pem"])
    }

    @Test("A rotation finishes a promotion that was cut off, and leaves one key signing")
    func cutOffAndRotated() throws {
        let (scratch, old, new) = try interrupted(oldSince: "20260131T115959Z")
        let next = try scratch.folder.rotate(.immediate, atSecondsSinceEpoch: 1_769_860_900).key
        #expect(
            try scratch.folder.list().map(\.keyID)
                == [next.keyID, new.publicKey.keyID, old.publicKey.keyID])
        #expect(try scratch.names().filter { $0.hasSuffix(".signing.pem") }.count == 1)
    }

    @Test("What a dead writer has left half written is passed over, and swept by the next change")
    func leftovers() throws {
        let scratch = try scratch()
        _ = try scratch.write([1, 2], ".new-123")
        #expect(try scratch.stages() == ["signing 1000"])
        _ = try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2000)
        #expect(try !scratch.names().contains(".new-123"))
    }

    @Test("Files without dates, as older versions made them, keep working and get dates in time")
    func undated() throws {
        let (scratch, old, new) = try interrupted(oldSince: nil)
        try FileManager.default.removeItem(
            atPath: scratch.keys + "/\(new.publicKey.keyID).20260131T120000Z.signing.pem")
        let before = Int64(Date().timeIntervalSince1970) - 5
        let key = try #require(try scratch.folder.list().first)
        #expect(key.keyID == old.publicKey.keyID)
        #expect(key.since > before)  // When the file last changed.
        let now = key.since + 100
        _ = try scratch.folder.rotate(.immediate, atSecondsSinceEpoch: now)
        #expect(try scratch.stages() == ["signing \(now)", "retired \(now)"])
    }

    @Test("A key that was renamed by hand to be retired is kept as long as any")
    func retiredByHand() throws {
        let scratch = try scratch()
        let key = try SigningKey.generate(.es256)
        try scratch.place(key, .published)
        let path = scratch.keys + "/\(key.publicKey.keyID)"
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1000)],
            ofItemAtPath: path + ".published.pem")
        try FileManager.default.moveItem(
            atPath: path + ".published.pem", toPath: path + ".retired.pem")
        let now = Int64(Date().timeIntervalSince1970)
        let changes = try scratch.folder.advance(
            publishSeconds: 1200, atSecondsSinceEpoch: now + 3000)
        #expect(changes.isEmpty)
        #expect(try scratch.names().count == 2)
    }
}

@Suite("Following a key folder")
struct KeyFolderFollowingTests {
    @Test("Snapshots are equal where keys, stages and dates are")
    func equality() throws {
        let scratch = try KeyScratch()
        let folder = scratch.folder
        _ = try folder.loadOrCreate(.es256, atSecondsSinceEpoch: 1000)
        #expect(try folder.load() == folder.load())
    }

    @Test("A follower learns that the folder was opened to others, or a key was, or all is gone")
    func spoiled() throws {
        let scratch = try KeyScratch()
        let folder = scratch.folder
        _ = try folder.loadOrCreate(.es256, atSecondsSinceEpoch: 1000)
        let seen = try #require(try folder.look(after: nil)).mark
        func found() -> KeyStoreError? {
            keyStoreError { () throws(KeyStoreError) in try folder.look(after: seen) }
        }
        let file = scratch.keys + "/" + (try scratch.names()[0])
        try scratch.setMode(0o644, file)
        #expect(found() == .fileTooOpen(path: file, mode: 0o644))
        try scratch.setMode(0o600, file)
        try scratch.setMode(0o755, scratch.keys)
        #expect(found() == .folderTooOpen(path: scratch.keys, mode: 0o755))
        try FileManager.default.removeItem(atPath: scratch.keys)
        #expect(found() == .missing(path: scratch.keys))
    }

    @Test(
        "No change is made in a folder that is open to others",
        arguments: [0o750, 0o701, 0o777])
    func openFolder(_ mode: Int) throws {
        let scratch = try KeyScratch()
        let folder = scratch.folder
        _ = try folder.loadOrCreate(.es256, atSecondsSinceEpoch: 1000)
        try scratch.setMode(mode, scratch.keys)
        let key = try SigningKey.generate(.es256).pem()
        let errors = [
            keyStoreError { () throws(KeyStoreError) in
                try folder.rotate(.immediate, atSecondsSinceEpoch: 2000)
            },
            keyStoreError { () throws(KeyStoreError) in
                try folder.importKey(pem: key, atSecondsSinceEpoch: 2000)
            },
            keyStoreError { () throws(KeyStoreError) in
                try folder.advance(publishSeconds: 1, atSecondsSinceEpoch: 2000)
            },
            keyStoreError { () throws(KeyStoreError) in try folder.remove(keyID: "x") },
        ]
        for error in errors {
            #expect(error == .folderTooOpen(path: scratch.keys, mode: UInt32(mode)))
        }
        #expect(try scratch.names().count == 1)
    }
}
