import Glibc

/// Where a loop reads the time: milliseconds that never go back, from any zero.
package struct SocketClock: Sendable {
    package let milliseconds: @Sendable () -> Int64

    package init(milliseconds: @escaping @Sendable () -> Int64) {
        self.milliseconds = milliseconds
    }

    /// The kernel's monotonic clock, a few milliseconds coarse.
    package static let system = SocketClock {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
