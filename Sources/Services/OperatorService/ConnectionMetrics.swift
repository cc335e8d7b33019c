import Monitoring

extension [ConnectionFigures] {
    /// What the doors of all ports have seen.
    var families: [MetricFamily] {
        func sum(_ part: KeyPath<ConnectionFigures, Int>) -> Int {
            reduce(0) { $0 + $1[keyPath: part] }
        }
        var refused = MetricFamily(
            .counter, "usher_http_connections_refused_total",
            "Connections that were refused or ended for others, by reason.")
        refused.add(sum(\.overAddressLimit), ["reason": "address_limit"])
        refused.add(sum(\.overTotalLimit), ["reason": "total_limit"])
        refused.add(sum(\.gaveWay), ["reason": "gave_way"])
        refused.add(sum(\.withoutDescriptor), ["reason": "no_descriptor"])
        return [
            MetricFamily(
                .gauge, "usher_http_connections", "Connections of HTTP, all ports.",
                sum(\.open)),
            refused,
        ]
    }
}
