import Clients
import Cryptography
import RegistryOnSQLite
import Tokens

/// The registry's files, and what is in them.
struct RegistryLook {
    private static let check = "registry"

    let findings: [Finding]
    let dates: [ClockLook.Dated]

    init(folder: String, allowsGroup: Bool) {
        let path = RegistryOnSQLite.path(in: folder)
        guard let file = FileLook(path) else {
            dates = []
            findings = [
                .warning(
                    Self.check, "there is none yet: no client is registered",
                    "usher client add NAME; if yours lies elsewhere, say so with --data")
            ]
            return
        }
        var found = [Self.permissions(path, folder, allowsGroup)]
        var dates = [ClockLook.Dated(what: path, at: file.modifiedAt)]
        do throws(RegistryFailure) {
            let examination = try RegistryExamination(path: path)
            found += Self.structure(examination)
            if examination.isUpToDate {  // Else, opening it in earnest would change it.
                let opened = try RegistryOnSQLite(path: path, mustExist: true)
                let (findings, read) = try Self.adding(opened, to: found)
                found = findings
                dates += read
            }
        } catch {
            found.append(.problem(Self.check, "\(error.code): \(error)", nil))
        }
        findings = found
        self.dates = dates
    }

    /// What is in it, whatever keeps it.
    static func adding(
        _ registry: any Registry, to findings: [Finding]
    ) throws(RegistryFailure) -> ([Finding], [ClockLook.Dated]) {
        let clients = try registry.list()
        var dates = dates(of: clients)
        if let entry = try registry.latestAuditEntries(limit: 1).last {
            dates.append(.init(what: "the audit log's last entry", at: entry.at))
        }
        return (findings + [content(clients)], dates)
    }

    private static func permissions(
        _ path: String, _ folder: String, _ allowsGroup: Bool
    ) -> Finding {
        let owner = FileLook(folder)?.owner
        for file in [path, path + "-wal", path + "-shm"] {
            guard let look = FileLook(file) else { continue }
            guard FileLook.isWritable(file) else {
                return .problem(
                    "registry_file", "\(User.name) may not write to \(file)",
                    "run as the service's user, or give the file to it: chown")
            }
            // With fsGroup a volume's folder is root's, and what the service makes there its own.
            guard look.owner == owner || allowsGroup else {
                return .warning(
                    "registry_file", "\(file) belongs to another user than its folder",
                    "chown it to the service's user, and run commands as that user")
            }
            let message = "others may get at \(file) (mode \(look.permissions))"
            let advice = "chmod 600 \"\(file)\""
            if look.isWritableByOthers(butGroup: allowsGroup) {
                return .problem("registry_file", message, advice)
            }
            if look.isOpenToOthers(butGroup: allowsGroup) {
                return .warning("registry_file", message, advice)
            }
        }
        return .ok("registry_file", "\(path) is closed to others")
    }

    private static func structure(_ examination: RegistryExamination) -> [Finding] {
        let schema =
            examination.isUpToDate
            ? Finding.ok("registry_schema", "schema \(examination.schema), the newest")
            : .warning(
                "registry_schema",
                "schema \(examination.schema); this usher knows \(examination.schemaKnown)",
                "nothing: the next command or start brings it up to date, after a backup by you")
        guard let fault = examination.faults.first else {
            return [schema, .ok("registry_integrity", "SQLite finds every page in order")]
        }
        return [
            schema,
            .problem(
                "registry_integrity",
                "faults: \(examination.faults.count), the first: \(Printable.text(fault))",
                "stop the service and put a backup in place of \(examination.path)"),
        ]
    }

    private static func content(_ clients: [Client]) -> Finding {
        let disabled = clients.count { !$0.isEnabled }
        let note = disabled == 0 ? "" : ", \(disabled) of them disabled"
        guard !clients.isEmpty else {
            return .warning(check, "no client is registered", "usher client add NAME")
        }
        return .ok(check, "\(clients.count) registered\(note)")
    }

    private static func dates(of clients: [Client]) -> [ClockLook.Dated] {
        clients.flatMap { client in
            [ClockLook.Dated(what: "the client \(client.clientID)", at: client.createdAt)]
                + client.secrets.map {
                    ClockLook.Dated(what: "a secret of \(client.clientID)", at: $0.createdAt)
                }
        }
    }
}

/// The folder of the signing keys.
struct KeyLook {
    private static let check = "keys"
    /// A key this old has been signing for longer than anybody plans for.
    private static let signingSecondsMax: Int64 = 366 * 86_400
    /// How long a published key waits unless told otherwise, and then as long again.
    private static let publishedSecondsMax: Int64 = 86_400

    let findings: [Finding]
    let dates: [ClockLook.Dated]
    let signingKeyID: String?

    init(_ folder: KeyFolder, now: Int64) {
        let path = folder.path
        guard let look = FileLook(path) else {
            (dates, signingKeyID) = ([], nil)
            findings = [
                .warning(
                    Self.check, "there is no \(path)",
                    "usher serve makes it, and the first key; if yours lies elsewhere: --keys")
            ]
            return
        }
        do throws(KeyFolderError) {
            let keys = try folder.list()
            signingKeyID = keys.first { $0.stage == .signing }?.keyID
            dates = keys.map {
                .init(what: "the \($0.stage.rawValue) key \($0.keyID)", at: $0.since)
            }
            findings =
                [Self.signing(keys, path, look)] + keys.compactMap { Self.finding($0, now: now) }
        } catch {
            (dates, signingKeyID) = ([], nil)
            findings = [.problem(Self.check, "\(error.code): \(error)", nil)]
        }
    }

    private static func signing(
        _ keys: [StoredKey], _ path: String, _ look: FileLook
    ) -> Finding {
        let isSigning = keys.contains { $0.stage == .signing }
        guard isSigning else {
            return .warning(
                check, "no key in \(path) signs", "usher serve makes one at its next start")
        }
        return .ok(check, "\(path) is closed to others\(look.groupNote); \(keys.count) in it")
    }

    private static func finding(_ key: StoredKey, now: Int64) -> Finding? {
        let age = max(0, now - key.since)
        let name = "\(key.algorithm.rawValue) \(key.keyID)"
        let text = "\(name): \(key.stage.rawValue) for \(TokenPrinter.Duration.text(age))"
        switch key.stage {
        case .signing where age > signingSecondsMax:
            return .warning("key", text, "usher key rotate brings in the next one")
        case .published where age > publishedSecondsMax:
            return .warning(
                "key", text, "a running service lets it sign; without one: usher key rotate --now")
        case .retired where key.goneAt.map({ $0 <= now }) == true:
            return .warning(
                "key", text + ", and all it signed has run out",
                "a running service removes it")
        default: return .ok("key", text)
        }
    }
}
