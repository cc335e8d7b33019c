import Clients
import Identifiers
import RegistrySupport
import Testing
import Tokens

/// From which kind to which: with a server, files and databases both.
struct CopyCase: Sendable, CustomTestStringConvertible {
    let fromFile: Bool
    let toFile: Bool

    static let all =
        RegistryFolder.isFile
        ? [CopyCase(fromFile: true, toFile: true)]
        : [(true, false), (false, true), (false, false)].map {
            CopyCase(fromFile: $0.0, toFile: $0.1)
        }

    var testDescription: String {
        "\(fromFile ? "a file" : "a database") to \(toFile ? "a file" : "a database")"
    }

    func folders() throws -> (from: RegistryFolder, to: RegistryFolder) {
        (try RegistryFolder(isFile: fromFile), try RegistryFolder(isFile: toFile))
    }
}

extension RegistryFolder {
    /// With some of everything in it.
    func fill(rows: Int, seed: UInt64 = 7) throws {
        var full = FullRegistry(try open(), seed: seed)
        try full.fill(rows: rows)
    }

    @discardableResult
    func copy(
        to other: RegistryFolder, run: Int64 = 1, batchRows: Int = 1_000,
        progress: @escaping (RegistryCopy.Progress) -> Void = { _ in }
    ) throws -> RegistryCopy.Summary {
        try RegistryCopy(
            from: openForCopy(toBeFilled: false), to: other.openForCopy(toBeFilled: true),
            run: run, batchRows: batchRows, progress: progress
        ).perform()
    }
}

/// docs/operating.md, "Moving from SQLite to PostgreSQL, and back".
@Suite struct RegistryCopyTests {
    @Test("There and back, every row of every table is as it was", arguments: CopyCase.all)
    func thereAndBack(_ kinds: CopyCase) throws {
        let (from, to) = try kinds.folders()
        let back = try RegistryFolder(isFile: kinds.fromFile)
        try from.fill(rows: 1_400)
        let before = try from.allRows()
        #expect(before.count > 1_900)
        for table in ["client", "client_grant", "client_secret", "client_registration", "audit"]
            + ["used_token", "revocation", "revocation_share", "signing_key"]
        {
            #expect(before.contains { $0.hasPrefix(table + " ") }, "\(table)")
        }
        let there = try from.copy(to: to, batchRows: 100)
        #expect(there.rows.map(\.count).reduce(0, +) == there.written)
        #expect(!there.isResumed)
        #expect(try to.allRows() == before)
        try to.copy(to: back)
        #expect(try back.allRows() == before)
        #expect(try from.allRows() == before)
        #expect(try back.open().list() == from.open().list())
        #expect(try back.open().identity() == from.open().identity(), "it is the same registry")
    }

    @Test("What held before holds after it, and all is counted on", arguments: CopyCase.all)
    func rules(_ kinds: CopyCase) throws {
        let (from, to) = try kinds.folders()
        try from.fill(rows: 200)
        let before = try from.open()
        _ = try before.markTokenUsed(id: "jti-Ø", expiresAt: 9_000)
        try before.revoke(.token(id: "by a", expiresAt: 9_000), by: .client("c_a"))
        let share = RevocationShare.Holder(kind: .tokens, clientID: "c_a")
        let held = try before.read { try $0.revocationCount(of: share) }
        let lines = try before.latestAuditEntries(limit: 1)
        let revision = try before.read { try $0.revision() }
        try from.copy(to: to)

        let after = try to.open()
        #expect(try after.markTokenUsed(id: "jti-Ø", expiresAt: 9_000) == false)
        #expect(try after.read { try $0.revocationCount(of: share) } == held)
        try after.revoke(.token(id: "by a, again", expiresAt: 9_000), by: .client("c_a"))
        #expect(try after.read { try $0.revocationCount(of: share) } == held + 1)
        let next = try after.latestAuditEntries(limit: 2)
        #expect(next.first == lines.first)
        #expect(next.last?.id == next[0].id + 1)
        #expect(try after.read { try $0.revision() } == revision + 1)
        #expect(try after.revocations().dropLast() == before.revocations()[...])
    }

    @Test("Who follows the copy sees all of it, and knows it from any other registry")
    func followed() throws {
        let (from, to) = (try RegistryFolder(), try RegistryFolder())
        try from.fill(rows: 100)
        try from.copy(to: to)
        let registry = try to.open()
        // As one who has seen it while it was empty.
        let refresh = try registry.read {
            try RegistryRefresh($0, isContinued: true, since: 0, at: [], holding: 0)
        }
        #expect(try refresh?.revocations == from.open().revocations())
        #expect(try refresh?.entries.count == from.open().list().count)
        guard !RegistryFolder.isFile else { return }
        // docs/decisions/0033: a revision has a number of its own in each.
        let tag = """
            SELECT tag::TEXT FROM change WHERE revision = (SELECT revision FROM registry)
            """
        #expect(try to.texts(tag).count == 1)
        #expect(try to.texts(tag) != from.texts(tag))
    }

    @Test("An empty registry is copied as well, once", arguments: CopyCase.all)
    func empty(_ kinds: CopyCase) throws {
        let (from, to) = try kinds.folders()
        try from.make()
        #expect(try from.copy(to: to).written == 0)
        #expect(try to.allRows() == from.allRows())
        #expect(throws: RegistryCopyFault.isCopyAlready.failure) { try from.copy(to: to) }
        #expect(throws: RegistryCopyFault.isCopyAlready.failure) { try from.copy(to: from) }
        #expect(try to.open().list() == [])
    }

    private static func key() throws -> SealedKey {
        SealedKey(
            head: .init(keyID: "k", stage: .signing, since: 1, masterKeyID: "m"),
            algorithm: .es256, nonce: [UInt8](repeating: 1, count: 12), box: [1])
    }

    @Test("What is not empty is refused and stays as it is", arguments: CopyCase.all)
    func notEmpty(_ kinds: CopyCase) throws {
        let fills: [(String, (any Registry) throws -> Void)] = [
            ("revocation", { try $0.revoke(.token(id: "t", expiresAt: 9)) }),
            ("used token", { _ = try $0.markTokenUsed(id: "t", expiresAt: 9) }),
            ("client", { try $0.add(try Client.sample("x")) }),
            ("signing key", { try $0.write { try $0.put(try Self.key()) } }),
            (
                "line of the audit log",
                { try $0.appendAudit(action: "a.b", target: "t", by: .server, at: 1) }
            ),
        ]
        let from = try RegistryFolder(isFile: kinds.fromFile)
        try from.fill(rows: 100)
        for (thing, fill) in fills {
            let to = try RegistryFolder(isFile: kinds.toFile)
            try fill(try to.open())
            let before = try to.allRows()
            let failure = #expect(throws: RegistryFailure.self) { try from.copy(to: to) }
            #expect(try #require(failure).description.contains("has a \(thing) already"))
            #expect(try to.allRows() == before)
        }
    }

    @Test("It tells how far it is: all rows once while copying, once while comparing")
    func progress() throws {
        let (from, to) = (try RegistryFolder(), try RegistryFolder())
        try from.fill(rows: 100)
        var told: [RegistryCopy.Progress] = []
        let all = try from.copy(to: to, batchRows: 30) { told.append($0) }.written
        for phase in [RegistryCopy.Progress.Phase.copying, .comparing] {
            let own = told.filter { $0.phase == phase }
            #expect(own.map(\.rowsDone) == own.map(\.rowsDone).sorted())
            #expect(own.last?.rowsDone == all && own.last?.rowsInAll == all)
        }
    }
}
