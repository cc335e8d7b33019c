import Monitoring

/// Everything that `/metrics` tells; each metric is described in docs/operating.md.
struct Exposition: Sendable {
    let startedAt: Int64
    let http: HTTPCounts
    let ports: HTTPPorts
    let reports: ReportCounts
    let log: ProcessLog
    let tokens: TokenCount
    /// nil where the process runs none.
    let relay: PublicFront.SignallingHalf?
    let checks: [OperatorFront.Check]
    let verifier: LiveVerifier

    func text() -> [UInt8] {
        var out = PrometheusText()
        var build = MetricFamily(.gauge, "usher_build_info", "1, with the version as label.")
        build.add(1, ["version": usherVersion])
        var good = MetricFamily(
            .gauge, "usher_check_ok", "Whether a check of /readyz passes: 1 or 0.")
        for check in checks { good.add(check.failure() == nil ? 1 : 0, ["check": check.name]) }
        let own = [build, good, http.family] + ports.families + [tokens.family, log.family]
        let relayed = relay?.families ?? []
        let process = ProcessMetrics.families(startedAt: startedAt)
        for family in own + reports.families + verification + relayed + process {
            out.write(family)
        }
        if let relay { out.write(relay.latency) }
        return out.bytes
    }

    private var verification: [MetricFamily] {
        let figures = verifier.figures
        var checks = MetricFamily(
            .counter, "usher_token_checks_total", "Tokens verified, by what came of it.")
        checks.add(figures.checked - figures.refused, ["result": "accepted"])
        checks.add(figures.refused, ["result": "refused"])
        return [
            checks,
            MetricFamily(
                .counter, "usher_token_cache_hits_total",
                "Tokens whose signature was known from an earlier check.", figures.fromCache),
            MetricFamily(
                .gauge, "usher_token_cache_entries", "Tokens whose signature is remembered.",
                figures.remembered),
        ]
    }
}
