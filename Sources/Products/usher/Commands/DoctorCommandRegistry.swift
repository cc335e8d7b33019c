import Clients
import RegistryOnSQLite

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
