import ArgumentParser
import Bytes
import Clients
import Cryptography
import Glibc
import KeyFollowing

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
            """,
        subcommands: [List.self, Rotate.self, Retire.self, Import.self])
}

/// What every command on the keys takes.
struct KeyOptions: ParsableArguments {
    @OptionGroup var places: PlaceOptions
    @Option(help: "Folder of the signing keys. (default: $USHER_KEYS or DATA/keys)")
    var keys: String?
    @Flag(help: "Take keys that their group may read, as Kubernetes mounts them with fsGroup.")
    var keysGroupAccess = false
    @Flag(help: "Print JSON for programs.") var json = false

    func folder() throws(SettingError) -> KeyFolder {
        let values = try SettingValues(
            flags: [
                "data": places.data.asTexts, "keys": keys.asTexts,
                "keys-group-access": keysGroupAccess.asFlag,
            ], environment: Environment.variables)
        let allowsGroup = try PlaceSettings().keysGroupAccess.value(in: values)
        return Folders(values, allowsGroup: allowsGroup).keys
    }

    var printer: KeyPrinter { KeyPrinter(json: json) }

    /// Writes what was done into the audit log, where there is a registry, and shows it.
    func report(_ change: KeyChange, of command: String) {
        defer { printer.printChange(change) }
        do {
            let place = try places.place()
            guard place.isThere else { return }
            let registry = try place.open(mustExist: true)
            try change.append(
                to: registry, command: command, by: .atTerminal(), at: Clock.now())
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
            try report { options.printer.printTable(try options.folder().list()) }
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
                let change = try options.folder().rotate(
                    to: algorithm?.algorithm, now ? .immediate : .afterPublishing,
                    atSecondsSinceEpoch: Clock.now())
                options.report(change, of: "key.rotate")
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
                let change: KeyChange =
                    now
                    ? .removed(try options.folder().remove(keyID: kid))
                    : .retired(
                        try options.folder().retire(keyID: kid, atSecondsSinceEpoch: Clock.now()))
                options.report(change, of: now ? "key.remove" : "key.retire")
            }
        }
    }

    struct Import: ParsableCommand {
        private static let bytesMax = 16_384

        static let configuration = CommandConfiguration(
            abstract: "Publish a key that was made elsewhere.",
            discussion: """
                Takes one private key in PEM without a password: EC P-256, RSA with 2048 bits or \
                more, or Ed25519. It signs when its time has come, or at once where no key does.

                EXAMPLES
                  openssl genpkey -algorithm ed25519 | usher key import
                  usher key import key.pem
                """)
        @Argument(help: "The PEM file. (default: stdin)") var file: String?
        @OptionGroup var options: KeyOptions

        func run() throws {
            try report {
                var pem = try content()
                let change = try options.folder().importKey(
                    wiping: &pem, atSecondsSinceEpoch: Clock.now())
                options.report(change, of: "key.import")
            }
        }

        /// Bytes to be erased.
        private func content() throws(CommandFailure) -> [UInt8] {
            let place = file ?? "stdin"
            let input = file.map { unsafe open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
            defer { if input > STDIN_FILENO { close(input) } }
            guard input >= 0,
                var pem = SecretReading.all(of: input, bytesMax: Self.bytesMax + 1)
            else {
                throw CommandFailure("\(place) cannot be read: name a PEM file that is yours")
            }
            TextFile.dropMark(from: &pem)
            guard !pem.isEmpty else {
                throw CommandFailure("\(place) holds nothing: give a private key in PEM")
            }
            guard pem.count <= Self.bytesMax else {
                eraseSecret(&pem)
                throw CommandFailure("\(place) is longer than \(Self.bytesMax) bytes, so no key")
            }
            return pem
        }
    }
}
