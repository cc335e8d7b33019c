import Locking
import Monitoring

/// Counts what the services report to the log: by event, and by the reason that most events bear.
package final class ReportCounts: Sendable {
    private struct Key: Hashable, Comparable {
        let event: String
        let reason: String

        static func < (one: Key, other: Key) -> Bool {
            (one.event, one.reason) < (other.event, other.reason)
        }
    }

    /// The fields that tell why, the first of which an event has counts: `code` before `reason`,
    /// which beside a code is a text for people and may name a file.
    private static let reasonFields: [StaticString] = ["code", "end", "reason"]
    /// What peers commonly close with. They may send thousands of other codes, which are counted
    /// as one.
    private static let peerEnds = ["peer 1000", "peer 1001", "peer without code"]
    private static let refused = "connection_refused"

    private let now: @Sendable () -> Int64
    private let counts = Lock<[Key: Tally]>([:])

    init(now: @escaping @Sendable () -> Int64) { self.now = now }

    package func count(_ event: StaticString, _ fields: [(StaticString, String)]) {
        let reason = Self.reason(fields)
        let isOdd = reason.hasPrefix("peer ") && !Self.peerEnds.contains(reason)
        let key = Key(event: "\(event)", reason: isOdd ? "peer other" : reason)
        let now = key.event == Self.refused ? self.now() : 0
        counts.withLock { $0[key, default: Tally()].note(at: now) }
    }

    private static func reason(_ fields: [(StaticString, String)]) -> String {
        for name in reasonFields {
            for index in fields.indices
            where fields[index].0.description == name.description {
                return fields[index].1
            }
        }
        return ""
    }

    /// Handshakes that were refused, by reason.
    var refusals: [Refusal] {
        counts.withLock { $0 }.filter { $0.key.event == Self.refused }.map { key, tally in
            Refusal(
                kind: "handshake", reason: key.reason, count: tally.count, lastAt: tally.lastAt)
        }
    }

    /// Handshakes refused, connections closed, and everything else.
    var families: [MetricFamily] {
        var refused = MetricFamily(
            .counter, "usher_handshakes_refused_total", "WebSocket handshakes refused, by reason.")
        var closed = MetricFamily(
            .counter, "usher_connections_closed_total",
            "Connections that ended, by who ended them and with which code.")
        var others = MetricFamily(
            .counter, "usher_reports_total", "Other events that were logged, by event and reason.")
        let tallies = counts.withLock { $0 }.sorted { $0.key < $1.key }
        for (key, count) in tallies.map({ ($0.key, $0.value.count) }) {
            switch key.event {
            case Self.refused: refused.add(count, ["reason": key.reason])
            case "connection_closed": closed.add(count, ["end": key.reason])
            default: others.add(count, ["event": key.event, "reason": key.reason])
            }
        }
        return [refused, closed, others]
    }
}
