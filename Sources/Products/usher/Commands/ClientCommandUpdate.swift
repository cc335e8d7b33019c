import ArgumentParser
import Bytes
import Clients
import Cryptography
import Foundation
import Identifiers
import Tokens

extension ClientCommand {
    struct Update: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change what a client is called or granted; its secrets stay.",
            discussion: """
                What is not named stays as it is. Each list is replaced as a whole. A running \
                service follows within a second; tokens that are out keep what they carry until \
                they end or are revoked.

                EXAMPLES
                  usher client update c_… --name "My other game"
                  usher client update c_… --rooms lobby --rooms 'match-*' --lifetime 900
                  usher client update c_… --assertion-keys backend-jwks.json
                  usher client update c_… --no-origins --no-assertion-keys
                  usher client update c_… --introspect c_… --introspect c_…
                  usher client update c_… --legacy-hs256 < shared-secret.txt
                  usher client update c_… --no-legacy-hs256
                """)

        @Argument(help: "The client_id.", transform: { ClientID($0) }) var clientID: ClientID
        @Option(help: "What you call it.") var name: String?
        @Option(help: "Rooms its tokens may carry; may be repeated.") var rooms: [String] = []
        @Option(help: "Web origin whose pages may connect by cookie; may be repeated.")
        var origin: [String] = []
        @Flag(help: "No page may connect by cookie.") var noOrigins = false
        @Option(help: "Scope its tokens may carry; may be repeated.") var scope: [String] = []
        @Option(help: "Seconds that its tokens may live at most, 1 to 3600.") var lifetime: Int64?
        @Option(help: "File with the public keys of its private_key_jwt, a JWK set.")
        var assertionKeys: String?
        @Flag(help: "Its secret alone proves it.") var noAssertionKeys = false
        @Flag(help: ArgumentHelp(LegacySecretInput.help)) var legacyHs256 = false
        @Flag(help: "Take no HS256 token of its backend's; what they opened is closed.")
        var noLegacyHs256 = false
        @Option(
            help: "Client about whose tokens it may ask; '*' for all; may be repeated.",
            transform: { ClientID($0) })
        var introspect: [ClientID] = []
        @Flag(help: "It may ask about its own tokens alone.") var noIntrospect = false
        @OptionGroup var registry: RegistryOptions

        func validate() throws {
            if noOrigins, !origin.isEmpty {
                throw ValidationError("--no-origins and --origin exclude each other")
            }
            if noAssertionKeys, assertionKeys != nil {
                throw ValidationError("--no-assertion-keys and --assertion-keys exclude each other")
            }
            if noLegacyHs256, legacyHs256 {
                throw ValidationError("--no-legacy-hs256 and --legacy-hs256 exclude each other")
            }
            if noIntrospect, !introspect.isEmpty {
                throw ValidationError("--no-introspect and --introspect exclude each other")
            }
            let isEmpty =
                name == nil && rooms.isEmpty && origin.isEmpty && scope.isEmpty && lifetime == nil
                && assertionKeys == nil && !noOrigins && !noAssertionKeys && !legacyHs256
                && !noLegacyHs256 && introspect.isEmpty && !noIntrospect
            if isEmpty { throw ValidationError("Name what is to change, such as --rooms") }
        }

        func run() throws {
            try report {
                let opened = try registry.open()
                try opened.checkIntrospected(introspect)
                let client = try opened.update(
                    id: clientID, try update(), by: .atTerminal(), at: Clock.now())
                ClientPrinter(json: registry.json).printDetails(client)
            }
        }

        private func update() throws -> ClientUpdate {
            let keys = try assertionKeys.map(AssertionKeyFile.read)
            do {
                return try ClientUpdate(
                    name: name, rooms: rooms.isEmpty ? nil : rooms,
                    origins: noOrigins
                        ? [] : origin.isEmpty ? nil : origin.map { ByteText($0) },
                    scopes: scope.isEmpty ? nil : scope.map { ByteText($0) },
                    lifetimeSecondsMax: lifetime,
                    assertionKeys: noAssertionKeys ? [] : keys, legacySecret: try legacySecret(),
                    introspects: noIntrospect ? [] : introspect.isEmpty ? nil : introspect)
            } catch let error as RegistrationError {
                guard error.member == "name" else { throw error }
                throw SettingError(
                    place: "--name", value: error.value, expected: error.expected)
            }
        }

        private func legacySecret() throws(SettingError) -> LegacySecret.Change? {
            if noLegacyHs256 { return .remove }
            return legacyHs256 ? .set(try LegacySecretInput.read()) : nil
        }
    }
}

/// The file of `--assertion-keys`: a JWK set with public keys alone, all of them fit.
enum AssertionKeyFile {
    /// - Throws: `SettingError` naming the file and what is wrong in it.
    static func read(_ path: String) throws(SettingError) -> [PublicKey] {
        func refusal(_ expected: String) -> SettingError {
            SettingError(place: "--assertion-keys", value: path, expected: expected)
        }
        let input = try? FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        guard let json = try? input?.read(upToCount: JWKSet.bytesMax + 1) else {
            throw refusal("a file that can be read")
        }
        let set: JWKSet
        do throws(KeyFault) {
            set = try JWKSet(parsing: TextFile.withoutMark([UInt8](json)), sha256: Digest.sha256)
        } catch {
            throw refusal("a JWK set of public keys (RFC 7517 §5): \(error.description)")
        }
        if let skipped = set.skipped.first {
            throw refusal(
                "keys that can all be used: number \(skipped.index + 1) of the set cannot, "
                    + "\(skipped.fault.description)")
        }
        for key in set.keys {
            do throws(CryptographyError) {
                _ = try VerifyingKey(key)
            } catch {
                throw refusal("keys that can all be used: \(key.keyID): \(error.description)")
            }
        }
        guard !set.keys.isEmpty else { throw refusal("a JWK set with at least one key") }
        return set.keys
    }
}
