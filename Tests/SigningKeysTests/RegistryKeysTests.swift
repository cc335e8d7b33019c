import Clients
import Cryptography
import Foundation
import RegistrySupport
import Testing
import Tokens

@testable import SigningKeys

/// docs/decisions/0034: keys in the registry, each sealed under a master key from a file.
@Suite struct RegistryKeysTests {
    private func error<Value>(_ body: () throws(KeyStoreError) -> Value) -> KeyStoreError? {
        keyStoreError(body)
    }

    private func change(_ home: SealedHome, _ body: (inout SealedKey) -> Void) throws {
        var row = try home.rows()[0]
        let before = row.head.keyID
        body(&row)
        try home.registry.write { rows in
            try rows.removeSealedKey(before)
            try rows.put(row)
        }
    }

    @Test("A key is the same after a restart, and nothing of it lies open in the registry")
    func restart() throws {
        let home = try SealedHome()
        let first = try home.keys().loadOrCreate(.es256, at: 1000)
        let second = try home.keys().loadOrCreate(.rs256, at: 2000)
        #expect(second.signing.publicKey == first.signing.publicKey)
        let signature = try second.signing.sign([1, 2, 3])
        #expect(
            try VerifyingKey(first.signing.publicKey).isValid(
                signature: signature, over: [1, 2, 3])
        )
        let row = try #require(try home.rows().first)
        #expect(row.head.stage == .signing)
        #expect(row.head.since == 1000)
        #expect(row.head.masterKeyID == (try home.keys().masterKeys.ids[0].text))
        let text = String(decoding: row.box, as: UTF8.self)
        #expect(!text.contains("PRIVATE KEY"))
        #expect(try home.keys().list()[0].masterKeyID == row.head.masterKeyID)
    }

    @Test("Two boxes of one key differ: each has a nonce of its own")
    func nonces() throws {
        let master = MasterKey.generate()
        let key = try SigningKey.generate(.es256)
        let boxes = try (0..<16).map { _ in try master.sealed(key, .signing, since: 0) }
        #expect(Set(boxes.map(\.nonce)).count == 16)
        #expect(Set(boxes.map(\.box)).count == 16)
        #expect(boxes.allSatisfy { $0.nonce.count == 12 })
    }

    @Test("A row of which anything that its box is bound to was changed is refused by its name")
    func tampering() throws {
        let changes: [(inout SealedKey) -> Void] = [
            { row in row = row.with(algorithm: .eddsa) },
            { row in row = row.with(keyID: "another") },
            { row in
                var box = row.box
                box[0] ^= 1
                row = row.with(box: box)
            },
            { row in row = row.with(box: []) },
            { row in row = row.with(nonce: [UInt8](repeating: 0, count: 12)) },
        ]
        for body in changes {
            let home = try SealedHome()
            _ = try home.keys().loadOrCreate(.es256, at: 1000)
            try change(home, body)
            let row = try home.rows()[0]
            let keys = try home.keys()
            #expect(
                error { () throws(KeyStoreError) in try keys.load() }
                    == .unreadableRow(
                        keyID: row.head.keyID, MasterKeyID(row.head.masterKeyID)))
        }
    }

    @Test("A box put into another key's row is refused")
    func swapped() throws {
        let home = try SealedHome()
        let keys = try home.keys()
        _ = try keys.loadOrCreate(.es256, at: 1000)
        _ = try keys.rotate(.immediate, by: .server, at: 2000)
        let rows = try home.rows()
        try home.registry.write {
            try $0.put(rows[0].with(nonce: rows[1].nonce).with(box: rows[1].box))
        }
        let found = error { () throws(KeyStoreError) in try keys.load() }
        #expect(found?.code == "key_row_unreadable")
    }

    @Test("Two rows that are to sign are refused by their names")
    func severalSigning() throws {
        let home = try SealedHome()
        let keys = try home.keys()
        _ = try keys.loadOrCreate(.es256, at: 1000)
        _ = try keys.rotate(.immediate, by: .server, at: 2000)
        for var row in try home.rows() {
            row.head.stage = .signing
            let row = row
            try home.registry.write { try $0.put(row) }
        }
        let ids = try home.rows().map(\.head.keyID)
        #expect(
            error { () throws(KeyStoreError) in try keys.load() }
                == .severalSigningRows(keyIDs: ids))
    }

    @Test("Another master key is told from the right one, by id; what is known stays known")
    func wrongMasterKey() throws {
        let home = try SealedHome()
        let running = try home.keys()
        let loaded = try running.loadOrCreate(.es256, at: 1000)
        let right = try home.scratch.masterLines()
        let old = running.masterKeys.ids[0]
        try FileManager.default.removeItem(atPath: home.scratch.master)
        let new = try MasterKeyFile.make(path: home.scratch.master)
        let started = try home.keys()
        let found = error { () throws(KeyStoreError) in try started.loadOrCreate(.es256, at: 2000) }
        #expect(
            found
                == .unknownMasterKey(
                    old, keyID: loaded.signing.publicKey.keyID, path: home.scratch.master,
                    held: [new]))
        #expect(found?.description.contains(old.text) == true)
        #expect(found?.description.contains(new.text) == true)
        #expect(try running.load().signing?.key.publicKey == loaded.signing.publicKey)
        #expect(
            error { () throws(KeyStoreError) in
                try started.rotate(.immediate, by: .server, at: 2000)
            }?.code == "master_key_unknown")
        #expect(try home.rows().count == 1)
        try home.scratch.writeMaster(right)
        #expect(try home.keys().load().signing?.key.publicKey == loaded.signing.publicKey)
    }

    @Test("Each change has its line of the audit log, by whom it was made, and waiting has none")
    func audit() throws {
        let home = try SealedHome()
        let keys = try home.keys()
        let operators = Actor.commandLine(user: "ann")
        _ = try keys.loadOrCreate(.es256, at: 1000)
        let next = try keys.rotate(.afterPublishing, by: operators, at: 2000).key.keyID
        _ = try keys.rotate(.afterPublishing, by: operators, at: 2001)
        _ = try keys.advance(try keys.load(), publishSeconds: 1200, at: 3200)
        let other = try keys.rotate(.afterPublishing, by: operators, at: 3300).key.keyID
        _ = try keys.retire(keyID: other, by: operators, at: 3301)
        _ = try keys.remove(keyID: other, by: operators, at: 3302)
        _ = try keys.importKey(
            pem: try SigningKey.generate(.eddsa).pem(), atSecondsSinceEpoch: 3303)
        let lines = try home.registry.auditEntries(after: 0, limit: 100)
        #expect(
            lines.map(\.action) == [
                "key.create", "key.rotate", "key.promote", "key.rotate", "key.retire",
                "key.remove", "key.import",
            ])
        #expect(lines[1].target == next)
        #expect(lines[1].details == "ES256, published")
        #expect(lines[1].actor == operators.description)
        #expect(lines[2].actor == Actor.server.description)
        #expect(lines[5].details == "ES256, gone")
    }

    @Test("A change that is refused leaves neither a row nor a line behind")
    func refused() throws {
        let home = try SealedHome()
        let keys = try home.keys()
        let id = try keys.loadOrCreate(.es256, at: 1000).signing.publicKey.keyID
        let found = error { () throws(KeyStoreError) in
            try keys.remove(keyID: id, by: .server, at: 2000)
        }
        #expect(found == .refused(.signs(keyID: id)))
        #expect(try home.rows().count == 1)
        #expect(try home.registry.auditEntries(after: 0, limit: 10).count == 1)
    }

    @Test("A folder's keys come into the registry once, in their stages and with their dates")
    func importingFolder() throws {
        let home = try SealedHome()
        let folder = home.scratch.folder
        _ = try folder.loadOrCreate(.es256, at: 1000)
        _ = try folder.rotate(.immediate, by: .server, at: 2000)
        _ = try folder.rotate(to: .eddsa, .afterPublishing, by: .server, at: 3000)
        let brought = try folder.load()
        let keys = try home.keys()
        #expect(try keys.importKeys(brought, by: .server, at: 4000))
        #expect(try home.keys().load() == brought)
        #expect(try keys.stages() == folder.stages())
        #expect(try !keys.importKeys(brought, by: .server, at: 4001))
        #expect(try home.registry.auditEntries(after: 0, limit: 10).count == 3)
        _ = try keys.rotate(.immediate, by: .server, at: 5000)
        #expect(
            error { () throws(KeyStoreError) in
                try keys.importKeys(brought, by: .server, at: 5001)
            } == .refused(.keysThere(place: "the registry", count: 3)))
    }

    @Test("A follower of a registry that lost what it had seen reads anew")
    func failover() throws {
        let home = try SealedHome()
        let keys = try home.keys()
        let old = try keys.loadOrCreate(.es256, at: 1000).signing.publicKey.keyID
        let before = try home.rows()
        _ = try keys.rotate(.immediate, by: .server, at: 2000)
        let seen = try #require(try keys.look(after: nil))
        #expect(seen.keys.signing?.keyID != old)
        // Another machine took over, to which the last change had not come.
        try home.registry.write { rows in
            for row in try rows.sealedKeys() { try rows.removeSealedKey(row.head.keyID) }
            for row in before { try rows.put(row) }
        }
        let found = try #require(try keys.look(after: seen.mark))
        #expect(found.keys.keys.map(\.keyID) == [old])
        #expect(found.keys.signing?.keyID == old)
    }

    @Test("A registry that cannot be asked is named as that")
    func away() throws {
        let home = try SealedHome()
        let keys = try home.keys()
        _ = try keys.loadOrCreate(.es256, at: 1000)
        try home.folder.execute("DROP TABLE signing_key")
        guard case .registry = error({ () throws(KeyStoreError) in try keys.load() }) else {
            Issue.record("no registry is named")
            return
        }
    }
}

extension SealedKey {
    fileprivate func with(
        keyID: String? = nil, algorithm: SignatureAlgorithm? = nil, nonce: [UInt8]? = nil,
        box: [UInt8]? = nil
    ) -> SealedKey {
        SealedKey(
            head: Head(
                keyID: keyID ?? head.keyID, stage: head.stage, since: head.since,
                masterKeyID: head.masterKeyID),
            algorithm: algorithm ?? self.algorithm, nonce: nonce ?? self.nonce,
            box: box ?? self.box)
    }
}
