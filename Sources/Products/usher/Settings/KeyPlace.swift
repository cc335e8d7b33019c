import Clients
import SigningKeys

/// Where the signing keys are: in a folder of this host, or in the registry, sealed under a master
/// key that lies in a file.
enum KeyPlace: Sendable {
    case folder(KeyFolder)
    case registry(masterKeyFile: String, allowsGroup: Bool)

    /// - Throws: `SettingError` where both are set.
    init(
        _ values: SettingValues, data: String, allowsGroup: Bool
    ) throws(SettingError) {
        let settings = PlaceSettings()
        let folder = values.text(of: settings.keys)
        guard let file = values.text(of: settings.masterKeyFile) else {
            self = .folder(KeyFolder(path: folder ?? data + "/keys", allowsGroup: allowsGroup))
            return
        }
        guard folder == nil else {
            throw values.error(
                settings.keys,
                expected: "no folder of keys beside \(values.place(of: settings.masterKeyFile)), "
                    + "with which they lie in the registry: usher key import --from-folder brings "
                    + "a folder's keys there")
        }
        self = .registry(masterKeyFile: file, allowsGroup: allowsGroup)
    }

    /// The keys there; those in the registry are in the one that is given.
    func store<Failure: Error>(
        in registry: () throws(Failure) -> any Registry
    ) throws -> any SigningKeyStore {
        switch self {
        case .folder(let folder): folder
        case .registry(let file, let allowsGroup):
            try RegistryKeys(registry(), masterKeyFile: file, allowsGroup: allowsGroup)
        }
    }
}
