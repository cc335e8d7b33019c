import Bytes
package import Clients
import Cryptography
import Locking
import Tokens

/// Signing keys in the registry, each sealed under a master key that lies in a file beside it.
///
/// All of them are sealed under one and the same master key. A change is one transaction: whoever
/// comes first makes it, and others find it made.
package final class RegistryKeys: SigningKeyStore {
    /// A key that was opened, and the row that it came out of.
    private struct Opened: Sendable {
        let row: SealedKey
        let key: SigningKey
    }

    package static let place = "the registry"

    let registry: any Registry
    package let masterKeys: MasterKeyFile
    /// By their ids: opening and parsing one costs more than all the rest of a look.
    private let opened = Lock<[ByteText: Opened]>([:])

    package init(_ registry: any Registry, _ masterKeys: MasterKeyFile) {
        self.registry = registry
        self.masterKeys = masterKeys
    }

    /// Reads the file of the master key too.
    package convenience init(
        _ registry: any Registry, masterKeyFile path: String, allowsGroup: Bool
    ) throws(KeyStoreError) {
        do throws(MasterKeyError) {
            self.init(registry, try MasterKeyFile(path: path, allowsGroup: allowsGroup))
        } catch {
            throw .masterKey(error)
        }
    }

    package var place: String { Self.place }
    package var writesAudit: Bool { true }
    package var isRemote: Bool { true }

    package func prepare() {}

    package func load() throws(KeyStoreError) -> KeySnapshot {
        try transact(.read) { rows in try self.snapshot(of: try rows.sealedKeys()) }
    }

    package func look(
        after mark: KeyMark?
    ) throws(KeyStoreError) -> (mark: KeyMark, keys: KeySnapshot)? {
        try transact(.read) { rows in
            let found = KeyMark(content: .rows(try rows.sealedKeyHeads()))
            guard found != mark else { return nil }
            return (found, try self.snapshot(of: try rows.sealedKeys()))
        }
    }

    package func change<Value>(
        _ body: (any KeyChanging) throws -> Value
    ) throws(KeyStoreError) -> Value {
        try transact(.write) { rows in try body(RowChange(rows: rows, store: self)) }
    }
}

extension RegistryKeys {
    enum Access { case read, write }

    /// Has the transaction throw what is wrong with keys as that, not as a failure of its own.
    func transact<Value>(
        _ access: Access, _ body: (any RegistryRows) throws -> Value
    ) throws(KeyStoreError) -> Value {
        var known: KeyStoreError?
        func noting(_ rows: any RegistryRows) throws -> Value {
            do {
                return try body(rows)
            } catch let error as KeyStoreError {
                known = error
                throw error
            }
        }
        do throws(RegistryFailure) {
            return switch access {
            case .read: try registry.read { try noting($0) }
            case .write: try registry.write { try noting($0) }
            }
        } catch {
            throw known ?? .registry(error)
        }
    }

    func snapshot(of rows: [SealedKey]) throws(KeyStoreError) -> KeySnapshot {
        let known = opened.withLock { $0 }
        var found: [ByteText: Opened] = [:]
        var keys: [StoredKey] = []
        for row in rows {
            let (id, old) = (ByteText(row.head.keyID), known[ByteText(row.head.keyID)])
            // Sealed anew it is opened anew: whoever lacks its master key learns that now, and not
            // at the next start.
            let isKnown = old?.row.isSameBox(as: row) == true
            let key = if isKnown, let old { old.key } else { try open(row) }
            found[id] = Opened(row: row, key: key)
            keys.append(
                StoredKey(
                    stage: row.head.stage, since: row.head.since, key: key,
                    place: .sealed(masterKeyID: row.head.masterKeyID)))
        }
        let signing = keys.filter { $0.stage == .signing }
        guard signing.count <= 1 else {
            throw .severalSigningRows(keyIDs: signing.map(\.keyID))
        }
        opened.withLock { $0 = found }
        return KeySnapshot(keys)
    }

    func open(_ row: SealedKey) throws(KeyStoreError) -> SigningKey {
        guard let key = try masterKey(of: row).open(row) else {
            throw .unreadableRow(keyID: row.head.keyID, MasterKeyID(row.head.masterKeyID))
        }
        return key
    }

    /// The key under which a row is sealed.
    func masterKey(of row: SealedKey) throws(KeyStoreError) -> MasterKey {
        let id = MasterKeyID(row.head.masterKeyID)
        do throws(MasterKeyError) {
            if let key = try masterKeys.key(id) { return key }
        } catch {
            throw .masterKey(error)
        }
        throw .unknownMasterKey(
            id, keyID: row.head.keyID, path: masterKeys.path, held: masterKeys.ids)
    }
}

extension SealedKey {
    fileprivate func isSameBox(as other: SealedKey) -> Bool {
        algorithm == other.algorithm && nonce == other.nonce && box == other.box
            && ByteText(head.masterKeyID) == ByteText(other.head.masterKeyID)
    }
}

/// A transaction that changes keys.
private struct RowChange: KeyChanging {
    let rows: any RegistryRows
    let store: RegistryKeys

    func keys() throws -> KeySnapshot { try store.snapshot(of: try rows.sealedKeys()) }

    func add(_ key: SigningKey, _ stage: KeyStage, since: Int64) throws -> StoredKey {
        // Under the one that is in use: hosts to which a new one was not brought yet can open it.
        let masterKey =
            try rows.sealedKeys().first.map { try store.masterKey(of: $0) }
            ?? store.masterKeys.first
        try rows.put(try masterKey.sealed(key, stage, since: since))
        return StoredKey(
            stage: stage, since: since, key: key, place: .sealed(masterKeyID: masterKey.id.text))
    }

    func move(_ key: StoredKey, to stage: KeyStage, since: Int64) throws -> StoredKey {
        for var row in try rows.sealedKeys()
        where ByteText(row.head.keyID) == ByteText(key.keyID) {
            row.head.stage = stage
            row.head.since = since
            try rows.put(row)
        }
        return StoredKey(stage: stage, since: since, key: key.key, place: key.place)
    }

    func remove(_ key: StoredKey) throws { try rows.removeSealedKey(key.keyID) }

    func note(_ entry: AuditEntry) throws { try rows.append(entry) }
}
