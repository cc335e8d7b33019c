import Glibc
import LogWriting
import Logging

/// The log of a running service, on stderr. Nobody who has something to report waits for whoever
/// reads it: lines that find no room are dropped, counted, and told of once lines flow again.
struct ProcessLog: Sendable {
    /// How long a stop waits for lines to be read.
    private static let flushSeconds = 1

    let logger: Logger
    private let writer: LineWriter

    init(level: Logger.Level, format: LogFormat) {
        let writer = LineWriter(descriptor: STDERR_FILENO) { count in
            guard level <= .warning else { return [] }
            return format.line(
                time: Clock.now(), level: Logger.Level.warning.rawValue, event: "log_lines_dropped",
                ["count": "\(count)"])
        }
        self.writer = writer
        var logger = Logger(label: "usher") { _ in
            LineLogHandler(format: format, write: writer.append)
        }
        logger.logLevel = level
        self.logger = logger
    }

    var droppedCount: Int { writer.droppedCount }

    /// Writes what waits, as far as it is read.
    func stop() { writer.stop(withinSeconds: Self.flushSeconds) }
}

/// Makes lines of what is logged.
struct LineLogHandler: LogHandler {
    let format: LogFormat
    /// Takes a line's bytes, its end included.
    let write: @Sendable ([UInt8]) -> Void
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(format: LogFormat, write: @escaping @Sendable ([UInt8]) -> Void) {
        self.format = format
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let members = metadata.merging(event.metadata ?? [:]) { _, new in new }
        write(
            format.line(
                time: Clock.now(), level: event.level.rawValue, event: "\(event.message)",
                members.mapValues { "\($0)" }))
    }
}
