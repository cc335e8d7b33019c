import Bytes
import HTTPMessages
import Monitoring

extension OperatorService {
    /// Everything that `/metrics` tells; each metric is described in docs/operating.md.
    var metrics: HTTPResponse {
        var response = HTTPResponse(status: 200)
        response.headers.set("Content-Type", ByteText(PrometheusText.contentType))
        response.body = exposition
        return response
    }

    private var exposition: [UInt8] {
        var out = PrometheusText()
        var build = MetricFamily(.gauge, "usher_build_info", "1, with the version as label.")
        build.add(1, ["version": ports.version])
        var good = MetricFamily(
            .gauge, "usher_check_ok", "Whether a check of /readyz passes: 1 or 0.")
        for check in ports.checks {
            good.add(check.failure() == nil ? 1 : 0, ["check": check.name])
        }
        let log = MetricFamily(
            .counter, "usher_log_lines_dropped_total",
            "Lines of the log that nobody took in time, or that could not be written.",
            ports.droppedLines())
        let start = MetricFamily(
            .gauge, "process_start_time_seconds", "Start of the process, since the epoch.",
            Int(startedAt))
        let own =
            [build, good, counts.http.family] + ports.connections().families
            + [counts.tokens.family, log] + counts.reports.families + verification
        let sockets = ports.relay?.sockets()
        let relayed = sockets.flatMap { ports.relay?.families($0) } ?? []
        for family in own + relayed + [start] + ports.process() { out.write(family) }
        if let sockets { out.write(sockets.latency) }
        return out.bytes
    }

    private var verification: [MetricFamily] {
        let figures = ports.verification()
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
