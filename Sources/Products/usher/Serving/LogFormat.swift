import Bytes
import StrictJSON

/// How log lines look. Of what others have said no line holds anything that ends it, moves the
/// cursor or turns the direction of writing.
enum LogFormat: String, CaseIterable, Sendable {
    /// `TIME LEVEL EVENT name=value …`, for people; a value that is no plain word is quoted.
    case text
    /// One JSON object: `time`, `level`, `event`, and the event's own members. One that bears the
    /// name of one of these three gives way to it.
    case json

    /// A line with its end; `time` is in seconds since the Unix epoch and shown as RFC 3339, UTC.
    func line(
        time: Int64, level: String, event: String, _ members: [String: String]
    ) -> [UInt8] {
        let sorted = members.sorted { $0.key < $1.key }
        switch self {
        case .text:
            let words =
                [Clock.text(time), level, Printable.text(event)]
                + sorted.map { "\(Printable.text($0.key))=\(Self.word($0.value))" }
            return Array((words.joined(separator: " ") + "\n").utf8)
        case .json:
            var line = JSONObject()
            line["time"] = .string(Clock.text(time))
            line["level"] = .string(level)
            line["event"] = .string(event)
            for (name, value) in sorted where line[ByteText(name)] == nil {
                line[ByteText(name)] = .string(value)
            }
            return Array((Printable.json(.object(line)) + "\n").utf8)
        }
    }

    private static func word(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && !#""\="#.utf8.contains(byte)
        }
        return isPlain && !value.isEmpty ? value : Printable.json(.string(value))
    }
}
