import Logging
import OperatorService

/// Writes what the services report to the process's log, and counts it.
struct ServiceLog: Sendable {
    let logger: Logger
    let counts: ReportCounts

    @Sendable func write(_ event: StaticString, _ fields: [(StaticString, String)]) {
        write(event, fields, at: .info)
    }

    func write(
        _ event: StaticString, _ fields: [(StaticString, String)], at level: Logger.Level
    ) {
        counts.count(event, fields)
        guard logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = [:]
        for (name, value) in fields { metadata["\(name)"] = .string(value) }
        logger.log(level: level, "\(event)", metadata: metadata)
    }
}
