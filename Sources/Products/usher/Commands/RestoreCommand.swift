import ArgumentParser
import Bytes
import Clients
import Foundation
import Glibc
import RegistryOnSQLite
import SigningKeys
import StrictJSON

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put back what usher backup has written.",
        discussion: """
            Into a data folder that is empty or not there, and on which no service runs. All of it \
            is checked before any of it is put in place. Everything is then as it was at the \
            backup: secrets and keys that were rotated since are good again, and what was revoked \
            since is not revoked.

            EXAMPLES
              usher restore usher.tar --data /var/lib/usher
              age -d usher.tar.age | usher restore -
            """)

    @Argument(help: "The backup; - is stdin.") var file: String
    @OptionGroup var options: KeyOptions

    func run() throws {
        try report {
            Drafts.goWithTheProcess()
            let folder = try options.places.folder(
                otherwise: "restore into a folder (no --registry, no USHER_REGISTRY), then: "
                    + "usher registry copy DATA DATABASE")
            let input = try opened()
            defer { if input != STDIN_FILENO { close(input) } }
            let restoration = Restoration(
                data: folder, keys: try options.keyFolder(in: folder),
                source: file == "-" ? "stdin" : file)
            show(try restoration.run(input), in: folder)
        }
    }

    private func opened() throws(CommandFailure) -> Int32 {
        guard file != "-" else {
            guard isatty(STDIN_FILENO) == 0 else {
                throw CommandFailure("stdin is a terminal: name the backup, or send it there")
            }
            return STDIN_FILENO
        }
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure(
                "\(file) cannot be read: \(unsafe String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private func show(_ restored: Restoration.Result, in folder: String) {
        if options.json {
            return sayJSON([
                "data": .string(folder),
                "made_at": .number(restored.madeAt),
                "clients": .number(Int64(restored.clients)), "keys": .number(Int64(restored.keys)),
            ])
        }
        say(
            "\(restored.clients) clients and \(restored.keys) keys are as they were at "
                + "\(Clock.text(restored.madeAt)).")
        say("What was revoked, rotated or removed since then is good again: do that anew.")
    }
}

/// One backup on its way back.
struct Restoration {
    struct Result {
        let clients: Int
        let keys: Int
        /// Seconds since the Unix epoch.
        let madeAt: Int64
    }

    /// What may lie in an empty data folder: the root of a file system has the one, and keys may
    /// have a volume of their own.
    private static let passedOver: Set = ["lost+found", "keys"]

    let data: String
    let keys: KeyFolder
    /// How people call the backup.
    let source: String

    func run(_ input: Int32) throws -> Result {
        let isNew = unsafe access(data, F_OK) != 0
        do {
            try FileManager.default.createDirectory(
                atPath: data, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("the folder \(data) cannot be made: choose another with --data")
        }
        do {
            let lock = try DataFolderLock.take(.exclusive, of: data)
            defer { lock?.release() }
            try checkEmpty()
            return try putInPlace(input)
        } catch {
            if isNew { unsafe rmdir(data) }
            throw error
        }
    }

    private func checkEmpty() throws {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: data)
        } catch {
            throw CommandFailure("\(data) cannot be read: make it yours, or choose another --data")
        }
        guard let name = names.sorted().first(where: { !Self.passedOver.contains($0) }) else {
            return
        }
        throw CommandFailure(
            "\(data) holds \(name): a backup goes into an empty folder, or one that is not there; "
                + "move what is there away, or choose another with --data")
    }

    private func putInPlace(_ input: Int32) throws -> Result {
        let draft = try DraftFile(in: data, for: "restore")
        var content: BackupReader.Content
        do throws(BackupFault) {
            content = try BackupReader.read(input, registry: draft.descriptor)
        } catch {
            throw CommandFailure("nothing was restored from \(source): \(error)")
        }
        defer { content.eraseKeys() }
        let clients = try prepare(draft, madeAt: content.madeAt)
        do throws(KeyStoreError) {
            try keys.check(content.keys)
        } catch {
            throw CommandFailure("nothing was restored from \(source): \(error)")
        }
        draft.give(toOwnerOf: data)
        if !content.keys.isEmpty { try keys.put(content.keys) }
        do {
            try draft.commit(as: RegistryOnSQLite.path(in: data), replacing: false)
        } catch {
            keys.takeBack(content.keys)
            throw error
        }
        return Result(clients: clients, keys: content.keys.count, madeAt: content.madeAt)
    }

    /// Checks the registry and brings it up to date, where it lies aside. Returns how many clients
    /// are in it.
    private func prepare(_ draft: DraftFile, madeAt: Int64) throws -> Int {
        defer { for end in Drafts.companions.dropFirst() { unsafe unlink(draft.path + end) } }
        do throws(RegistryFailure) {
            let examination = try RegistryExamination(path: draft.path)
            if let fault = examination.faults.first {
                throw SQLiteFault.damaged(path: draft.path, reason: Printable.text(fault))
                    .failure
            }
            let registry = try RegistryOnSQLite(path: draft.path, mustExist: true)
            let clients = try registry.list().count
            try registry.markRestored(
                by: .atTerminal(), at: Clock.now(), copiedAt: Clock.text(madeAt))
            try registry.checkpoint()  // What is beside the file is dropped.
            try registry.close()
            return clients
        } catch {
            // The disk is that of what was unpacked, not of the backup.
            let isFull = error == SQLiteFault.diskFull(path: draft.path).failure
            let detail = error.detail.map { " (\($0)\(isFull ? " for \(data)" : ""))" } ?? ""
            throw CommandFailure(
                "nothing was restored: the registry in \(source) cannot be used: \(error.code)"
                    + detail)
        }
    }
}

extension KeyOptions {
    /// For the files of a backup, which has none where the keys lay in the registry.
    fileprivate func keyFolder(in data: String) throws -> KeyFolder {
        switch try place() {
        case .folder(let folder): folder
        case .registry(_, let allowsGroup):
            KeyFolder(path: data + "/keys", allowsGroup: allowsGroup)
        }
    }
}
