import Clients
import Cryptography
import Foundation
import RegistrySupport
import Testing
import Tokens

@testable import SigningKeys

/// docs/operating.md, "Replacing the master key".
@Suite struct MasterKeyRotationTests {
    private func home() throws -> (SealedHome, keyID: String) {
        let home = try SealedHome()
        return (home, try home.keys().loadOrCreate(.es256, at: 1000).signing.publicKey.keyID)
    }

    private func masters(_ home: SealedHome) throws -> Set<String> {
        Set(try home.rows().map(\.head.masterKeyID))
    }

    @Test("Until the second step all is sealed under the old key, so that every host can open it")
    func firstStep() throws {
        let (home, _) = try home()
        let elsewhere = try home.keys()  // A host to which the new file was not brought.
        let step = try home.keys().beginMasterKey(by: .server, at: 2000)
        #expect(step.isNew)
        #expect(try masters(home) == [step.old.text])
        let next = try home.keys().rotate(.immediate, by: .server, at: 2001)
        #expect(next.key.masterKeyID == step.old.text)
        #expect(try elsewhere.load().signing?.keyID == next.key.keyID)
        let again = try home.keys().beginMasterKey(by: .server, at: 2002)
        #expect(again == MasterKeyStep(new: step.new, old: step.old, isNew: false))
        let lines = try home.registry.auditEntries(after: 0, limit: 10)
        #expect(lines.map(\.action) == ["key.create", "master_key.rotate", "key.rotate"])
        #expect(lines[1].target == step.new.text)
    }

    @Test("The second step seals every key under the new one, and is done once")
    func secondStep() throws {
        let (home, keyID) = try home()
        let running = try home.keys()
        let seen = try #require(try running.look(after: nil))
        _ = try running.rotate(.afterPublishing, by: .server, at: 1500)
        let step = try home.keys().beginMasterKey(by: .server, at: 2000)
        let end = try home.keys().finishMasterKey(by: .server, at: 3000)
        #expect(end == MasterKeyEnd(new: step.new, old: step.old, count: 2))
        #expect(try masters(home) == [step.new.text])
        #expect(try home.scratch.masterLines().count == 1)
        #expect(try home.keys().masterKeys.ids == [step.new])
        #expect(try home.keys().load().signing?.keyID == keyID)
        let again = try home.keys().finishMasterKey(by: .server, at: 3001)
        #expect(again == MasterKeyEnd(new: step.new, old: nil, count: 0))
        let lines = try home.registry.auditEntries(after: 0, limit: 10).map(\.action)
        #expect(lines.suffix(2) == ["master_key.rotate", "master_key.finish"])
        // A process that began before finds the file's new key by itself, within a second.
        usleep(1_100_000)
        let found = try #require(try running.look(after: seen.mark))
        #expect(found.keys.keys.map(\.masterKeyID) == [step.new.text, step.new.text])
    }

    @Test("A second step that was cut off before the file was written ends when it is run again")
    func cutOff() throws {
        let (home, keyID) = try home()
        let step = try home.keys().beginMasterKey(by: .server, at: 2000)
        let both = try home.scratch.masterLines()
        _ = try home.keys().finishMasterKey(by: .server, at: 3000)
        try home.scratch.writeMaster(both)
        #expect(try home.keys().load().signing?.keyID == keyID)
        let end = try home.keys().finishMasterKey(by: .server, at: 3001)
        #expect(end == MasterKeyEnd(new: step.new, old: step.old, count: 0))
        #expect(try home.keys().masterKeys.ids == [step.new])
    }

    @Test("A host that has but the old key learns it when the second step is taken, and says so")
    func forgottenHost() throws {
        let (home, keyID) = try home()
        let old = try home.scratch.masterLines()
        let step = try home.keys().beginMasterKey(by: .server, at: 2000)
        let both = try home.scratch.masterLines()
        try home.scratch.writeMaster(old)
        let elsewhere = try home.keys()
        let seen = try #require(try elsewhere.look(after: nil))
        try home.scratch.writeMaster(both)
        _ = try home.keys().finishMasterKey(by: .server, at: 3000)
        let done = try home.scratch.masterLines()
        try home.scratch.writeMaster(old)
        let found = keyStoreError { () throws(KeyStoreError) in try elsewhere.look(after: seen.mark)
        }
        #expect(
            found
                == .unknownMasterKey(
                    step.new, keyID: keyID, path: home.scratch.master, held: [step.old]))
        try home.scratch.writeMaster(done)
        #expect(try home.keys().load().signing?.keyID == keyID)
    }

    @Test("A row from before the second step that comes back is refused, by its master key")
    func downgrade() throws {
        let (home, keyID) = try home()
        let before = try home.rows()[0]
        let step = try home.keys().beginMasterKey(by: .server, at: 2000)
        _ = try home.keys().finishMasterKey(by: .server, at: 3000)
        try home.registry.write { try $0.put(before) }
        let keys = try home.keys()
        #expect(
            keyStoreError { () throws(KeyStoreError) in try keys.load() }
                == .unknownMasterKey(
                    step.old, keyID: keyID, path: home.scratch.master, held: [step.new]))
        #expect(
            keyStoreError { () throws(KeyStoreError) in
                try keys.finishMasterKey(by: .server, at: 3001)
            }?.code == "master_key_unknown")
    }

    @Test("A file with another master key begins nothing")
    func wrongFile() throws {
        let (home, _) = try home()
        try FileManager.default.removeItem(atPath: home.scratch.master)
        _ = try MasterKeyFile.make(path: home.scratch.master)
        let before = try home.scratch.masterLines()
        let keys = try home.keys()
        #expect(
            keyStoreError { () throws(KeyStoreError) in
                try keys.beginMasterKey(by: .server, at: 2000)
            }?.code == "master_key_unknown")
        #expect(try home.scratch.masterLines() == before)
        #expect(try home.registry.auditEntries(after: 0, limit: 10).count == 1)
    }
}
