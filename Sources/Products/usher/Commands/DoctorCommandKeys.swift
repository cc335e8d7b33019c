import Clients
import SigningKeys
import Tokens

/// The signing keys, and the folder or the file of the master key that they hang on.
struct KeyLook {
    private static let check = "keys"
    /// A key this old has been signing for longer than anybody plans for.
    private static let signingSecondsMax: Int64 = 366 * 86_400
    /// How long a published key waits unless told otherwise, and then as long again.
    private static let publishedSecondsMax: Int64 = 86_400

    let findings: [Finding]
    let dates: [ClockLook.Dated]
    let signingKeyID: String?

    /// `registry` opens the one that the service has, unless that would change it: then it is nil.
    init(_ place: KeyPlace, in registry: () throws -> (any Registry)?, now: Int64) {
        switch place {
        case .folder(let folder): self.init(folder, now: now)
        case .registry(let path, let allowsGroup):
            self.init(masterKeyFile: path, allowsGroup, registry, now)
        }
    }

    static let notChecked = KeyLook([
        .notChecked(check, "where they are is not sound", nil)
    ])

    private init(_ folder: KeyFolder, now: Int64) {
        let path = folder.path
        guard let look = FileLook(path) else {
            self.init([
                .warning(
                    Self.check, "there is no \(path)",
                    "usher serve makes it, and the first key; if yours lies elsewhere: --keys")
            ])
            return
        }
        do throws(KeyStoreError) {
            let keys = try folder.list()
            self.init(
                [Self.signing(keys, path, "\(path) is closed to others\(look.groupNote)")], keys,
                now)
        } catch {
            self.init([.problem(Self.check, "\(error.code): \(error)", nil)])
        }
    }

    private init(
        masterKeyFile path: String, _ allowsGroup: Bool, _ registry: () throws -> (any Registry)?,
        _ now: Int64
    ) {
        var found: [Finding] = []
        do {
            let file = try MasterKeyFile(path: path, allowsGroup: allowsGroup)
            found = [Self.masterKey(file)]
            guard let registry = try registry() else {
                self.init(found + [.notChecked(Self.check, "the registry was not opened", nil)])
                return
            }
            let keys = try RegistryKeys(registry, file).list()
            self.init(
                found + [Self.signing(keys, RegistryKeys.place, "the keys open under it")], keys,
                now)
        } catch let error as MasterKeyError {
            self.init([.problem("master_key", "\(error.code): \(error)", nil)])
        } catch let error as KeyStoreError {
            self.init(found + [.problem(Self.check, "\(error.code): \(error)", nil)])
        } catch {
            self.init(found + [.notChecked(Self.check, "the registry was not opened", nil)])
        }
    }

    private init(_ findings: [Finding], _ keys: [StoredKey] = [], _ now: Int64 = 0) {
        self.findings = findings + keys.compactMap { Self.finding($0, now: now) }
        signingKeyID = keys.first { $0.stage == .signing }?.keyID
        dates = keys.map { .init(what: "the \($0.stage.rawValue) key \($0.keyID)", at: $0.since) }
    }

    private static func masterKey(_ file: MasterKeyFile) -> Finding {
        let ids = file.ids.map(\.text)
        guard ids.count > 1 else {
            return .ok("master_key", "\(file.path) is closed to others; it holds \(ids[0])")
        }
        return .warning(
            "master_key", "\(ids[0]) is to take the place of \(ids[1]) in \(file.path)",
            "copy the file to every host, and then: usher key master rotate --finish")
    }

    private static func signing(_ keys: [StoredKey], _ place: String, _ fine: String) -> Finding {
        guard keys.contains(where: { $0.stage == .signing }) else {
            return .warning(
                check, "no key in \(place) signs", "usher serve makes one at its next start")
        }
        return .ok(check, "\(fine); \(keys.count) in it")
    }

    private static func finding(_ key: StoredKey, now: Int64) -> Finding? {
        let age = max(0, now - key.since)
        let name = "\(key.algorithm.rawValue) \(key.keyID)"
        let text = "\(name): \(key.stage.rawValue) for \(TokenPrinter.Duration.text(age))"
        switch key.stage {
        case .signing where age > signingSecondsMax:
            return .warning("key", text, "usher key rotate brings in the next one")
        case .published where age > publishedSecondsMax:
            return .warning(
                "key", text, "a running service lets it sign; without one: usher key rotate --now")
        case .retired where key.goneAt.map({ $0 <= now }) == true:
            return .warning(
                "key", text + ", and all it signed has run out",
                "a running service removes it")
        default: return .ok("key", text)
        }
    }
}
