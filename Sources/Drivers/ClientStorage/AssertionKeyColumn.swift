import FoundationEssentials
internal import Tokens

/// A client's keys for `private_key_jwt` to a column and back: a JSON Web Key Set.
enum AssertionKeyColumn {
    private struct Unreadable: Error {}

    static func value(_ keys: [PublicKey]) -> Data? {
        keys.isEmpty ? nil : Data(JWKSet.serialize(keys))
    }

    /// Throws where a key cannot be read: to leave one out would be to change who may come in.
    static func keys(_ column: Data?) throws -> [PublicKey] {
        guard let column else { return [] }
        // Each key was written with its `kid`, so that no thumbprint is ever taken.
        let set = try JWKSet(parsing: Array(column), sha256: { _ in [] })
        guard set.skipped.isEmpty else { throw Unreadable() }
        return set.keys
    }
}
