import ArgumentParser
import Bytes
import Clients
import Cryptography
import Identifiers
import ServerlessRelay
import StrictJSON

struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Register the applications whose peers may meet.",
        discussion: """
            EXAMPLES
              usher client add "My game" --origin https://game.example
              usher client add Support --rooms 'ticket-*' --json
              usher client update c_… --lifetime 900 --origin https://game.example
              usher client rotate-secret c_… --grace 3600
            """,
        subcommands: [
            Add.self, List.self, Show.self, Update.self, RotateSecret.self, Disable.self,
            Enable.self, Remove.self,
        ])
}

extension ClientCommand {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a client and print its id and secret.",
            discussion: """
                The secret is shown this once; only its digest is kept.

                EXAMPLES
                  usher client add "My game" --origin https://game.example
                  usher client add Backend --rooms 'match-*' --lifetime 300
                  usher client add Backend --assertion-keys backend-jwks.json
                  usher client add "Old game" --legacy-hs256 < shared-secret.txt
                  usher client add "Scores API" --introspect c_…
                """)

        @Argument(help: "What you call it.") var name: String
        @Option(help: "Rooms its tokens may carry, such as lobby or team-*. (default: *)")
        var rooms: [String] = []
        @Option(help: "Web origin whose pages may connect by cookie, such as https://app.example.")
        var origin: [String] = []
        @Option(help: "Scope its tokens may carry. (default: signal)") var scope: [String] = []
        @Option(help: "Seconds that its tokens may live at most. (default: 3600)")
        var lifetime: Int64?
        @Option(help: "File with the public keys of its private_key_jwt, a JWK set.")
        var assertionKeys: String?
        @Flag(help: ArgumentHelp(LegacySecretInput.help)) var legacyHs256 = false
        @Option(
            help: "Client about whose tokens it may ask beside its own; '*' for all.",
            transform: { ClientID($0) })
        var introspect: [ClientID] = []
        @OptionGroup var registry: RegistryOptions

        func run() throws {
            try report {
                let opened = try registry.open(mustExist: false)
                try opened.checkIntrospected(introspect)
                let new = try NewClient(
                    name: name, rooms: rooms, origins: origin.map { ByteText($0) },
                    scopes: scope.map { ByteText($0) },
                    lifetimeSecondsMax: lifetime,
                    assertionKeys: try assertionKeys.map(AssertionKeyFile.read) ?? [],
                    legacySecret: legacyHs256 ? try LegacySecretInput.read() : nil,
                    introspects: introspect)
                let secret = SecretMaker.make()
                let client = new.client(
                    clientID: ClientID.make(fromRandom: SecureRandom.bytes(ClientID.randomBytes)),
                    secretDigest: secret.digest, atSecondsSinceEpoch: Clock.now())
                try opened.add(client, by: .atTerminal())
                ClientPrinter(json: registry.json).printSecret(secret.text, of: client)
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the registered clients.")
        @OptionGroup var registry: RegistryOptions

        func run() throws {
            try report {
                let clients = try registry.open().list()
                ClientPrinter(json: registry.json).printTable(clients)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one client: what it is granted, and when its secrets end.")
        @Argument(help: "The client_id.", transform: { ClientID($0) }) var clientID: ClientID
        @OptionGroup var registry: RegistryOptions

        func run() throws {
            try report {
                let client = try registry.open().existing(id: clientID)
                ClientPrinter(json: registry.json).printDetails(client)
            }
        }
    }

    struct RotateSecret: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-secret",
            abstract: "Add a secret and date the end of the one in use.")
        @Argument(help: "The client_id.", transform: { ClientID($0) }) var clientID: ClientID
        @Option(help: "Seconds that the old secret stays good.") var grace: Int64 = 86_400
        @OptionGroup var registry: RegistryOptions

        func run() throws {
            try report {
                try SecretRotation.check(graceSeconds: grace)
                let secret = SecretMaker.make()
                let clients = try registry.open()
                try clients.rotateSecret(
                    id: clientID, digest: secret.digest, graceSeconds: grace,
                    by: .atTerminal(),
                    at: Clock.now())
                ClientPrinter(json: registry.json)
                    .printSecret(secret.text, of: try clients.existing(id: clientID))
            }
        }
    }

    struct Disable: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse a client's tokens and close its sockets, until it is enabled again.",
            discussion: """
                With --table it is refused by a relay that runs as a function, whoever issues its \
                tokens; what it has open there is closed at once where --gateway names the \
                stage's own address, and otherwise with the next message.

                EXAMPLES
                  usher client disable c_…
                  usher client disable c_… --table usher \\
                      --gateway https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/live
                """)
        @Argument(help: "The client_id.", transform: { ClientID($0) }) var clientID: ClientID
        @OptionGroup var home: TableOptions
        @OptionGroup var gateway: GatewayOptions
        @OptionGroup var registry: RegistryOptions

        func validate() throws {
            try home.check(excludes: registry.places.given)
            try gateway.check(with: home)
        }

        func run() throws {
            try report {
                if let relay = try home.relay(gateway: gateway.gateway) {
                    let client = try TableClient.checked(clientID)
                    let closed = try relay.withdraw(.client(client))
                    return ClientPrinter(json: registry.json)
                        .printDone("disabled", clientID, closed: closed)
                }
                try registry.open().disable(
                    id: clientID, by: .atTerminal(), at: Clock.now())
                ClientPrinter(json: registry.json).printDone("disabled", clientID)
            }
        }
    }

    struct Enable: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a disabled client in again.",
            discussion: """
                EXAMPLES
                  usher client enable c_…
                  usher client enable c_… --table usher
                """)
        @Argument(help: "The client_id.", transform: { ClientID($0) }) var clientID: ClientID
        @OptionGroup var home: TableOptions
        @OptionGroup var registry: RegistryOptions

        func validate() throws { try home.check(excludes: registry.places.given) }

        func run() throws {
            try report {
                if let relay = try home.relay() {
                    try relay.enable(try TableClient.checked(clientID))
                    return ClientPrinter(json: registry.json).printDone("enabled", clientID)
                }
                try registry.open().enable(
                    id: clientID, by: .atTerminal(), at: Clock.now())
                ClientPrinter(json: registry.json).printDone("enabled", clientID)
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a client and close its sockets. There is no way back.")
        @Argument(help: "The client_id.", transform: { ClientID($0) }) var clientID: ClientID
        @OptionGroup var registry: RegistryOptions

        func run() throws {
            try report {
                try registry.open().remove(
                    id: clientID, by: .atTerminal(), at: Clock.now())
                ClientPrinter(json: registry.json).printDone("removed", clientID)
            }
        }
    }
}

extension Registry {
    /// The client, or an error that says there is none.
    func existing(id: ClientID) throws(RegistryFailure) -> Client {
        guard let client = try client(id: id) else { throw .clientUnknown(id: id) }
        return client
    }

    /// Refuses the ids of nobody: a slip there would show only when an API is told nothing.
    func checkIntrospected(_ ids: [ClientID]) throws {
        for id in ids where id != Client.everyClient { _ = try existing(id: id) }
    }
}

/// A new secret: the text to show once, and the digest to keep.
struct SecretMaker {
    let text: String
    let digest: [UInt8]

    static func make() -> SecretMaker {
        let text = ClientSecretText.make(
            fromRandom: SecureRandom.bytes(ClientSecretText.randomBytes))
        return SecretMaker(
            text: text, digest: ClientSecretText.digest(of: text, sha256: Digest.sha256))
    }
}
