/// Writes metrics in the text form that Prometheus reads, version 0.0.4.
package struct PrometheusText: Sendable {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What has been written so far.
    package private(set) var bytes: [UInt8] = []

    package init() { bytes.reserveCapacity(8192) }

    package mutating func write(_ family: MetricFamily) {
        head(family.name, family.help, family.kind.rawValue)
        for sample in family.samples { line(family.name, sample.labels, sample.value) }
    }

    /// Buckets are cumulative, and the last has the bound `+Inf`.
    package mutating func write(_ histogram: MetricHistogram) {
        head(histogram.name, histogram.help, "histogram")
        var below = 0
        for (index, count) in histogram.counts.enumerated() {
            below += count
            let isLast = index == histogram.bounds.count
            let bound = isLast ? "+Inf" : Self.text(histogram.bounds[index])
            line(
                histogram.name + "_bucket", [.init(name: "le", value: bound)], Double(below))
        }
        line(histogram.name + "_sum", [], histogram.sum)
        line(histogram.name + "_count", [], Double(below))
    }

    private mutating func head(_ name: String, _ help: String, _ kind: String) {
        append("# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind)\n")
    }

    private mutating func line(_ name: String, _ labels: [MetricFamily.Label], _ value: Double) {
        append(name)
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            append("{" + pairs.joined(separator: ",") + "}")
        }
        append(" \(Self.text(value))\n")
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Whole numbers without a fraction, as people expect counts.
    private static func text(_ value: Double) -> String {
        guard value.magnitude < 9e15, value == value.rounded(.towardZero) else { return "\(value)" }
        return String(Int64(value))
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): out += #"\\"#.utf8
            case UInt8(ascii: "\n"): out += #"\n"#.utf8
            case UInt8(ascii: "\"") where quotes: out += #"\""#.utf8
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
