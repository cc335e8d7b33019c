import Cryptography
import Tokens

/// Keys for tests. Those that take long to make are made once.
enum TestKeys {
    private static let firstRSA = try! SigningKey.generate(.rs256)
    private static let secondRSA = try! SigningKey.generate(.rs256)

    static func key(_ algorithm: SignatureAlgorithm) throws -> SigningKey {
        algorithm == .rs256 ? firstRSA : try SigningKey.generate(algorithm)
    }

    /// Not the one of `key`.
    static func otherKey(_ algorithm: SignatureAlgorithm) throws -> SigningKey {
        algorithm == .rs256 ? secondRSA : try SigningKey.generate(algorithm)
    }
}
