import ArgumentParser
import Bytes
import Clients
import RegistryOnPostgres
import RegistryOnSQLite
import StrictJSON

extension RegistryCommand {
    struct Copy: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy all of a registry into an empty one, of either kind.",
            discussion: """
                Clients, revocations, used tokens, sealed signing keys and the audit log, as they \
                are. Stop what runs on either first. A file is made where it is missing; a \
                database has its tables from usher registry init. Both are read again and \
                compared at the end.

                Interrupted it is run again, and goes on; until then nothing else opens what is \
                filled in part. So it does where FROM was changed meanwhile.

                Signing keys in a folder are not part of the registry, and stay where they are.

                EXAMPLES
                  usher registry copy /var/lib/usher service=usher
                  usher registry copy service=usher /var/lib/usher-again
                """)

        @Argument(
            help: "Data folder, or a database: its URL, service=NAME, or a file with either.")
        var from: String
        @Argument(help: "As FROM; a folder may be missing.")
        var to: String
        @Flag(help: "Print JSON for programs.") var json = false

        func run() throws {
            try report {
                let from = try RegistryPlace.argument(from, place: "FROM")
                let to = try RegistryPlace.argument(to, place: "TO")
                let source = try from.openToBeCopied()
                let target = try to.openToBeFilled()
                let lock = try to.lockedForFilling()
                defer { lock?.release() }
                let progress = CopyProgress()
                let summary = try RegistryCopy(
                    from: source, to: target, run: RegistryPlace.random(),
                    progress: { progress.show($0) }
                ).perform()
                target.finish()
                show(summary, from, to)
            }
        }

        private func show(
            _ summary: RegistryCopy.Summary, _ from: RegistryPlace, _ to: RegistryPlace
        ) {
            guard !json else {
                var rows = JSONObject()
                for (table, count) in summary.rows {
                    rows[ByteText(table.name)] = .number(Int64(count))
                }
                return sayJSON([
                    "from": .string("\(from)"), "to": .string("\(to)"), "rows": .object(rows),
                    "written": .number(Int64(summary.written)),
                    "resumed": .bool(summary.isResumed),
                ])
            }
            say("\(to) holds all that \(from) does; both were read again and are the same.")
            let rows = summary.rows.map { [$0.table.name, "\($0.count)"] }
            for line in TextTable(rows: rows).lines { say(line) }
            if summary.isResumed {
                say("It was begun before, and \(summary.written) of these rows were new or other.")
            }
        }
    }
}

/// Says on stderr how far a copy is, once a second at most.
private final class CopyProgress {
    private var next = Clock.monotonicMilliseconds() + 1000

    func show(_ progress: RegistryCopy.Progress) {
        let now = Clock.monotonicMilliseconds()
        guard now >= next else { return }
        next = now + 1000
        let verb = progress.phase == .copying ? "copied" : "compared"
        complain("\(progress.rowsDone) of \(progress.rowsInAll) rows are \(verb)")
    }
}

extension RegistryPlace {
    fileprivate func openToBeCopied() throws(RegistryFailure) -> any CopiedRegistry {
        switch self {
        case .folder(let folder): try RegistryOnSQLite(in: folder, mustExist: true)
        case .database(let target): try RegistryOnPostgres(target, random: Self.random)
        }
    }

    fileprivate func openToBeFilled() throws(RegistryFailure) -> any CopiedRegistry & Registry {
        switch self {
        case .folder(let folder):
            try RegistryOnSQLite(toBeFilledAt: RegistryOnSQLite.path(in: folder))
        case .database(let target): try RegistryOnPostgres(toBeFilled: target, random: Self.random)
        }
    }

    /// Keeps services off a folder; a database does so itself.
    fileprivate func lockedForFilling() throws -> DataFolderLock? {
        guard case .folder(let folder) = self else { return nil }
        do {
            return try DataFolderLock.take(.exclusive, of: folder)
        } catch {
            throw CommandFailure("a service runs on \(folder): stop it, or name another folder")
        }
    }
}
