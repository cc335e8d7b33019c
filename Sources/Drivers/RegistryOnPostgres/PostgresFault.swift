import Bytes
import Clients

/// Why PostgreSQL could not be used.
enum PostgresFault: Error, Equatable, Sendable {
    /// Nobody answers there, or who did went away.
    case unreachable(String)
    /// It said nothing for as long as it may take.
    case timedOut
    /// The host's name has no address.
    case hostUnknown(String)
    /// The two cannot agree on TLS, or the server is another than the one that was meant.
    case tls(String)
    /// What the server answered: an SQLSTATE of five characters, and its words.
    case refused(state: ByteText, message: String)
    /// Its answer is none to what was asked.
    case unexpected
    /// The connection ended while a commit was under way, and nobody could be asked what came of
    /// it.
    case outcomeUnknown
    /// A statement of the transaction failed, and whoever asked for it went on all the same.
    case abandoned
    /// A connection string that is none, or a name in it; the words are ours.
    case target(String)
    /// The server is older than any that is supported: as `PQserverVersion` has it.
    case serverTooOld(version: Int32)
    /// The schema in the database is of another version.
    case schema(found: Int64, known: Int64)
    /// The registry is filled only in part.
    case unfinishedCopy

    var failure: RegistryFailure {
        guard self != .unfinishedCopy else { return .copyUnfinished("the registry's database") }
        return .unavailable(
            RegistryTrouble(code: kind.rawValue, description: description, detail: detail))
    }

    /// Whether the connection cannot be used any more.
    var endsConnection: Bool {
        switch self {
        case .unreachable, .timedOut, .unexpected, .outcomeUnknown, .hostUnknown, .tls: true
        case .refused(let state, _): state.hasPrefix("08") || state.hasPrefix("57P")
        case .target, .schema, .serverTooOld, .abandoned, .unfinishedCopy: false
        }
    }

    /// Whether the database is there, and what it held is not: it was dropped, or another stands
    /// in its place.
    var tellsOfLoss: Bool { kind == .database || kind == .missing }

    /// By its code, which is stable across releases.
    enum Kind: String, CaseIterable {
        case unreachable = "registry_unreachable"
        case timedOut = "registry_timed_out"
        case hostUnknown = "registry_host_unknown"
        case tls = "registry_tls_failed"
        case password = "registry_password_refused"
        case login = "registry_login_refused"
        case database = "registry_no_database"
        case forbidden = "registry_forbidden"
        case missing = "registry_not_initialised"
        case role = "registry_no_role"
        case readOnly = "registry_read_only"
        case diskFull = "registry_disk_full"
        case busy = "registry_busy"
        case connections = "registry_connections_exhausted"
        case starting = "registry_starting"
        case damaged = "registry_damaged"
        case failed = "registry_failed"
        case outcomeUnknown = "registry_outcome_unknown"
        case target = "registry_address_malformed"
        case server = "registry_server_unsupported"
        case schema = "registry_schema"
    }

    var kind: Kind {
        switch self {
        case .unreachable: .unreachable
        case .timedOut: .timedOut
        case .hostUnknown: .hostUnknown
        case .tls: .tls
        case .unexpected, .abandoned, .unfinishedCopy: .failed
        case .outcomeUnknown: .outcomeUnknown
        case .target: .target
        case .serverTooOld: .server
        case .schema: .schema
        case .refused(let state, _): Self.kind(state)
        }
    }

    /// PostgreSQL's documentation, appendix A.
    private static func kind(_ state: ByteText) -> Kind {
        switch state {
        case "28P01": .password
        case "28000": .login
        case "3D000": .database
        case "42501": .forbidden
        case "3F000", "42P01": .missing
        case "42704": .role
        case "25006": .readOnly
        case "53100": .diskFull
        case "53300": .connections
        case "55P03", "57014", "40001", "40P01", "25P03": .busy
        case "57P03": .starting
        case "XX001", "XX002": .damaged
        default: state.hasPrefix("08") || state.hasPrefix("57P") ? .unreachable : .failed
        }
    }

    private var detail: String? {
        switch self {
        case .unreachable(let message), .refused(_, let message), .target(let message),
            .hostUnknown(let message), .tls(let message):
            message
        case .abandoned: "a statement failed, and the transaction with it"
        case .timedOut, .unexpected, .outcomeUnknown, .schema, .serverTooOld, .unfinishedCopy: nil
        }
    }
}

// MARK: What is wrong, and what to do

extension PostgresFault {
    private var description: String {
        let told = detail.map { " (\($0))" } ?? ""
        switch self {
        case .schema(let found, let known): return Self.schema(found, known)
        case .serverTooOld(let version):
            return "the registry's database is of PostgreSQL \(version / 10_000), which is too "
                + "old: \(PostgresConnection.oldestServer / 10_000) or newer is needed"
        default: return kind.description(told)
        }
    }

    private static func schema(_ found: Int64, _ known: Int64) -> String {
        found > known
            ? "the registry was made by a newer usher (schema \(found), this one knows \(known)): "
                + "run that version, or a newer one"
            : "the registry is of an older usher (schema \(found), this one wants \(known)): "
                + "usher registry migrate brings it up to date"
    }
}

extension PostgresFault.Kind {
    fileprivate func description(_ told: String) -> String {
        switch self {
        case .unreachable:
            "the registry's database cannot be reached\(told): nothing was changed; look whether "
                + "it runs, and whether host and port are right"
        case .timedOut:
            "the registry's database says nothing: nothing is known to have changed; look whether "
                + "it is stopped or overloaded"
        case .hostUnknown:
            "the host of the registry's database has no address\(told): look at its name, and at "
                + "the name servers"
        case .tls:
            "there is no TLS with the registry's database as it was asked for\(told): look at "
                + "sslmode and sslrootcert, at the host's name and at the server's certificate"
        case .password:
            "the registry's database refuses the password\(told): look at the user, and at "
                + "the password in the password file, the service file or the URL"
        case .login:
            "the registry's database refuses the login\(told): look whether there is such a role "
                + "that may log in, and at the server's pg_hba.conf"
        case .database: "there is no such database\(told): make it (createdb), or name another"
        case .forbidden:
            "the role lacks a right in the registry's database\(told): usher registry init --role, "
                + "run by the role that owns the registry, grants what is needed"
        case .missing: "the database holds no registry\(told): usher registry init makes one"
        case .role: "what was named does not exist\(told): make the role first (CREATE ROLE)"
        case .readOnly:
            "the registry's database takes no changes\(told): name the primary, not a replica"
        case .diskFull:
            "no space is left for the registry's database: nothing was changed; make room there"
        case .busy: "the registry's database is busy\(told): nothing was changed; try again"
        case .connections:
            "the registry's database takes no more connections\(told): raise its max_connections, "
                + "or have others hold fewer"
        case .starting:
            "the registry's database is starting or stopping\(told): it is tried again; look at "
                + "its log if that does not end"
        case .damaged: "the registry's database is damaged\(told): restore a backup"
        case .failed: "the registry's database failed\(told): its log may say more"
        case .outcomeUnknown:
            "the connection to the registry's database was lost, and it is not known whether the "
                + "change was made: look before you repeat it"
        case .target:
            "this names no PostgreSQL database\(told): postgresql://USER@HOST/DATABASE is expected"
        case .server, .schema: told
        }
    }
}
