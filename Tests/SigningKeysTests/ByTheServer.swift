import Clients
import SigningKeys
import Tokens

/// Changes of which a test does not care who makes them.
extension SigningKeyStore {
    func loadOrCreate(
        _ algorithm: SignatureAlgorithm, atSecondsSinceEpoch now: Int64
    ) throws(KeyStoreError) -> LoadedKeys {
        try loadOrCreate(algorithm, at: now)
    }

    func rotate(
        to algorithm: SignatureAlgorithm? = nil, _ pace: KeyRotationPace,
        atSecondsSinceEpoch now: Int64
    ) throws(KeyStoreError) -> KeyChange {
        try rotate(to: algorithm, pace, by: .server, at: now)
    }

    func retire(
        keyID: String, atSecondsSinceEpoch now: Int64
    ) throws(KeyStoreError) -> StoredKey {
        try retire(keyID: keyID, by: .server, at: now)
    }

    func remove(keyID: String) throws(KeyStoreError) -> StoredKey {
        try remove(keyID: keyID, by: .server, at: 0)
    }

    func advance(
        publishSeconds: Int64, atSecondsSinceEpoch now: Int64
    ) throws(KeyStoreError) -> [KeyChange] {
        try advance(try load(), publishSeconds: publishSeconds, at: now)
    }

    /// Imports from bytes that the caller keeps.
    func importKey(
        pem: [UInt8], atSecondsSinceEpoch now: Int64
    ) throws(KeyStoreError) -> KeyChange {
        var pem = pem
        return try importKey(wiping: &pem, by: .server, at: now)
    }

    /// `STAGE since` of each key, in the order in which they are listed.
    func stages() throws -> [String] {
        try list().map { "\($0.stage.rawValue) \($0.since)" }
    }
}
