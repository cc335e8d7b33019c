import ArgumentParser
import Clients
import Cryptography
import Glibc
import SigningKeys

extension KeyCommand {
    struct Import: ParsableCommand {
        private static let bytesMax = 16_384

        static let configuration = CommandConfiguration(
            abstract: "Publish a key that was made elsewhere.",
            discussion: """
                Takes one private key in PEM without a password: EC P-256, RSA with 2048 bits or \
                more, or Ed25519. It signs when its time has come, or at once where no key does.

                With --from-folder, every key of a folder goes into the registry, in its stage and \
                with its date: once, before the first service starts with the master key.

                EXAMPLES
                  openssl genpkey -algorithm ed25519 | usher key import
                  usher key import key.pem
                  usher key import --from-folder /var/lib/usher/keys --master-key-file FILE
                """)
        @Argument(help: "The PEM file. (default: stdin)") var file: String?
        @Option(help: "Bring all keys of this folder into the registry.") var fromFolder: String?
        @OptionGroup var options: KeyOptions

        func run() throws {
            try report {
                if let fromFolder { return try importFolder(fromFolder) }
                let store = try options.store()
                var pem = try content()
                let change = try store.importKey(
                    wiping: &pem, by: .atTerminal(), at: Clock.now())
                options.report(change, of: "key.import", in: store)
            }
        }

        private func importFolder(_ path: String) throws {
            guard file == nil else {
                throw CommandFailure("give a file or --from-folder, not both")
            }
            let store = try options.inRegistry(
                otherwise: "--from-folder brings keys into the registry: name the file of their "
                    + "master key with --master-key-file")
            let folder = KeyFolder(path: path, allowsGroup: try options.allowsGroup())
            let keys = try folder.load()
            guard !keys.keys.isEmpty else { throw CommandFailure("\(path) holds no key") }
            let isNew = try store.importKeys(keys, by: .atTerminal(), at: Clock.now())
            options.printer.printImport(keys.keys, from: path, isNew: isNew)
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
