import Cryptography
package import Tokens

/// What keys there were when they were read. Equal where the same keys are in the same stages since
/// the same time.
package struct KeySnapshot: Sendable, Equatable {
    /// The signing one first, then the published ones, the oldest first, then the retired ones, the
    /// newest first.
    package let keys: [StoredKey]

    /// Signs new tokens; nil where none does.
    package var signing: StoredKey? { keys.first { $0.stage == .signing } }
    package var published: [StoredKey] { keys.filter { $0.stage == .published } }
    package var retired: [StoredKey] { keys.filter { $0.stage == .retired } }
    /// What verifies and is published: the keys of all stages.
    package var verification: [PublicKey] { keys.map(\.key.publicKey) }

    /// Whether a change was begun that the next one finishes.
    package var isUnfinished: Bool { !interrupted.isEmpty }

    /// Keys whose promotion was begun and not finished.
    var interrupted: [StoredKey] {
        retired.filter {
            if case .file(let name) = $0.place { name.stage == .signing } else { false }
        }
    }

    /// At most one signs.
    init(_ keys: [StoredKey]) {
        self.keys =
            keys.filter { $0.stage == .signing }
            + keys.filter { $0.stage == .published }.sorted(by: Self.isOlder)
            + keys.filter { $0.stage == .retired }.sorted { Self.isOlder($1, $0) }
    }

    subscript(keyID: String) -> StoredKey? { keys.first { $0.keyID == keyID } }

    private static func isOlder(_ one: StoredKey, _ other: StoredKey) -> Bool {
        (one.since, one.keyID) < (other.since, other.keyID)
    }
}
