/// So many a second, and so many at once. A value: the time is given, never read.
package struct TokenBucket: Equatable, Sendable {
    package struct Rate: Equatable, Sendable {
        package let perSecond: Int
        package let burst: Int

        /// Both above 0.
        package init(limitedTo perSecond: Int, burst: Int) {
            self.perSecond = perSecond
            self.burst = burst
        }

        /// Nil where either is 0, which means no limit.
        package init?(perSecond: Int, burst: Int) {
            guard perSecond > 0, burst > 0 else { return nil }
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    private var tokens: Double
    /// Milliseconds.
    private var filledAt: Int64
    private static let crossingMillisecondsMax: Int64 = 60_000

    /// Full.
    package init(_ rate: Rate, at now: Int64) {
        tokens = Double(rate.burst)
        filledAt = now
    }

    /// Takes one token, or tells after how many whole seconds, at least one, there will be one.
    package mutating func take(_ rate: Rate, at now: Int64) -> Int? {
        fill(rate, at: now)
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return max(1, Int(((1 - tokens) / Double(rate.perSecond)).rounded(.up)))
    }

    /// Whether it would be full by now, and so might as well be forgotten.
    package func isFull(_ rate: Rate, at now: Int64) -> Bool {
        var later = self
        later.fill(rate, at: now)
        return later.tokens >= Double(rate.burst)
    }

    private mutating func fill(_ rate: Rate, at now: Int64) {
        // The readings of two threads may cross; by more than this the clock was set back.
        if filledAt - now > Self.crossingMillisecondsMax { filledAt = now }
        let elapsed = Double(max(0, now - filledAt)) / 1000
        tokens = min(Double(rate.burst), tokens + elapsed * Double(rate.perSecond))
        filledAt = max(filledAt, now)
    }
}
