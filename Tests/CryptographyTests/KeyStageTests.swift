import Cryptography
import Foundation
import Testing
import Tokens

@Suite("Keys move through their stages")
struct KeyStageTests {
    private func scratch(startedAt now: Int64 = 1000) throws -> KeyScratch {
        let scratch = try KeyScratch()
        _ = try scratch.folder.loadOrCreate(.es256, atSecondsSinceEpoch: now)
        return scratch
    }

    private func keyID(_ change: KeyChange) -> String { change.key.keyID }

    @Test("A rotation publishes a key of the signing one's kind, which verifies and does not sign")
    func publishing() throws {
        let scratch = try scratch()
        let change = try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2000)
        guard case .published(let key) = change else {
            Issue.record("\(change)")
            return
        }
        #expect(key.algorithm == .es256)
        #expect(try scratch.stages() == ["signing 1000", "published 2000"])
        let keys = try scratch.folder.load()
        #expect(keys.verification == keys.keys.map(\.key.publicKey))
        #expect(keys.signing?.keyID != key.keyID)
        #expect(try scratch.mode(scratch.keys + "/" + scratch.names()[0]) == 0o600)
    }

    @Test(
        "A published key signs from the second it has been published long enough",
        arguments: [
            (now: Int64(3199), stages: ["signing 1000", "published 2000"]),
            (now: Int64(3200), stages: ["signing 3200", "retired 3200"]),
            (now: Int64(9000), stages: ["signing 9000", "retired 9000"]),
        ])
    func promoting(_ now: Int64, _ stages: [String]) throws {
        let scratch = try scratch()
        let next = keyID(try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        let changes = try scratch.folder.advance(publishSeconds: 1200, atSecondsSinceEpoch: now)
        #expect(try scratch.stages() == stages)
        #expect(changes.map(keyID) == (stages[0] == "signing 1000" ? [] : [next]))
        #expect(
            try scratch.folder.advance(publishSeconds: 1200, atSecondsSinceEpoch: now).isEmpty)
    }

    @Test(
        "A retired key is gone an hour and five minutes later, when all it signed has run out",
        arguments: [(now: Int64(5899), count: 2), (now: Int64(5900), count: 1)])
    func removing(_ now: Int64, _ count: Int) throws {
        let scratch = try scratch()
        let old = try #require(try scratch.folder.load().signing)
        _ = try scratch.folder.rotate(.immediate, atSecondsSinceEpoch: 2000)
        #expect(try scratch.stages() == ["signing 2000", "retired 2000"])
        #expect(try scratch.folder.list()[1].goneAt == 5900)
        let changes = try scratch.folder.advance(publishSeconds: 1200, atSecondsSinceEpoch: now)
        #expect(changes.map(keyID) == (count == 2 ? [] : [old.keyID]))
        #expect(try scratch.names().count == count)
    }

    @Test("At an immediate pace the key that waits is promoted, and no other is made")
    func immediately() throws {
        let scratch = try scratch()
        let waiting = keyID(try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        let change = try scratch.folder.rotate(.immediate, atSecondsSinceEpoch: 2001)
        #expect(keyID(change) == waiting)
        #expect(try scratch.stages() == ["signing 2001", "retired 2001"])
    }

    @Test("While a key waits, another rotation names it and makes none")
    func waiting() throws {
        let scratch = try scratch()
        let first = try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2000)
        let second = try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2001)
        #expect(second == .waiting(first.key))
        let error = keyFolderError { () throws(KeyFolderError) in
            try scratch.folder.rotate(to: .eddsa, .afterPublishing, atSecondsSinceEpoch: 2001)
        }
        #expect(error == .refused(.otherKeyWaits(keyID: first.key.keyID, .es256)))
        #expect(try scratch.names().count == 2)
    }

    @Test("A rotation may change the algorithm", arguments: [SignatureAlgorithm.eddsa, .rs256])
    func otherAlgorithm(_ algorithm: SignatureAlgorithm) throws {
        let scratch = try scratch()
        _ = try scratch.folder.rotate(to: algorithm, .immediate, atSecondsSinceEpoch: 2000)
        #expect(try scratch.folder.list().map(\.algorithm) == [algorithm, .es256])
    }

    @Test("A published key that is retired never signs; a retired one stays as it is")
    func retiring() throws {
        let scratch = try scratch()
        let id = keyID(try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        let retired = try scratch.folder.retire(keyID: id, atSecondsSinceEpoch: 2100)
        #expect(try scratch.folder.retire(keyID: id, atSecondsSinceEpoch: 2200) == retired)
        _ = try scratch.folder.advance(publishSeconds: 1, atSecondsSinceEpoch: 5000)
        #expect(try scratch.stages() == ["signing 1000", "retired 2100"])
    }

    @Test("The signing key can be neither retired nor removed, and an unknown one is named")
    func refusals() throws {
        let scratch = try scratch()
        let id = try #require(try scratch.folder.load().signing).keyID
        let folder = scratch.folder
        let errors = [
            keyFolderError { () throws(KeyFolderError) in
                try folder.retire(keyID: id, atSecondsSinceEpoch: 1)
            },
            keyFolderError { () throws(KeyFolderError) in try folder.remove(keyID: id) },
            keyFolderError { () throws(KeyFolderError) in try folder.remove(keyID: "nobody") },
        ]
        #expect(
            errors == [
                .refused(.signs(keyID: id)), .refused(.signs(keyID: id)),
                .refused(.unknownKey(keyID: "nobody", path: scratch.keys)),
            ])
        #expect(errors[0]?.description.contains("usher key rotate --now") == true)
        #expect(try scratch.stages() == ["signing 1000"])
    }

    @Test("A removed key is gone at once")
    func removingByHand() throws {
        let scratch = try scratch()
        let id = keyID(try scratch.folder.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        #expect(try scratch.folder.remove(keyID: id).keyID == id)
        #expect(try scratch.stages() == ["signing 1000"])
    }

    @Test("An imported key is published; where none signs it does so at once")
    func importing() throws {
        let scratch = try KeyScratch()
        let keys = [try SigningKey.generate(.es256), try SigningKey.generate(.eddsa)]
        for (index, key) in keys.enumerated() {
            _ = try scratch.folder.importKey(
                pem: try key.pem(), atSecondsSinceEpoch: Int64(index))
        }
        let listed = try scratch.folder.list()
        #expect(listed.map(\.keyID) == keys.map(\.publicKey.keyID))
        #expect(listed.map(\.stage) == [.signing, .published])
        #expect(try scratch.mode(scratch.keys) == 0o700)
    }

    @Test("What cannot be imported leaves no trace, and a key that is there is named")
    func importRefusals() throws {
        let scratch = try KeyScratch()
        let folder = scratch.folder
        let rubbish = keyFolderError { () throws(KeyFolderError) in
            try folder.importKey(pem: [1, 2, 3], atSecondsSinceEpoch: 0)
        }
        #expect(rubbish == .refused(.importedKey(.unreadablePEM)))
        #expect(!FileManager.default.fileExists(atPath: scratch.keys))
        let key = try SigningKey.generate(.es256)
        let pem = try key.pem()
        var wiped = pem
        _ = keyFolderError { () throws(KeyFolderError) in
            try KeyFolder(path: "/dev/null/keys").importKey(wiping: &wiped, atSecondsSinceEpoch: 0)
        }
        #expect(wiped.allSatisfy { $0 == 0 })
        _ = try folder.importKey(pem: pem, atSecondsSinceEpoch: 0)
        let twice = keyFolderError { () throws(KeyFolderError) in
            try folder.importKey(pem: pem, atSecondsSinceEpoch: 0)
        }
        #expect(twice == .refused(.alreadyThere(keyID: key.publicKey.keyID, .signing)))
    }

    @Test("A start without a signing key promotes the one that waited longest, and makes none")
    func startWithWaiting() throws {
        let scratch = try scratch()
        try FileManager.default.removeItem(atPath: scratch.keys + "/" + scratch.names()[0])
        let keys = [try SigningKey.generate(.es256), try SigningKey.generate(.es256)]
        try scratch.place(keys[1], .published, since: "20260131T120001Z")
        try scratch.place(keys[0], .published, since: "20260131T120000Z")
        let loaded = try scratch.folder.loadOrCreate(.es256, atSecondsSinceEpoch: 2_000_000_000)
        #expect(loaded.signing.publicKey == keys[0].publicKey)
        #expect(try scratch.stages() == ["signing 2000000000", "published 1769860801"])
    }

    @Test("Looking makes nothing: a missing folder and an empty one are told apart")
    func looking() throws {
        let scratch = try KeyScratch()
        let folder = scratch.folder
        #expect(
            keyFolderError { () throws(KeyFolderError) in try folder.load() }
                == .missing(path: scratch.keys))
        #expect(!FileManager.default.fileExists(atPath: scratch.keys))
        let rotated = keyFolderError { () throws(KeyFolderError) in
            try folder.rotate(.immediate, atSecondsSinceEpoch: 0)
        }
        #expect(rotated == .missing(path: scratch.keys))
        try FileManager.default.createDirectory(
            atPath: scratch.keys, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        #expect(try folder.list().isEmpty)
        #expect(try folder.load().signing == nil)
    }
}
