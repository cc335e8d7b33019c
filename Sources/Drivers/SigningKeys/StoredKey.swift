package import Cryptography
package import Tokens

/// A key that is kept, and where it is in its life.
package struct StoredKey: Sendable, Equatable {
    /// A retired key has verified all it signed once this is over: the longest life of a token, and
    /// the most that clocks may differ.
    package static let retiredSeconds: Int64 = 3600 + 300

    enum Place: Sendable {
        /// Its name; differs from what the stage says where a promotion was interrupted.
        case file(KeyFileName)
        case sealed(masterKeyID: String)
    }

    package let stage: KeyStage
    /// When it entered the stage, in seconds since the Unix epoch.
    package let since: Int64
    package let key: SigningKey
    let place: Place

    /// The RFC 7638 thumbprint.
    package var keyID: String { key.publicKey.keyID }
    package var algorithm: SignatureAlgorithm { key.algorithm }

    /// Of the master key under which it is sealed; nil for a file's.
    package var masterKeyID: String? {
        if case .sealed(let id) = place { id } else { nil }
    }

    /// When a retired key may be removed; nil in other stages.
    package var goneAt: Int64? { stage == .retired ? since + Self.retiredSeconds : nil }

    package static func == (one: StoredKey, other: StoredKey) -> Bool {
        one.keyID == other.keyID && one.stage == other.stage && one.since == other.since
    }
}
