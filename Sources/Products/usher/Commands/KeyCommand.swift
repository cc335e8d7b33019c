import ArgumentParser
import Bytes
import Clients
import Glibc
import SigningKeys

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "See the signing keys, and change them while the service runs.",
        discussion: """
            A key is published first, so that verifiers learn it before it signs; then it signs; \
            then it is retired and verifies what it signed until that has run out; then it is \
            gone. usher serve takes the steps that time asks for, and sees each change within a \
            second.

            EXAMPLES
              usher key list
              usher key rotate                     the next key, in 20 minutes
              usher key rotate --now               the next key, at once
              usher key rotate --algorithm EdDSA
              usher key import < key.pem
              usher key retire KID --now           a stolen key, after rotate --now

            With --master-key-file the keys lie in the registry, sealed under that master key, and \
            not in a folder: see usher key master.
            """,
        subcommands: [List.self, Rotate.self, Retire.self, Import.self, Master.self])
}

/// What every command on the keys takes.
struct KeyOptions: ParsableArguments {
    @OptionGroup var places: PlaceOptions
    @Option(help: "Folder of the signing keys. (default: $USHER_KEYS or DATA/keys)")
    var keys: String?
    @Option(
        help: """
            File of the master key, where the keys lie in the registry. (default: \
            $USHER_MASTER_KEY_FILE)
            """)
    var masterKeyFile: String?
    @Flag(help: "Take keys that their group may read, as Kubernetes mounts them with fsGroup.")
    var keysGroupAccess = false
    @Flag(help: "Print JSON for programs.") var json = false

    var printer: KeyPrinter { KeyPrinter(json: json) }

    private func values() throws(SettingError) -> SettingValues {
        try SettingValues(
            flags: [
                "data": places.data.asTexts, "keys": keys.asTexts,
                "master-key-file": masterKeyFile.asTexts,
                "keys-group-access": keysGroupAccess.asFlag,
            ], environment: Environment.variables)
    }

    func allowsGroup() throws(SettingError) -> Bool {
        try PlaceSettings().keysGroupAccess.value(in: values())
    }

    func place() throws(SettingError) -> KeyPlace {
        try KeyPlace(values(), data: places.dataFolder, allowsGroup: try allowsGroup())
    }

    func store() throws -> any SigningKeyStore {
        try place().store { () throws in try places.place().open(mustExist: true) }
    }

    /// The keys in the registry, for what has no meaning with a folder.
    func inRegistry(otherwise advice: String) throws -> RegistryKeys {
        guard let store = try store() as? RegistryKeys else { throw CommandFailure(advice) }
        return store
    }

    /// Shows what was done, after it is in the audit log, where there is one.
    func report(_ change: KeyChange, of command: String, in store: any SigningKeyStore) {
        defer { printer.printChange(change) }
        guard !store.writesAudit else { return }
        do {
            let place = try places.place()
            guard place.isThere else { return }
            try place.open(mustExist: true).append(
                change, command: command, by: .atTerminal(), at: Clock.now())
        } catch {
            complain("it is done, but not in the audit log: \(error)")
        }
    }
}

extension SigningAlgorithmSetting: ExpressibleByArgument {}

extension KeyCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys with their stages and dates.")
        @OptionGroup var options: KeyOptions

        func run() throws {
            try report { options.printer.printTable(try options.store().list()) }
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Publish the next signing key, or let it sign at once.",
            discussion: """
                Where a key waits already, that one is next and no other is made.

                EXAMPLES
                  usher key rotate
                  usher key rotate --now
                """)
        @Flag(help: "Sign with it at once; verifiers may refuse its tokens for some minutes.")
        var now = false
        @Option(help: "ES256, RS256 or EdDSA. (default: that of the signing key)")
        var algorithm: SigningAlgorithmSetting?
        @OptionGroup var options: KeyOptions

        func run() throws {
            try report {
                let store = try options.store()
                let change = try store.rotate(
                    to: algorithm?.algorithm, now ? .immediate : .afterPublishing,
                    by: .atTerminal(), at: Clock.now())
                options.report(change, of: "key.rotate", in: store)
            }
        }
    }

    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a key's use: a published one never signs.",
            discussion: """
                A retired key still verifies what it signed, and usher serve removes it when that \
                has run out. With --now it is gone at once, and with it all tokens it signed. The \
                signing key needs a successor first: usher key rotate --now.

                EXAMPLES
                  usher key retire KID
                  usher key retire KID --now
                """)
        @Argument(help: "The key, as usher key list names it.") var kid: String
        @Flag(help: "Remove it: every token that it signed is refused from now on.")
        var now = false
        @OptionGroup var options: KeyOptions

        func run() throws {
            try report {
                let store = try options.store()
                let (actor, second) = (Actor.atTerminal(), Clock.now())
                let change: KeyChange =
                    now
                    ? .removed(try store.remove(keyID: kid, by: actor, at: second))
                    : .retired(try store.retire(keyID: kid, by: actor, at: second))
                options.report(change, of: now ? "key.remove" : "key.retire", in: store)
            }
        }
    }
}
