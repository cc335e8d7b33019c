package import Bytes
import Locking
import Monitoring

/// Counts answers by route and status.
///
/// Routes are those that are known at the start, and one for everything else: what a request asks
/// for must not make new labels.
package final class HTTPCounts: Sendable {
    private struct Key: Hashable {
        let route: Int
        let status: Int
    }

    private static let other: ByteText = "other"
    private let routes: [ByteText]
    private let indexes: [ByteText: Int]
    private let now: @Sendable () -> Int64
    private let counts = Lock<[Key: Tally]>([:])

    init(routes: [ByteText], now: @escaping @Sendable () -> Int64) {
        self.now = now
        self.routes = routes + [Self.other]
        indexes = Dictionary(
            routes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    @Sendable package func count(path: ByteText, status: Int) {
        let key = Key(route: indexes[path] ?? routes.count - 1, status: status)
        let now = status >= 400 ? self.now() : 0  // Of the others nobody asks.
        counts.withLock { $0[key, default: Tally()].note(at: now) }
    }

    var family: MetricFamily {
        var family = MetricFamily(
            .counter, "usher_http_requests_total", "Answers on the public port, by route and code.")
        let found = counts.withLock { $0 }
        let order = found.keys.sorted { ($0.route, $0.status) < ($1.route, $1.status) }
        for key in order {
            family.add(
                found[key]?.count ?? 0,
                ["route": routes[key.route].string, "code": String(key.status)])
        }
        return family
    }

    /// All answers.
    var total: Int { counts.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    /// Answers of 400 and above, by route and status. Handshakes, on paths that are no routes, are
    /// told of by their reasons.
    var refusals: [Refusal] {
        counts.withLock { $0 }.filter { key, _ in
            key.status >= 400 && routes[key.route] != Self.other
        }.map { key, tally in
            Refusal(
                kind: "http", reason: "\(routes[key.route]) \(key.status)", count: tally.count,
                lastAt: tally.lastAt)
        }
    }
}
