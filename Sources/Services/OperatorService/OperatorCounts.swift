package import Bytes

/// What is counted for the operator, from the start on, by whoever serves.
package struct OperatorCounts: Sendable {
    package let http: HTTPCounts
    package let reports: ReportCounts
    package let tokens = TokenCount()

    /// `now` is in seconds since the Unix epoch; for `routes` see `HTTPCounts`.
    package init(now: @escaping @Sendable () -> Int64, routes: [ByteText]) {
        http = HTTPCounts(routes: routes, now: now)
        reports = ReportCounts(now: now)
    }
}

/// How often something happened, and when last.
struct Tally {
    private(set) var count = 0
    /// Seconds since the Unix epoch; 0 where nobody asks.
    private(set) var lastAt: Int64 = 0

    mutating func note(at now: Int64) {
        count += 1
        lastAt = now
    }
}
