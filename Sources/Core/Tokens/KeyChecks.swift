extension PublicKey.Material {
    /// Every check on the numbers that needs no curve arithmetic.
    func check() throws(KeyFault) {
        switch self {
        case .ec(let x, let y):
            guard x.count == 32 else { throw .malformedMember("x") }
            guard y.count == 32 else { throw .malformedMember("y") }
        case .rsa(let n, let e):
            try RSANumbers.check(modulus: n, exponent: e)
        case .okp(let x):
            guard x.count == 32 else { throw .malformedMember("x") }
            guard Ed25519Point.isAcceptable(x) else { throw .badPoint }
        case .oct(let k):
            guard k.count >= PublicKey.secretBytesMin else {
                throw .shortSecret(byteCount: k.count)
            }
        }
    }
}

private enum RSANumbers {
    static func check(modulus: [UInt8], exponent: [UInt8]) throws(KeyFault) {
        // RFC 7518 §6.3.1: the fewest octets that hold the number.
        guard let top = modulus.first, top != 0, let last = modulus.last, last & 1 == 1 else {
            throw .malformedMember("n")
        }
        let bits = modulus.count * 8 - top.leadingZeroBitCount
        guard bits >= PublicKey.modulusBitsMin else { throw .weakModulus(bits: bits) }
        guard bits <= PublicKey.modulusBitsMax else { throw .modulusTooLong(bits: bits) }
        guard let first = exponent.first, first != 0 else { throw .malformedMember("e") }
        guard exponent.count <= 4 else { throw .badExponent }
        let value = exponent.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // 3 is sound for signatures where the padding is checked whole, as OpenSSL does.
        guard value >= 3, value & 1 == 1 else { throw .badExponent }
        guard !hasROCAFingerprint(modulus) else { throw .rocaModulus }
    }

    /// The fingerprint test of "The Return of Coppersmith's Attack" (CVE-2017-15361), §2.3.
    ///
    /// Both primes of a flawed key are of the form k·M + (65537^a mod M), M a product of small
    /// primes; so the modulus lies, for each of these primes, in the group that 65537 generates. A
    /// sound key passes for flawed with a chance below 2^-27.
    private static func hasROCAFingerprint(_ modulus: [UInt8]) -> Bool {
        generatedGroups.allSatisfy { prime, group in
            var remainder = 0
            for byte in modulus { remainder = (remainder << 8 | Int(byte)) % prime }
            return group.contains(remainder)
        }
    }

    /// For each prime up to 167 for which 65537 does not generate everything: what it generates.
    private static let generatedGroups: [(prime: Int, group: Set<Int>)] = {
        let primes = (3...167).filter { number in
            (2..<number).allSatisfy { number % $0 != 0 }
        }
        return primes.compactMap { prime in
            var group: Set<Int> = []
            var power = 1
            while group.insert(power).inserted { power = power * 65_537 % prime }
            return group.count < prime - 1 ? (prime, group) : nil
        }
    }()
}

/// Points that an Ed25519 key may not be (RFC 8032 §5.1.3).
private enum Ed25519Point {
    /// False for the eight points whose order divides 8, with which one signature fits many
    /// messages, and for encodings whose y is not below 2^255 − 19.
    static func isAcceptable(_ encoded: [UInt8]) -> Bool {
        var y = encoded  // Little-endian; the top bit is the sign of x.
        y[31] &= 0x7F
        return isBelowPrime(y) && !smallOrder.contains(y)
    }

    private static func isBelowPrime(_ y: [UInt8]) -> Bool {
        let isAllOnes = y[31] == 0x7F && y[1..<31].allSatisfy { $0 == 0xFF }
        return !(isAllOnes && y[0] >= 0xED)
    }

    /// The y of points of order 1, 2, 4 and 8 (the last with either sign of y).
    private static let smallOrder: [[UInt8]] = [
        [1] + [UInt8](repeating: 0, count: 31),
        [0xEC] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
        [UInt8](repeating: 0, count: 32),
        [
            0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF,
            0x98, 0xF0, 0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88,
            0x6D, 0x53, 0xFC, 0x05,
        ],
        [
            0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10,
            0x67, 0x0F, 0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77,
            0x92, 0xAC, 0x03, 0x7A,
        ],
    ]
}
