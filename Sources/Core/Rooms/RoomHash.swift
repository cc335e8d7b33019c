/// The hash by which a room's table and its loop are chosen: SipHash-2-4 (Aumasson and Bernstein,
/// 2012) with a key of the service's own.
///
/// Swift's `hashValue` decides neither: it is seeded anew in every process and may change with its
/// library. This one is the same in every thread, and in all processes that share the key; and
/// who does not know the key cannot choose names that crowd one table or one loop.
package struct RoomHash: Sendable {
    private let low: UInt64
    private let high: UInt64

    /// - Parameter key: From a source that nobody can foresee.
    package init(key: UInt128) {
        low = UInt64(truncatingIfNeeded: key)
        high = UInt64(truncatingIfNeeded: key >> 64)
    }

    package func value(of bytes: [UInt8]) -> UInt64 {
        var state = State(
            a: low ^ 0x736F_6D65_7073_6575, b: high ^ 0x646F_7261_6E64_6F6D,
            c: low ^ 0x6C79_6765_6E65_7261, d: high ^ 0x7465_6462_7974_6573)
        var word: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            word |= UInt64(byte) << UInt64(8 * (index % 8))
            guard index % 8 == 7 else { continue }
            state.take(word)
            word = 0
        }
        state.take(word | UInt64(truncatingIfNeeded: bytes.count) << 56)
        return state.result
    }

    private struct State {
        var a, b, c, d: UInt64

        mutating func take(_ word: UInt64) {
            d ^= word
            rounds(2)
            a ^= word
        }

        var result: UInt64 {
            var last = self
            last.c ^= 0xFF
            last.rounds(4)
            return last.a ^ last.b ^ last.c ^ last.d
        }

        private mutating func rounds(_ count: Int) {
            for _ in 0..<count {
                a &+= b
                b = Self.rotated(b, 13) ^ a
                a = Self.rotated(a, 32)
                c &+= d
                d = Self.rotated(d, 16) ^ c
                a &+= d
                d = Self.rotated(d, 21) ^ a
                c &+= b
                b = Self.rotated(b, 17) ^ c
                c = Self.rotated(c, 32)
            }
        }

        private static func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 {
            word << bits | word >> (64 - bits)
        }
    }
}
