import Clients
import Foundation
import RegistrySupport
import SigningKeys
import Tokens

/// Where keys may be kept.
enum KeyKind: CaseIterable { case folder, registry }

/// Keys of one test's own, gone when the test is over. The registry is a file, or a database of the
/// server that `USHER_TEST_POSTGRES` names.
final class KeyHome {
    let scratch: KeyScratch
    let store: any SigningKeyStore
    private let folder: RegistryFolder?

    /// `start`: when the first key was made; without it there is none.
    init(_ kind: KeyKind, startedAt start: Int64? = nil) throws {
        scratch = try KeyScratch()
        switch kind {
        case .folder:
            store = scratch.folder
            folder = nil
        case .registry:
            let folder = try RegistryFolder()
            self.folder = folder
            _ = try MasterKeyFile.make(path: scratch.master)
            store = try scratch.keys(in: folder.open())
        }
        if let start { _ = try store.loadOrCreate(.es256, at: start) }
    }

    /// The same keys as another process has them.
    func another() throws -> any SigningKeyStore {
        guard let folder else { return scratch.folder }
        return try scratch.keys(in: folder.open())
    }
}

/// The registry's keys alone.
final class SealedHome {
    let scratch: KeyScratch
    let folder: RegistryFolder
    let registry: any Registry

    init() throws {
        scratch = try KeyScratch()
        folder = try RegistryFolder()
        registry = try folder.open()
        _ = try MasterKeyFile.make(path: scratch.master)
    }

    /// As a process of its own has them, which begins now.
    func keys() throws -> RegistryKeys { try scratch.keys(in: registry) }

    func rows() throws -> [SealedKey] { try registry.read { try $0.sealedKeys() } }
}

extension KeyScratch {
    /// The file of the master key.
    var master: String { path + "/master.key" }

    func keys(in registry: any Registry) throws -> RegistryKeys {
        try RegistryKeys(registry, masterKeyFile: master, allowsGroup: false)
    }
}
