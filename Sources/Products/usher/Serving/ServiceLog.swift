import Logging

/// Writes what the services report to the process's log.
struct ServiceLog: Sendable {
    let logger: Logger

    @Sendable func write(_ event: StaticString, _ fields: [(StaticString, String)]) {
        guard logger.logLevel <= .info else { return }
        var metadata: Logger.Metadata = [:]
        for (name, value) in fields { metadata["\(name)"] = .string(value) }
        logger.info("\(event)", metadata: metadata)
    }
}
