import Foundation
import Logging
import StrictJSON

/// How log lines look.
enum LogFormat: String, CaseIterable, Sendable {
    case text, json

    /// A handler that writes to stderr.
    func handler(label: String) -> any LogHandler {
        switch self {
        case .text: StreamLogHandler.standardError(label: label)
        case .json: JSONLogHandler()
        }
    }
}

/// One JSON object a line: `time` (RFC 3339, UTC), `level`, `event`, and the event's own members.
///
/// A member that bears the name of one of these three gives way to it.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    /// Takes a line's bytes, its end included; a single write, so that lines never mix.
    var write: @Sendable ([UInt8]) -> Void = { FileHandle.standardError.write(Data($0)) }
    var now: @Sendable () -> Int64 = Clock.now

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = JSONObject()
        line["time"] = .string(Clock.text(now()))
        line["level"] = .string(event.level.rawValue)
        line["event"] = .string("\(event.message)")
        let members = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) where line[name] == nil {
            line[name] = .string("\(value)")
        }
        write(JSONValue.object(line).serialized() + [0x0A])
    }
}
