import ArgumentParser
import Bytes
import Clients

/// Where a command finds the registry: as `serve` is told, by flags and variables.
struct PlaceOptions: ParsableArguments {
    @Option(help: "Folder of the registry. (default: $USHER_DATA or ~/.local/share/usher)")
    var data: String?
    @Option(
        help: """
            PostgreSQL database of the registry: a URL, service=NAME, or a file with either. \
            (default: $USHER_REGISTRY)
            """)
    var registry: String?

    var flags: [ByteText: [String]] { ["data": data.asTexts, "registry": registry.asTexts] }

    /// Those that were given, for commands that exclude them.
    var given: [(name: String, value: String?)] { [("--data", data), ("--registry", registry)] }

    var dataFolder: String { Environment.dataFolder(data) }

    /// The data folder, for what has no meaning with a database.
    func folder(otherwise advice: String) throws -> String {
        guard case .folder(let folder) = try place() else {
            throw CommandFailure("the registry is a PostgreSQL database: \(advice)")
        }
        return folder
    }

    func place() throws(SettingError) -> RegistryPlace {
        try RegistryPlace(
            SettingValues(flags: flags, environment: Environment.variables), data: dataFolder)
    }
}

/// What every command on the registry takes.
struct RegistryOptions: ParsableArguments {
    @OptionGroup var places: PlaceOptions
    @Flag(help: "Print JSON for programs.") var json = false

    func open(mustExist: Bool = true) throws -> any Registry {
        try places.place().open(mustExist: mustExist)
    }
}
