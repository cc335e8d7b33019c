package import Clients
package import Cryptography
package import Tokens

/// Where signing keys are kept: the rules stand in the extensions of this protocol, and a driver
/// gives what they are made of. A folder of one host's, or the registry.
///
/// Safe to call from any thread.
package protocol SigningKeyStore: Sendable {
    /// Where they are, for messages: the folder's path, or `the registry`.
    var place: String { get }
    /// Whether a change writes its line of the audit log itself, in one with what it changes.
    var writesAudit: Bool { get }
    /// Whether a look asks another machine, or may have to wait for one.
    var isRemote: Bool { get }

    /// Makes what keys can be put into, where that is missing.
    func prepare() throws(KeyStoreError)

    /// Reads all keys. Makes nothing and repairs nothing.
    ///
    /// - Throws: `KeyStoreError`, which names what is not as it should be.
    func load() throws(KeyStoreError) -> KeySnapshot

    /// Reads all keys if anything has changed.
    ///
    /// - Parameter mark: That of the last look; nil reads in any case.
    /// - Returns: The keys and the next mark; nil where nothing changed, or nothing can be told
    ///   yet.
    /// - Throws: `KeyStoreError`, as `load`.
    func look(
        after mark: KeyMark?
    ) throws(KeyStoreError) -> (mark: KeyMark, keys: KeySnapshot)?

    /// Has `body` change keys while nobody else does. What it throws comes out as a
    /// `KeyStoreError`.
    func change<Value>(_ body: (any KeyChanging) throws -> Value) throws(KeyStoreError) -> Value
}

/// How keys looked from outside; unequal after any change to them.
package struct KeyMark: Sendable, Equatable {
    enum Content: Equatable, Sendable {
        case files([FileMark])
        case rows([SealedKey.Head])
    }

    let content: Content
}

/// What a change of keys is made of, while nobody else makes one.
package protocol KeyChanging {
    /// All keys, after what was begun and not finished is finished.
    func keys() throws -> KeySnapshot
    func add(_ key: SigningKey, _ stage: KeyStage, since: Int64) throws -> StoredKey
    @discardableResult
    func move(_ key: StoredKey, to stage: KeyStage, since: Int64) throws -> StoredKey
    func remove(_ key: StoredKey) throws
    /// Notes what was done for the audit log, where that lies beside the keys.
    func note(_ entry: AuditEntry) throws
}

/// The keys a server works with, once they are read.
package struct LoadedKeys: Sendable {
    /// Signs new tokens.
    package let signing: SigningKey
    /// What verifies and is published: the keys of all stages, the signing one first.
    package let verification: [PublicKey]
}
