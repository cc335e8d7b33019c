package import Bytes
import Locking
import Monitoring

/// Counts answers by route and status.
///
/// Routes are those that are known at the start, and one for everything else: what a request asks
/// for must not make new labels.
package final class HTTPCounts: Sendable {
    private struct Answers {
        let route: Int
        let status: Int
        var tally = Tally()
    }

    private static let other: ByteText = "other"
    private let routes: [ByteText]
    private let now: @Sendable () -> Int64
    /// By route, and then as statuses came up: so few are found sooner by comparing than by
    /// hashing.
    private let counts: Lock<[[Answers]]>

    init(routes: [ByteText], now: @escaping @Sendable () -> Int64) {
        self.now = now
        self.routes = routes + [Self.other]
        counts = Lock(Array(repeating: [], count: routes.count + 1))
    }

    @Sendable package func count(path: ByteText, status: Int) {
        let route = routes.dropLast().firstIndex(of: path) ?? routes.count - 1
        let now = status >= 400 ? self.now() : 0  // Of the others nobody asks.
        counts.withLock { counts in
            let place = counts[route].firstIndex { $0.status == status } ?? counts[route].count
            if place == counts[route].count {
                counts[route].append(Answers(route: route, status: status))
            }
            counts[route][place].tally.note(at: now)
        }
    }

    private var all: [Answers] { counts.withLock { $0 }.flatMap { $0 } }

    var family: MetricFamily {
        var family = MetricFamily(
            .counter, "usher_http_requests_total", "Answers on the public port, by route and code.")
        for answers in all.sorted(by: { ($0.route, $0.status) < ($1.route, $1.status) }) {
            family.add(
                answers.tally.count,
                ["route": routes[answers.route].string, "code": String(answers.status)])
        }
        return family
    }

    /// All answers.
    var total: Int { all.reduce(0) { $0 + $1.tally.count } }

    /// Answers of 400 and above, by route and status. Handshakes, on paths that are no routes, are
    /// told of by their reasons.
    var refusals: [Refusal] {
        all.filter { $0.status >= 400 && routes[$0.route] != Self.other }.map { answers in
            Refusal(
                kind: "http", reason: "\(routes[answers.route]) \(answers.status)",
                count: answers.tally.count, lastAt: answers.tally.lastAt)
        }
    }
}
