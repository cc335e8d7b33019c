import Clients
import Cryptography
import Foundation
import SigningKeys
import Testing
import Tokens

/// docs/architecture.md §4: the same rules, wherever keys are kept.
@Suite("Keys move through their stages")
struct KeyStageTests {
    private func keyID(_ change: KeyChange) -> String { change.key.keyID }

    @Test(
        "A rotation publishes a key of the signing one's kind, which verifies and does not sign",
        arguments: KeyKind.allCases)
    func publishing(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let change = try home.store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000)
        guard case .published(let key) = change else {
            Issue.record("\(change)")
            return
        }
        #expect(key.algorithm == .es256)
        #expect(try home.store.stages() == ["signing 1000", "published 2000"])
        let keys = try home.store.load()
        #expect(keys.verification == keys.keys.map(\.key.publicKey))
        #expect(keys.signing?.keyID != key.keyID)
    }

    @Test(
        "A published key signs from the second it has been published long enough",
        arguments: KeyKind.allCases,
        [
            (now: Int64(3199), stages: ["signing 1000", "published 2000"]),
            (now: Int64(3200), stages: ["signing 3200", "retired 3200"]),
            (now: Int64(9000), stages: ["signing 9000", "retired 9000"]),
        ])
    func promoting(_ kind: KeyKind, _ due: (now: Int64, stages: [String])) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let store = home.store
        let next = keyID(try store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        let changes = try store.advance(publishSeconds: 1200, atSecondsSinceEpoch: due.now)
        #expect(try store.stages() == due.stages)
        #expect(changes.map(keyID) == (due.stages[0] == "signing 1000" ? [] : [next]))
        #expect(try store.advance(publishSeconds: 1200, atSecondsSinceEpoch: due.now).isEmpty)
    }

    @Test(
        "A retired key is gone an hour and five minutes later, when all it signed has run out",
        arguments: KeyKind.allCases, [(now: Int64(5899), count: 2), (now: Int64(5900), count: 1)])
    func removing(_ kind: KeyKind, _ due: (now: Int64, count: Int)) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let store = home.store
        let old = try #require(try store.load().signing)
        _ = try store.rotate(.immediate, atSecondsSinceEpoch: 2000)
        #expect(try store.stages() == ["signing 2000", "retired 2000"])
        #expect(try store.list()[1].goneAt == 5900)
        let changes = try store.advance(publishSeconds: 1200, atSecondsSinceEpoch: due.now)
        #expect(changes.map(keyID) == (due.count == 2 ? [] : [old.keyID]))
        #expect(try store.list().count == due.count)
    }

    @Test(
        "At an immediate pace the key that waits is promoted, and no other is made",
        arguments: KeyKind.allCases)
    func immediately(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let waiting = keyID(try home.store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        let change = try home.store.rotate(.immediate, atSecondsSinceEpoch: 2001)
        #expect(keyID(change) == waiting)
        #expect(try home.store.stages() == ["signing 2001", "retired 2001"])
    }

    @Test(
        "While a key waits, another rotation names it and makes none", arguments: KeyKind.allCases)
    func waiting(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let store = home.store
        let first = try store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000)
        let second = try store.rotate(.afterPublishing, atSecondsSinceEpoch: 2001)
        #expect(second == .waiting(first.key))
        let error = keyStoreError { () throws(KeyStoreError) in
            try store.rotate(to: .eddsa, .afterPublishing, atSecondsSinceEpoch: 2001)
        }
        #expect(error == .refused(.otherKeyWaits(keyID: first.key.keyID, .es256)))
        #expect(try store.list().count == 2)
    }

    @Test(
        "A rotation may change the algorithm", arguments: KeyKind.allCases,
        [SignatureAlgorithm.eddsa, .rs256])
    func otherAlgorithm(_ kind: KeyKind, _ algorithm: SignatureAlgorithm) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        _ = try home.store.rotate(to: algorithm, .immediate, atSecondsSinceEpoch: 2000)
        #expect(try home.another().list().map(\.algorithm) == [algorithm, .es256])
    }

    @Test(
        "A published key that is retired never signs; a retired one stays as it is",
        arguments: KeyKind.allCases)
    func retiring(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let store = home.store
        let id = keyID(try store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        let retired = try store.retire(keyID: id, atSecondsSinceEpoch: 2100)
        #expect(try store.retire(keyID: id, atSecondsSinceEpoch: 2200) == retired)
        _ = try store.advance(publishSeconds: 1, atSecondsSinceEpoch: 5000)
        #expect(try store.stages() == ["signing 1000", "retired 2100"])
    }

    @Test(
        "The signing key can be neither retired nor removed, and an unknown one is named",
        arguments: KeyKind.allCases)
    func refusals(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let store = home.store
        let id = try #require(try store.load().signing).keyID
        let errors = [
            keyStoreError { () throws(KeyStoreError) in
                try store.retire(keyID: id, atSecondsSinceEpoch: 1)
            },
            keyStoreError { () throws(KeyStoreError) in try store.remove(keyID: id) },
            keyStoreError { () throws(KeyStoreError) in try store.remove(keyID: "nobody") },
        ]
        #expect(
            errors == [
                .refused(.signs(keyID: id)), .refused(.signs(keyID: id)),
                .refused(.unknownKey(keyID: "nobody", place: store.place)),
            ])
        #expect(errors[0]?.description.contains("usher key rotate --now") == true)
        #expect(try store.stages() == ["signing 1000"])
    }

    @Test("A removed key is gone at once", arguments: KeyKind.allCases)
    func removingByHand(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let id = keyID(try home.store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000))
        #expect(try home.store.remove(keyID: id).keyID == id)
        #expect(try home.another().stages() == ["signing 1000"])
    }

    @Test(
        "An imported key is published; where none signs it does so at once",
        arguments: KeyKind.allCases)
    func importing(_ kind: KeyKind) throws {
        let home = try KeyHome(kind)
        let keys = [try SigningKey.generate(.es256), try SigningKey.generate(.eddsa)]
        for (index, key) in keys.enumerated() {
            _ = try home.store.importKey(pem: try key.pem(), atSecondsSinceEpoch: Int64(index))
        }
        let listed = try home.another().list()
        #expect(listed.map(\.keyID) == keys.map(\.publicKey.keyID))
        #expect(listed.map(\.stage) == [.signing, .published])
    }

    @Test(
        "What cannot be imported leaves no trace, and a key that is there is named",
        arguments: KeyKind.allCases)
    func importRefusals(_ kind: KeyKind) throws {
        let home = try KeyHome(kind)
        let store = home.store
        let rubbish = keyStoreError { () throws(KeyStoreError) in
            try store.importKey(pem: [1, 2, 3], atSecondsSinceEpoch: 0)
        }
        #expect(rubbish == .refused(.importedKey(.unreadablePEM)))
        #expect(!FileManager.default.fileExists(atPath: home.scratch.keys))
        let key = try SigningKey.generate(.es256)
        let pem = try key.pem()
        var wiped = pem
        _ = try store.importKey(wiping: &wiped, by: .server, at: 0)
        #expect(wiped.allSatisfy { $0 == 0 })
        let twice = keyStoreError { () throws(KeyStoreError) in
            try store.importKey(pem: pem, atSecondsSinceEpoch: 0)
        }
        #expect(twice == .refused(.alreadyThere(keyID: key.publicKey.keyID, .signing)))
    }

    @Test(
        "A start without a signing key promotes the one that waited longest, and makes none",
        arguments: KeyKind.allCases)
    func startWithWaiting(_ kind: KeyKind) throws {
        let home = try KeyHome(kind)
        let keys = [try SigningKey.generate(.es256), try SigningKey.generate(.es256)]
        try home.store.prepare()
        try home.store.change { change in
            for (key, since) in [(keys[1], 1001), (keys[0], 1000)] {
                _ = try change.add(key, .published, since: Int64(since))
            }
        }
        let loaded = try home.store.loadOrCreate(.es256, atSecondsSinceEpoch: 2_000_000_000)
        #expect(loaded.signing.publicKey == keys[0].publicKey)
        #expect(try home.store.stages() == ["signing 2000000000", "published 1001"])
    }

    @Test(
        "The newest key signs also when the clock was set back, or two came in one second",
        arguments: KeyKind.allCases)
    func clockSetBack(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        for now: Int64 in [5, 1000, 1000] {
            let new = try home.store.rotate(.immediate, atSecondsSinceEpoch: now)
            #expect(try home.store.load().signing?.keyID == new.key.keyID)
        }
        #expect(try home.store.stages().first == "signing 1003")
    }

    @Test(
        "A follower reads anew after each change, and only then", arguments: KeyKind.allCases)
    func following(_ kind: KeyKind) throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let (store, other) = (home.store, try home.another())
        let first = try #require(try store.look(after: nil))
        #expect(try store.look(after: first.mark) == nil)
        _ = try other.rotate(.afterPublishing, atSecondsSinceEpoch: 2000)
        let second = try #require(try store.look(after: first.mark))
        #expect(second.keys != first.keys)
        #expect(second.keys.keys.map(\.stage) == [.signing, .published])
        _ = try other.advance(publishSeconds: 1, atSecondsSinceEpoch: 3000)
        let third = try #require(try store.look(after: second.mark))
        #expect(third.keys != second.keys)
        #expect(try store.look(after: third.mark) == nil)
    }
}

/// docs/architecture.md §4: whoever comes first makes a change, and others find it made.
@Suite("Keys with others at work")
struct KeyConcurrencyTests {
    private static func atOnce<Value: Sendable>(
        _ home: KeyHome,
        _ body: @escaping @Sendable (any SigningKeyStore) throws -> Value
    ) async throws -> [Value] {
        let stores = try (0..<8).map { _ in try home.another() }
        return try await withThrowingTaskGroup(of: Value.self) { group in
            for store in stores { group.addTask { try body(store) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("Starts at the same time settle on one key", arguments: KeyKind.allCases)
    func starts(_ kind: KeyKind) async throws {
        let home = try KeyHome(kind)
        let keyIDs = try await Self.atOnce(home) { store in
            try store.loadOrCreate(.es256, atSecondsSinceEpoch: 0).signing.publicKey.keyID
        }
        #expect(keyIDs.count == 8)
        #expect(Set(keyIDs).count == 1)
        #expect(try home.store.stages() == ["signing 0"])
    }

    @Test("Rotations at the same time make one key, which waits", arguments: KeyKind.allCases)
    func rotations(_ kind: KeyKind) async throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let changes = try await Self.atOnce(home) { store in
            try store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000)
        }
        #expect(Set(changes.map(\.key.keyID)).count == 1)
        #expect(
            changes.count { if case .published = $0 { true } else { false } } == 1)
        #expect(try home.store.stages() == ["signing 1000", "published 2000"])
    }

    @Test("A key whose time has come is promoted once", arguments: KeyKind.allCases)
    func advances(_ kind: KeyKind) async throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let next = try home.store.rotate(.afterPublishing, atSecondsSinceEpoch: 2000).key.keyID
        let changes = try await Self.atOnce(home) { store in
            try store.advance(publishSeconds: 1200, atSecondsSinceEpoch: 3200)
        }
        #expect(changes.flatMap { $0 }.map(\.key.keyID) == [next])
        #expect(try home.store.stages() == ["signing 3200", "retired 3200"])
    }

    @Test(
        "Immediate rotations at the same time leave one key signing and none lost",
        arguments: KeyKind.allCases)
    func immediateRotations(_ kind: KeyKind) async throws {
        let home = try KeyHome(kind, startedAt: 1000)
        let reader = try home.another()
        let readings = Task.detached {
            var signing = 0
            for _ in 0..<60 where try reader.load().signing != nil { signing += 1 }
            return signing
        }
        let changes = try await Self.atOnce(home) { store in
            try store.rotate(.immediate, atSecondsSinceEpoch: 2000)
        }
        #expect(Set(changes.map(\.key.keyID)).count == 8)
        #expect(
            try home.store.list().map(\.stage) == [.signing] + .init(repeating: .retired, count: 8))
        #expect(try await readings.value == 60)  // Readers always found a signing key.
    }
}
