import Clients
import Identifiers
import RegistrySupport
import Testing

/// docs/operating.md, "Moving from SQLite to PostgreSQL, and back": what goes wrong on the way.
@Suite struct RegistryCopyTroubleTests {
    private struct Killed: Error {}

    /// A registry of which the n-th transaction fails: before anything of it, or as its answer is
    /// lost.
    private final class Faulty: CopiedRegistry, @unchecked Sendable {
        let registry: any CopiedRegistry
        private var left: Int
        private let isCommitted: Bool

        init(_ registry: any CopiedRegistry, failingAt count: Int, isCommitted: Bool) {
            self.registry = registry
            left = count
            self.isCommitted = isCommitted
        }

        func readTables<Value>(
            _ body: (any RegistryTables) throws -> Value
        ) throws(RegistryFailure) -> Value { try registry.readTables(body) }

        func writeTables<Value>(
            _ body: (any RegistryTables) throws -> Value
        ) throws(RegistryFailure) -> Value {
            left -= 1
            let lost = RegistryFailure.refused(reason: "lost")
            guard left != 0 else {
                if isCommitted { _ = try registry.writeTables(body) }
                throw lost
            }
            return try registry.writeTables(body)
        }
    }

    private func isUnfinished(_ folder: RegistryFolder) -> Bool {
        do {
            _ = try folder.open()
            return false
        } catch let failure as RegistryFailure {
            guard case .unavailable(let trouble) = failure else { return false }
            return trouble.code == "registry_copy_unfinished"
                && trouble.description.contains("run usher registry copy again")
        } catch {
            return false
        }
    }

    @Test(
        "Interrupted at any transaction it is refused to all, and gone on with",
        arguments: CopyCase.all, [false, true])
    func interrupted(_ kinds: CopyCase, isCommitted: Bool) throws {
        let (from, to) = try kinds.folders()
        try from.fill(rows: 60)
        let before = try from.allRows()
        var (count, failures) = (0, 0)
        while count < 60 {
            count += 1
            let faulty = Faulty(
                try to.openForCopy(toBeFilled: true), failingAt: count, isCommitted: isCommitted)
            let copy = RegistryCopy(
                from: try from.openForCopy(toBeFilled: false), to: faulty, run: Int64(count),
                batchRows: 9)
            do {
                let summary = try copy.perform()
                #expect(summary.isResumed)
                break
            } catch {
                guard try to.allRows() != before else { break }
                #expect(error == .refused(reason: "lost"))
                failures += 1
                #expect(isUnfinished(to) == (isCommitted || count > 1))
            }
        }
        #expect(failures > 15)
        #expect(try to.allRows() == before)
        #expect(!isUnfinished(to))
        #expect(throws: RegistryCopyFault.isCopyAlready.failure) { try from.copy(to: to) }
    }

    @Test("What another registry was copied into in part is refused", arguments: CopyCase.all)
    func otherSource(_ kinds: CopyCase) throws {
        let (from, to) = try kinds.folders()
        let other = try RegistryFolder(isFile: kinds.fromFile)
        try from.fill(rows: 60)
        try other.fill(rows: 60, seed: 8)
        try interrupt(from, to)
        #expect(throws: RegistryCopyFault.otherSource.failure) { try other.copy(to: to) }
        #expect(isUnfinished(to))
        #expect(try from.copy(to: to).isResumed)
        #expect(try to.allRows() == from.allRows())
    }

    /// Half of it is there.
    private func interrupt(_ from: RegistryFolder, _ to: RegistryFolder) throws {
        let faulty = Faulty(
            try to.openForCopy(toBeFilled: true), failingAt: 12, isCommitted: false)
        let copy = RegistryCopy(
            from: try from.openForCopy(toBeFilled: false), to: faulty, run: 1, batchRows: 9)
        #expect(throws: RegistryFailure.refused(reason: "lost")) { try copy.perform() }
    }

    @Test(
        "A source that changes is noticed, and what is new is brought over by the next run",
        arguments: CopyCase.all, [RegistryCopy.Progress.Phase.copying, .comparing])
    func changed(_ kinds: CopyCase, phase: RegistryCopy.Progress.Phase) throws {
        let changes: [(any Registry) throws -> Void] = [
            { try $0.add(try Client.sample("new")) },
            { try $0.remove(id: "c_plain0") },
            { _ = try $0.markTokenUsed(id: "new", expiresAt: 9) },
            { try $0.appendAudit(action: "a.b", target: "t", by: .server, at: 1) },
            { try $0.purgeExpired(atSecondsSinceEpoch: 1_020) },
            { try $0.update(id: "c_Plain0", try ClientUpdate(rooms: ["other"])) },
        ]
        let (from, to) = try kinds.folders()
        try from.fill(rows: 60)
        for (index, change) in changes.enumerated() {
            let registry = try from.open()
            var isChanged = false
            #expect(throws: RegistryCopyFault.sourceChanged.failure) {
                try from.copy(to: to, run: Int64(index), batchRows: 20) { progress in
                    guard !isChanged, progress.phase == phase else { return }
                    isChanged = true
                    try? change(registry)
                }
            }
            #expect(isUnfinished(to))
        }
        #expect(try from.copy(to: to, run: 99).isResumed)
        #expect(try to.allRows() == from.allRows())
    }

    @Test("Whoever began later fills the registry alone", arguments: CopyCase.all)
    func takenOver(_ kinds: CopyCase) throws {
        for rowsDone in [20, 60] {
            let (from, to) = try kinds.folders()
            try from.fill(rows: 60)
            var isOver = false
            #expect(throws: RegistryCopyFault.takenOver.failure) {
                try from.copy(to: to, run: 1, batchRows: 10) { progress in
                    guard !isOver, progress.rowsDone >= rowsDone else { return }
                    isOver = true
                    _ = try? from.copy(to: to, run: 2)
                }
            }
            #expect(isOver)
            #expect(try to.allRows() == from.allRows())
        }
    }

    @Test("A database that somebody is connected to is not filled")
    func inUse() throws {
        guard !RegistryFolder.isFile else { return }
        let (from, to) = (try RegistryFolder(), try RegistryFolder())
        try from.fill(rows: 60)
        let registry = try to.open()
        #expect(throws: RegistryCopyFault.targetInUse.failure) { try from.copy(to: to) }
        #expect(try registry.list() == [])
        registry.finish()
        try from.copy(to: to)
    }

    @Test("A row that is not what was written is named, in each table", arguments: CopyCase.all)
    func planted(_ kinds: CopyCase) throws {
        let (from, to) = try kinds.folders()
        try from.fill(rows: 60)
        let free =
            to.kind == .file
            ? "DROP TRIGGER audit_keeps_what_it_says" : "ALTER TABLE audit DISABLE TRIGGER USER"
        let plants = [
            ("revocation", "UPDATE revocation SET actor = 'x' WHERE kind = 'token'"),
            ("used token", "UPDATE used_token SET expires_at = 1"),
            ("client", "UPDATE client SET name = 'Other' WHERE id = 'c_plain0'"),
            ("registration", "UPDATE client_registration SET registrar = 'c_x'"),
            ("secret", "DELETE FROM client_secret WHERE position > 0"),
            (
                "grant",
                "INSERT INTO client_grant VALUES ('c_plain0', 'room', 99, 'more')"
            ),
            ("signing key", "UPDATE signing_key SET since = 2000"),
            ("line of the audit log", "UPDATE audit SET details = 'else' WHERE id = 2"),
        ]
        for (index, (thing, sql)) in plants.enumerated() {
            var isPlanted = false
            let failure = #expect(throws: RegistryFailure.self) {
                try from.copy(to: to, run: Int64(index)) { progress in
                    guard !isPlanted, progress.rowsDone == progress.rowsInAll else { return }
                    isPlanted = true
                    if index == plants.count - 1 { try? to.execute(free) }
                    try? to.execute(sql)
                }
            }
            let words = try #require(failure).description
            #expect(words.hasPrefix("the \(thing) "), "\(words)")
            #expect(words.contains("is not the same in both"))
        }
        #expect(isUnfinished(to))
        // A log that was changed cannot be mended: it says only what it is told.
        #expect(throws: RegistryCopyFault.otherLog(name: "2").failure) { try from.copy(to: to) }
    }

    @Test(
        "A text that is none is refused with the name of its row",
        arguments: ["610062", "ff"], CopyCase.all.filter(\.fromFile))
    func unreadable(hex: String, _ kinds: CopyCase) throws {
        let (from, to) = try kinds.folders()
        try from.fill(rows: 60)
        try from.execute(
            "UPDATE client SET name = CAST(x'\(hex)' AS TEXT) WHERE id = 'c_plain0'")
        #expect(throws: RegistryCopyFault.unreadable("client", name: "c_plain0").failure) {
            try from.copy(to: to)
        }
        try from.execute("UPDATE client SET name = 'mended' WHERE id = 'c_plain0'")
        try from.copy(to: to)
    }
}
