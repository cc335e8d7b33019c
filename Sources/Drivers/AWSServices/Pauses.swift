import Cryptography
import Glibc
package import HTTPClient

/// Pauses between tries: each may be twice as long as the one before, and is of a length that
/// chance chooses up to that, so that those who were refused together don't come again together.
package struct Pauses {
    private static let firstMost = 50.0
    private static let most = 1000.0

    private let deadline: Deadline
    private var longest = Self.firstMost

    package init(until deadline: Deadline) { self.deadline = deadline }

    /// Waits until it is time for another try.
    ///
    /// - Returns: False, at once, where the deadline leaves no time for one.
    package mutating func wait() -> Bool {
        let milliseconds = next(chance: SecureRandom.uint64())
        guard !deadline.isPast(in: .milliseconds(milliseconds)) else { return false }
        usleep(UInt32(milliseconds * 1000))
        return true
    }

    /// How many milliseconds to wait, at least half of what it may be.
    mutating func next(chance: UInt64) -> Double {
        defer { longest = min(2 * longest, Self.most) }
        return longest / 2 * (1 + Double(chance >> 11) / Double(UInt64(1) << 53))
    }
}
