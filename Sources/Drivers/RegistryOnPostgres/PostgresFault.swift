import Bytes
import Clients

/// Why PostgreSQL could not be used.
enum PostgresFault: Error, Equatable, Sendable {
    /// Nobody answers there, or who did went away.
    case unreachable(String)
    /// It said nothing for as long as it may take.
    case timedOut
    /// What the server answered: an SQLSTATE of five characters, and its words.
    case refused(state: ByteText, message: String)
    /// Its answer is none to what was asked.
    case unexpected
    /// The connection ended while a commit was under way, and nobody could be asked what came of
    /// it.
    case outcomeUnknown
    /// A connection string that is none; the words are libpq's.
    case target(String)
    /// The schema in the database is of another version.
    case schema(found: Int64, known: Int64)
    /// The registry is filled only in part.
    case unfinishedCopy

    var failure: RegistryFailure {
        guard self != .unfinishedCopy else { return .copyUnfinished("the registry's database") }
        return .unavailable(RegistryTrouble(code: code, description: description, detail: detail))
    }

    /// Whether the connection cannot be used any more.
    var endsConnection: Bool {
        switch self {
        case .unreachable, .timedOut, .unexpected, .outcomeUnknown: true
        case .refused(let state, _): state.hasPrefix("08") || state.hasPrefix("57P")
        case .target, .schema, .unfinishedCopy: false
        }
    }

    private enum Kind {
        case unreachable, timedOut, login, database, forbidden, missing, readOnly, diskFull, busy
        case damaged, failed, outcomeUnknown, target, schema
    }

    private var kind: Kind {
        switch self {
        case .unreachable: .unreachable
        case .timedOut: .timedOut
        case .unexpected, .unfinishedCopy: .failed
        case .outcomeUnknown: .outcomeUnknown
        case .target: .target
        case .schema: .schema
        case .refused(let state, _): Self.kind(state)
        }
    }

    /// PostgreSQL's documentation, appendix A.
    private static func kind(_ state: ByteText) -> Kind {
        switch state {
        case "28000", "28P01": .login
        case "3D000": .database
        case "42501": .forbidden
        case "3F000", "42P01": .missing
        case "25006": .readOnly
        case "53100": .diskFull
        case "53300", "55P03", "57014", "40001", "40P01", "25P03": .busy
        case "XX001", "XX002": .damaged
        default: state.hasPrefix("08") || state.hasPrefix("57P") ? .unreachable : .failed
        }
    }

    private var code: String {
        switch kind {
        case .unreachable: "registry_unreachable"
        case .timedOut: "registry_timed_out"
        case .login: "registry_login_refused"
        case .database: "registry_no_database"
        case .forbidden: "registry_forbidden"
        case .missing: "registry_not_initialised"
        case .readOnly: "registry_read_only"
        case .diskFull: "registry_disk_full"
        case .busy: "registry_busy"
        case .damaged: "registry_damaged"
        case .failed: "registry_failed"
        case .outcomeUnknown: "registry_outcome_unknown"
        case .target: "registry_address_malformed"
        case .schema: "registry_schema"
        }
    }

    private var detail: String? {
        switch self {
        case .unreachable(let message), .refused(_, let message), .target(let message): message
        case .timedOut, .unexpected, .outcomeUnknown, .schema, .unfinishedCopy: nil
        }
    }

    private var description: String {
        let told = detail.map { " (\($0))" } ?? ""
        return switch kind {
        case .unreachable:
            "the registry's database cannot be reached\(told): nothing was changed; look whether "
                + "it runs, and whether host and port are right"
        case .timedOut:
            "the registry's database says nothing: nothing is known to have changed; look whether "
                + "it is stopped or overloaded"
        case .login:
            "the registry's database refuses the login\(told): look at user and password, or at "
                + "the server's pg_hba.conf"
        case .database: "there is no such database\(told): make it (createdb), or name another"
        case .forbidden:
            "the role lacks a right in the registry's database\(told): grant it, or initialise the "
                + "registry by the role that owns it"
        case .missing: "the database holds no registry\(told): usher registry init makes one"
        case .readOnly:
            "the registry's database takes no changes\(told): name the primary, not a replica"
        case .diskFull:
            "no space is left for the registry's database: nothing was changed; make room there"
        case .busy: "the registry's database is busy\(told): nothing was changed; try again"
        case .damaged: "the registry's database is damaged\(told): restore a backup"
        case .failed: "the registry's database failed\(told)"
        case .outcomeUnknown:
            "the connection to the registry's database was lost, and it is not known whether the "
                + "change was made: look before you repeat it"
        case .target:
            "this names no PostgreSQL database\(told): postgresql://USER@HOST/DATABASE is expected"
        case .schema:
            if case .schema(let found, let known) = self, found > known {
                "the registry was made by a newer usher (schema \(found), this one knows "
                    + "\(known)): run that version, or a newer one"
            } else {
                "the registry is of an older usher: usher registry migrate brings it up to date"
            }
        }
    }
}
