import Monitoring
import Synchronization

/// Counts the tokens that were issued.
package final class TokenCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    package func note() { count.wrappingAdd(1, ordering: .relaxed) }

    var family: MetricFamily {
        MetricFamily(
            .counter, "usher_tokens_issued_total", "Tokens that were signed and handed out.", value)
    }
}
