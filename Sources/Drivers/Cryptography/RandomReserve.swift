import Locking

/// Randomness fetched ahead, for identifiers of which many are made: to OpenSSL's generator, 16
/// bytes are as much work as some hundred.
///
/// What was given is overwritten, so that no identifier can be read out of memory afterwards. For a
/// process that never forks: parent and child would give out the same bytes.
package final class RandomReserve: Sendable {
    /// The most that is taken out of the reserve. Longer ones are secrets rather than identifiers,
    /// and come straight from the generator.
    package static let shareBytesMax = 16
    static let byteCount = 512

    private struct State: Sendable {
        var bytes: [UInt8] = []
        var taken = 0

        /// Where the next bytes are, which nobody gets again.
        mutating func take(_ count: Int) -> Range<Int> {
            if bytes.count - taken < count {
                bytes = SecureRandom.bytes(RandomReserve.byteCount)
                taken = 0
            }
            defer { taken += count }
            return taken..<(taken + count)
        }
    }

    private let state = Lock(State())

    package init() {}

    /// As many bytes as asked for, never the same twice.
    package func bytes(_ count: Int) -> [UInt8] {
        guard count <= Self.shareBytesMax else { return SecureRandom.bytes(count) }
        return state.withLock { state in
            let range = state.take(count)
            let share = Array(state.bytes[range])
            for index in range { state.bytes[index] = 0 }
            return share
        }
    }

    /// 64 bits, never the same again.
    @Sendable package func uint64() -> UInt64 {
        state.withLock { state in
            var number: UInt64 = 0
            for index in state.take(8) {
                number = number << 8 | UInt64(state.bytes[index])
                state.bytes[index] = 0
            }
            return number
        }
    }
}
