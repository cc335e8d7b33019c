import Clients
import RegistryOnPostgres

/// The database of a registry, as the service's role sees it.
struct DatabaseLook {
    private static let check = "registry_database"
    /// What one node may need in a busy moment.
    private static let connectionsPerNode = 20
    private static let clockSecondsMax = 2.0

    let findings: [Finding]
    let dates: [ClockLook.Dated]

    /// `file` is what names the database, if a file does.
    init(_ target: PostgresTarget, file: String?) {
        var findings = file.flatMap(Self.file).map { [$0] } ?? []
        var dates: [ClockLook.Dated] = []
        do throws(RegistryFailure) {
            let found = try RegistryOnPostgres.examine(target)
            findings.append(
                .ok(Self.check, "PostgreSQL \(found.server), as the role \(found.role)"))
            findings += Self.findings(found)
            if found.isUpToDate, !found.isReplica {
                let registry = try RegistryPlace.database(target).open(mustExist: true)
                (findings, dates) = try RegistryLook.adding(registry, to: findings)
                registry.finish()
            }
        } catch {
            findings.append(.problem("registry", "\(error.code): \(error)", nil))
        }
        (self.findings, self.dates) = (findings, dates)
    }

    private static func file(_ path: String) -> Finding? {
        guard let look = FileLook(path), look.isOpenToOthers(butGroup: false) else { return nil }
        return .warning(
            "registry_file", "others may read \(path), which may hold a password",
            "chmod 600 \"\(path)\"")
    }

    private static func findings(_ found: PostgresExamination) -> [Finding] {
        var findings = [schema(found)]
        if found.isReplica {
            findings.append(
                .problem(
                    check, "it is a replica, which takes no changes",
                    "name the primary, or all hosts: postgresql://USER@HOST1,HOST2/DATABASE"))
        }
        if !found.usesTLS, !found.isLocal {
            findings.append(
                .warning(
                    "registry_tls", "what is asked of the database travels in the clear",
                    "sslmode=verify-full in the URL, with sslrootcert where the authority is yours"
                ))
        }
        if !found.excessRights.isEmpty {
            let rights = found.excessRights.map(\.rawValue).joined(separator: "; ")
            findings.append(
                .warning(
                    "registry_role", "the role \(found.role) \(rights)",
                    "a role of its own for the service, which the tables' owner names: "
                        + "usher registry init --role NAME"))
        }
        if found.connectionsMax - found.connections < connectionsPerNode {
            findings.append(
                .warning(
                    "registry_connections",
                    "\(found.connections) of \(found.connectionsMax) connections are taken",
                    "raise max_connections, or put fewer programs on that server"))
        }
        let ahead = found.clockAheadSeconds
        if abs(ahead) > clockSecondsMax {
            findings.append(
                .warning(
                    "registry_clock",
                    "the database's clock is \(Int(abs(ahead).rounded())) seconds "
                        + (ahead > 0 ? "ahead of" : "behind") + " this host's",
                    "have all hosts keep time (NTP): revocations and tokens are dated by them"))
        }
        return findings
    }

    private static func schema(_ found: PostgresExamination) -> Finding {
        let check = "registry_schema"
        guard let schema = found.schema else {
            return .problem(check, "the database holds no registry", "usher registry init")
        }
        if found.isUpToDate { return .ok(check, "schema \(schema), the newest") }
        let text = "schema \(schema); this usher knows \(found.schemaKnown)"
        return .problem(
            check, text,
            schema < found.schemaKnown
                ? "usher registry migrate, by the role that owns the tables"
                : "run the version that made it, or a newer one")
    }
}
