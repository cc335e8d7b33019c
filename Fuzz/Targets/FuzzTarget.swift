import Glibc

/// A parser under test. It fails by trapping: `require` says what did not hold.
struct FuzzTarget: Sendable {
    /// Holds the parser to what is claimed of it.
    let check: @Sendable ([UInt8]) -> Void
    /// What a server does with an input, all else made ready, so that it alone is measured.
    let work: @Sendable ([UInt8]) -> () -> Void
    /// An ordinary input, about as long as this one.
    let benign: @Sendable ([UInt8]) -> [UInt8]

    /// Shorter inputs cost what a call costs.
    private static let bytesMin = 1024
    private static let ratioMax: Int64 = 25
    /// Nanoseconds that nothing is taken to task for: a server made anew, a cold cache.
    private static let floor: Int64 = 100_000
    private static let repeats = 5

    /// Refuses an input that costs more than 25 times the CPU time of a benign one.
    func measure(_ input: [UInt8]) {
        guard input.count >= Self.bytesMin else { return }
        let run = work(input)
        guard Self.nanoseconds(run) > Self.ratioMax * Self.floor else { return }
        let ordinary = max(Self.floor, Self.least(work(benign(input))))
        let cost = Self.least(run)
        require(
            cost <= Self.ratioMax * ordinary,
            "\(input.count) bytes cost \(cost / 1000) µs, benign ones \(ordinary / 1000) µs")
    }

    private static func least(_ body: () -> Void) -> Int64 {
        (0..<repeats).map { _ in nanoseconds(body) }.min() ?? 0
    }

    /// CPU time of this thread alone, so that a busy machine decides nothing.
    private static func nanoseconds(_ body: () -> Void) -> Int64 {
        let start = now()
        body()
        return now() - start
    }

    private static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// A piece again and again between two ends, about `count` bytes in all.
    static func repeating(
        _ piece: String, between head: String, and tail: String, count: Int
    ) -> [UInt8] {
        let pieces = max(0, count - head.utf8.count - tail.utf8.count) / piece.utf8.count
        return Array(head.utf8) + (0..<pieces).flatMap { _ in Array(piece.utf8) } + Array(tail.utf8)
    }
}
