import ArgumentParser
import Bytes
import Clients
import Glibc
import RegistryOnSQLite
import SigningKeys
import StrictJSON

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write registry and signing keys into one file.",
        discussion: """
            A tar archive of what both hold at one moment; the service may run meanwhile. It holds \
            every key, so keep it as you keep those: its mode is 0600. usher restore puts it back.

            EXAMPLES
              usher backup usher.tar
              usher backup usher.tar --overwrite
              usher backup - | age -r age1… > usher.tar.age
            """)

    @Argument(help: "The file to be made; - is stdout.") var file: String
    @Flag(help: "Replace a file that is there.") var overwrite = false
    @OptionGroup var options: KeyOptions

    func run() throws {
        try report {
            Drafts.goWithTheProcess()
            let folder = try options.places.folder(
                otherwise: "its backup is pg_dump's, and the keys' folder that of any folder "
                    + "(docs/operating.md says how)")
            let registry = try RegistryOnSQLite(in: folder, mustExist: true)
            var keys = try options.copies()
            defer { for index in keys.indices { keys[index].erase() } }
            if file == "-" {
                try writeToStandardOutput(registry, keys)
            } else {
                try writeFile(registry, keys)
            }
            do throws(RegistryFailure) {
                try registry.appendAudit(
                    action: "registry.backup", target: "registry", details: "",
                    by: .atTerminal(), at: Clock.now())
            } catch {
                complain("it is done, but not in the audit log: \(error)")
            }
        }
    }

    private func writeToStandardOutput(_ registry: RegistryOnSQLite, _ keys: [KeyFileCopy]) throws {
        guard isatty(STDOUT_FILENO) == 0 else {
            throw CommandFailure("stdout is a terminal: send it to a file or another program")
        }
        // Not where the registry lies, whose disk the service needs.
        let folder = Environment.variables["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        let copy = try copied(registry, in: folder)
        var writer = BackupWriter(to: STDOUT_FILENO, now: Clock.now())
        do throws(BackupFault) {
            try writer.write(registry: copy.descriptor, keys: keys)
        } catch {
            if case .writing(EPIPE) = error { Output.endByBrokenPipe() }
            throw CommandFailure("stdout: \(error)")
        }
    }

    private func writeFile(_ registry: RegistryOnSQLite, _ keys: [KeyFileCopy]) throws {
        var status = stat()
        guard unsafe overwrite || lstat(file, &status) != 0 else {
            throw CommandFailure("\(file) is there already: name another, or say --overwrite")
        }
        let folder = Folder.of(file)
        let draft = try DraftFile(in: folder, for: "backup")
        let copy = try copied(registry, in: folder)
        var writer = BackupWriter(to: draft.descriptor, now: Clock.now())
        do throws(BackupFault) {
            try writer.write(registry: copy.descriptor, keys: keys)
        } catch {
            throw CommandFailure("\(file): \(error)")
        }
        try draft.commit(as: file, replacing: overwrite)
        if options.json {
            sayJSON([
                "file": .string(file), "bytes": .number(writer.bytesWritten),
                "keys": .number(Int64(keys.count)),
            ])
        } else {
            say("\(file): registry and \(keys.count) keys, \(writer.bytesWritten) bytes")
            say(
                keys.isEmpty
                    ? "The keys in the registry are sealed: keep their master key elsewhere."
                    : "Whoever can read it can sign tokens: keep it as you keep the keys.")
        }
    }

    /// A copy that is open and has no name any more.
    private func copied(_ registry: RegistryOnSQLite, in folder: String) throws -> DraftFile {
        let copy = try DraftFile(in: folder, for: "registry")
        try registry.copy(to: copy.path)
        copy.unlink()
        return copy
    }
}

extension KeyOptions {
    /// Of the files in the folder; none where the keys lie in the registry.
    fileprivate func copies() throws -> [KeyFileCopy] {
        guard case .folder(let folder) = try place() else { return [] }
        return try folder.copies()
    }
}
