/// One metric with all that is known of it at a moment: its name, what it means, and a sample for
/// each combination of labels.
///
/// Names follow the Prometheus conventions: a unit as suffix, `_total` for counters.
package struct MetricFamily: Equatable, Sendable {
    package enum Kind: String, Sendable {
        /// Only grows while the process lives.
        case counter
        case gauge
    }

    package struct Label: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    package struct Sample: Equatable, Sendable {
        package let labels: [Label]
        package let value: Double
    }

    package let name: String
    /// One line for people.
    package let help: String
    package let kind: Kind
    package private(set) var samples: [Sample] = []

    package init(_ kind: Kind, _ name: String, _ help: String) {
        self.kind = kind
        self.name = name
        self.help = help
    }

    /// A metric without labels.
    package init(_ kind: Kind, _ name: String, _ help: String, _ value: Int) {
        self.init(kind, name, help)
        add(value)
    }

    package mutating func add(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
        samples.append(
            Sample(labels: labels.map { Label(name: $0.key, value: $0.value) }, value: value))
    }

    package mutating func add(_ value: Int, _ labels: KeyValuePairs<String, String> = [:]) {
        add(Double(value), labels)
    }
}

/// How many observations fell into which range, and their sum.
package struct MetricHistogram: Equatable, Sendable {
    package let name: String
    /// One line for people.
    package let help: String
    /// Upper bounds, growing; what is over the last is counted too.
    package let bounds: [Double]
    /// For each bound the observations in its own range, and at last those over all of them.
    package let counts: [Int]
    package let sum: Double

    package init(_ name: String, _ help: String, bounds: [Double], counts: [Int], sum: Double) {
        precondition(counts.count == bounds.count + 1, "A count for each bound and one more")
        self.name = name
        self.help = help
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }
}
