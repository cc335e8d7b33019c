import ArgumentParser
import Bytes
import Clients
import RegistryOnPostgres
import StrictJSON

struct RegistryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry",
        abstract: "Make the registry's tables, see its state, bring it up to date, copy it.",
        discussion: """
            The registry is a file in the data folder, which is made when it is needed, or a \
            PostgreSQL database that services on many hosts share: --registry or USHER_REGISTRY. \
            A password stands in PGPASSFILE (~/.pgpass) or in a file with the URL, whose name is \
            given in place of it.

            EXAMPLES
              usher registry init --registry postgresql://owner@db.example/usher --role usher
              usher registry status --registry service=usher
              usher registry migrate --registry service=usher
              usher registry copy /var/lib/usher service=usher
            """,
        subcommands: [Init.self, Status.self, Migrate.self, Copy.self])
}

/// What makes or changes tables takes.
struct SchemaOptions: ParsableArguments {
    @Option(
        help: """
            Role of the service, which gets the rights that it needs and no more. (default: that \
            of the connection)
            """)
    var role: String?
    @OptionGroup var registry: RegistryOptions

    /// And shows what is there then.
    func makeTables(mustExist: Bool, done: String) throws {
        let place = try registry.places.place()
        try makeTables(at: place, mustExist: mustExist)
        RegistryPrinter(json: registry.json).show(try RegistryState(place), done: done)
    }

    private func makeTables(at place: RegistryPlace, mustExist: Bool) throws {
        switch place {
        case .folder(let folder):
            guard role == nil else {
                throw CommandFailure("--role is a database's: \(folder) has none")
            }
            _ = try place.open(mustExist: mustExist)
        case .database(let target):
            if mustExist, try RegistryOnPostgres.examine(target).schema == nil {
                throw CommandFailure(
                    "\(target) holds no registry to bring up to date: usher registry init")
            }
            try RegistryOnPostgres.migrate(target, grantingTo: role)
        }
    }
}

extension RegistryCommand {
    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the tables in a database, or the file in a data folder.",
            discussion: """
                The database is there already (createdb), and the tables are made in its schema \
                usher, by a role that may make one. Where the registry is there, nothing is done.

                EXAMPLES
                  usher registry init --registry postgresql://owner@db.example/usher --role usher
                """)
        @OptionGroup var options: SchemaOptions

        func run() throws {
            try report { try options.makeTables(mustExist: false, done: "The registry is ready.") }
        }
    }

    struct Migrate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring the tables of an older usher up to date.",
            discussion: """
                By the role that made them; back the database up first (pg_dump). Replace the \
                services of the version before soon after: they open no new connections. A file in \
                a data folder is brought up to date by whatever opens it.

                EXAMPLES
                  usher registry migrate --registry postgresql://owner@db.example/usher
                """)
        @OptionGroup var options: SchemaOptions

        func run() throws {
            try report {
                try options.makeTables(mustExist: true, done: "The registry is up to date.")
            }
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show where the registry is, and what is in it.",
            discussion: """
                EXAMPLES
                  usher registry status
                  usher registry status --registry service=usher --json
                """)
        @OptionGroup var options: RegistryOptions

        func run() throws {
            try report {
                RegistryPrinter(json: options.json).show(try RegistryState(options.places.place()))
            }
        }
    }
}

/// What a registry holds, in numbers.
struct RegistryState {
    let place: String
    let clients: Int
    let revocations: Int
    let auditEntries: Int64
    let revision: Int64

    init(_ place: RegistryPlace) throws {
        let registry = try place.open(mustExist: true)
        self.place = "\(place)"
        (clients, revocations, auditEntries, revision) = try registry.read { rows in
            (
                try rows.clientIDs().count, try rows.revocationCount(),
                try rows.latestAuditEntries(limit: 1).last?.id ?? 0, try rows.revision()
            )
        }
    }
}

struct RegistryPrinter {
    let json: Bool

    func show(_ state: RegistryState, done: String? = nil) {
        guard !json else {
            return sayJSON([
                "registry": .string(state.place), "clients": .number(Int64(state.clients)),
                "revocations": .number(Int64(state.revocations)),
                "audit_entries": .number(state.auditEntries),
                "revision": .number(state.revision),
            ])
        }
        if let done { say(done) }
        let rows = [
            ["registry", state.place], ["clients", "\(state.clients)"],
            ["revocations", "\(state.revocations)"], ["audit entries", "\(state.auditEntries)"],
            ["revision", "\(state.revision)"],
        ]
        for line in TextTable(rows: rows).lines { say(line) }
    }
}
