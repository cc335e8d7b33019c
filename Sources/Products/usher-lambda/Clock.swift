import Glibc

/// The wall's clock, which a function has back as soon as it is thawed.
enum Clock {
    @Sendable static func milliseconds() -> Int64 {
        let time = read()
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    @Sendable static func seconds() -> Int64 { Int64(read().tv_sec) }

    @Sendable static func seconds() -> Double { Double(milliseconds()) / 1000 }

    private static func read() -> timespec {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return time
    }
}
