import Tokens

/// Keys that nobody is registered with, one an algorithm: the signature of an unknown client is
/// checked with one of these, so that the time tells nobody which clients there are. What comes of
/// it is never looked at.
struct DecoyKeys: Sendable {
    private let keys: [PublicKey]

    init(sha256: ([UInt8]) -> [UInt8]) {
        keys = Self.materials.compactMap { try? PublicKey($0, sha256: sha256) }
    }

    func key(for algorithm: SignatureAlgorithm) -> PublicKey? {
        keys.first { $0.algorithm == algorithm }
    }

    /// The base points of the two curves (SEC 2 §2.4.2, RFC 8032 §5.1), and a number of 2048 bits.
    private static let materials: [PublicKey.Material] = [
        .ec(x: baseX, y: baseY),
        .okp(x: [0x58] + [UInt8](repeating: 0x66, count: 31)),
        .rsa(n: [UInt8](repeating: 0xFF, count: 256), e: [1, 0, 1]),
    ]

    private static let baseX: [UInt8] = [
        0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40,
        0xF2, 0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98,
        0xC2, 0x96,
    ]
    private static let baseY: [UInt8] = [
        0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E,
        0x16, 0x2B, 0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF,
        0x51, 0xF5,
    ]
}
