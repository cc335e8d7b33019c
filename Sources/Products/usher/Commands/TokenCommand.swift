import ArgumentParser
import Bytes
import Clients
import Cryptography
import Foundation
import SigningKeys
import StrictJSON

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Issue, read, check and revoke tokens by hand.",
        discussion: """
            Tokens are read from stdin, never from the command line, which other users see.

            EXAMPLES
              usher token issue c_… --subject alice --rooms lobby --expires-in 300
              usher token inspect < token.txt
              usher token verify --issuer https://meet.example < token.txt
              usher token revoke < token.txt
              usher token revoke --client c_… --subject alice
            """,
        subcommands: [Issue.self, Inspect.self, Verify.self, Revoke.self])
}

/// Where a command finds the registry and the keys, and what the service calls itself: as `serve`
/// is told, by flags, variables and the configuration file.
struct ServiceOptions: ParsableArguments {
    @OptionGroup var places: PlaceOptions
    @Option(help: "Folder of the signing keys. (default: DATA/keys)") var keys: String?
    @Option(help: "File of the master key, where the keys lie in the registry.")
    var masterKeyFile: String?
    @Option(help: "The iss of the tokens. (default: as serve would have it)") var issuer: String?
    @Option(help: "The aud of the tokens. (default: the issuer)") var audience: String?
    @Option(help: "Configuration file of the service, JSON.") var config: String?
    @Flag(help: "Print JSON for programs.") var json = false

    func service() throws -> ServiceUnderCommand {
        let flags: [ByteText: [String]] = [
            "keys": keys.asTexts, "master-key-file": masterKeyFile.asTexts,
            "issuer": issuer.asTexts, "audience": audience.asTexts,
        ]
        return ServiceUnderCommand(
            settings: try ServeSettings(
                Environment.settings(places.flags, flags, file: config)))
    }
}

/// The service whose tokens a command handles.
struct ServiceUnderCommand {
    let settings: ServeSettings

    /// - Throws: `SettingError` where the issuer hangs on a port that the start will pick.
    func issuer() throws(SettingError) -> String {
        if let issuer = settings.access.issuer { return issuer }
        guard settings.listen.port != 0 else {
            throw SettingError(
                place: AccessSettings().issuer.flag, value: "",
                expected: "the issuer of the tokens, since the port is picked at the start")
        }
        return settings.publicURL
    }

    func audience() throws(SettingError) -> String {
        if let audience = settings.access.audience { return audience }
        return try issuer()
    }

    /// The keys as they are. A command makes none.
    func keys() throws -> KeySnapshot { try keyStore().load() }

    func signingKey() throws -> SigningKey {
        let store = try keyStore()
        guard let signing = try store.load().signing else {
            throw KeyStoreError.noSigningKey(place: store.place)
        }
        return signing.key
    }

    private func keyStore() throws -> any SigningKeyStore { try settings.keys.store(in: registry) }

    func registry() throws(RegistryFailure) -> any Registry {
        try settings.registry.open(mustExist: true)
    }
}

func sayJSON(_ value: JSONValue) {
    say(String(decoding: value.serialized(), as: UTF8.self))
}

extension JSONValue {
    static func number(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }
    static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}
