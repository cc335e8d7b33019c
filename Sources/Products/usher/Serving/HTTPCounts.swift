import Monitoring
import Synchronization

/// Counts answers by route and status.
///
/// Routes are those that are known at the start, and one for everything else: what a request asks
/// for must not make new labels.
final class HTTPCounts: Sendable {
    private struct Key: Hashable {
        let route: Int
        let status: Int
    }

    private static let other = "other"
    private let routes: [String]
    private let indexes: [String: Int]
    private let counts = Mutex<[Key: Int]>([:])

    init(routes: [String]) {
        self.routes = routes + [Self.other]
        indexes = Dictionary(
            routes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func count(path: String, status: Int) {
        let key = Key(route: indexes[path] ?? routes.count - 1, status: status)
        counts.withLock { $0[key, default: 0] += 1 }
    }

    var family: MetricFamily {
        var family = MetricFamily(
            .counter, "usher_http_requests_total", "Answers on the public port, by route and code.")
        let found = counts.withLock { $0 }
        let order = found.keys.sorted { ($0.route, $0.status) < ($1.route, $1.status) }
        for key in order {
            family.add(
                found[key] ?? 0, ["route": routes[key.route], "code": String(key.status)])
        }
        return family
    }
}
