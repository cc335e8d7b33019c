package import Cryptography
package import Tokens

/// Why a change of keys was not made. Each says what to do instead.
package enum KeyChangeRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was to be imported is no key, or none that is accepted.
    case importedKey(CryptographyError)
    /// The key to be imported lies there already.
    case alreadyThere(keyID: String, KeyStage)
    case unknownKey(keyID: String, place: String)
    /// The signing key cannot be taken away.
    case signs(keyID: String)
    /// A published key of another algorithm than the one asked for is next.
    case otherKeyWaits(keyID: String, SignatureAlgorithm)
    /// Keys were to be brought to where others are.
    case keysThere(place: String, count: Int)
    /// Copies were to be put where keys, or other files, lie.
    case notEmpty(path: String, fileName: String)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .importedKey(let error): error.code
        case .alreadyThere: "key_already_there"
        case .unknownKey: "key_unknown"
        case .signs: "key_signs"
        case .otherKeyWaits: "key_other_waits"
        case .keysThere: "keys_already_there"
        case .notEmpty: "key_folder_not_empty"
        }
    }

    package var description: String {
        switch self {
        case .importedKey(let error):
            "the key cannot be imported: \(error.description)"
        case .alreadyThere(let keyID, let stage):
            "the key \(keyID) is here already: it is \(stage.rawValue)"
        case .unknownKey(let keyID, let place):
            "there is no key \(keyID) in \(place): usher key list shows those that are there"
        case .signs(let keyID):
            "the key \(keyID) signs: put another in its place first with usher key rotate --now"
        case .otherKeyWaits(let keyID, let algorithm):
            "the \(algorithm.rawValue) key \(keyID) is to sign next: retire it first with "
                + "usher key retire \(keyID), or rotate with --now"
        case .keysThere(let place, let count):
            "\(place) holds other keys already (\(count)): a folder's keys are brought there "
                + "before the first start; bring a single key with usher key import FILE"
        case .notEmpty(let path, let fileName):
            "the key folder \(path) holds \(fileName) already: name an empty one, or one that is "
                + "not there yet"
        }
    }
}
