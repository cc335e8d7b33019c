import Bytes

/// Keys by `kid`, each bound to one algorithm. `Key` is whatever the caller verifies with.
package struct KeyRing<Key: Sendable>: Sendable {
    private struct Entry: Sendable {
        let algorithm: SignatureAlgorithm
        let key: Key
    }

    private var entries: [ByteText: Entry] = [:]

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    /// - Throws: `KeyFault.duplicateKeyID` where the ring has a key of that name.
    package mutating func add(
        _ key: Key, keyID: String, algorithm: SignatureAlgorithm
    ) throws(KeyFault) {
        guard entries[ByteText(keyID)] == nil else { throw .duplicateKeyID(keyID) }
        entries[ByteText(keyID)] = Entry(algorithm: algorithm, key: key)
    }

    /// The one key that may verify a token with this header.
    ///
    /// There is no default key, no trying of others, and the key, not the token, decides the
    /// algorithm (RFC 8725 §3.1).
    ///
    /// - Throws: `.badHeader` without a `kid`, `.unknownKey` or `.algorithmMismatch`.
    package func key(for header: JOSEHeader) throws(TokenFault) -> Key {
        guard let keyID = header.keyID else { throw .badHeader(member: .keyID) }
        guard let entry = entries[ByteText(keyID)] else { throw .unknownKey }
        guard entry.algorithm == header.algorithm else { throw .algorithmMismatch }
        return entry.key
    }
}
