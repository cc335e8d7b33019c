import Testing

@testable import usher

@Suite("Lines of the log")
struct LogFormatTests {
    private func line(_ format: LogFormat, _ members: [String: String]) -> String {
        let bytes = format.line(
            time: 1_800_000_000, level: "info", event: "connection_refused", members)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("A line for people: time, level, event, and what belongs to it by name")
    func text() {
        #expect(
            line(.text, ["reason": "token_missing", "address": "::1"])
                == "2027-01-15T08:00:00Z info connection_refused address=::1 "
                + "reason=token_missing\n")
        #expect(line(.text, [:]) == "2027-01-15T08:00:00Z info connection_refused\n")
    }

    @Test("What is no plain word is quoted, so that no value passes for a name or another line")
    func quotes() {
        let shown = [
            "": #""""#, "a b": #""a b""#, "x=y": #""x=y""#, #"a"b\"#: #""a\"b\\""#,
            "a\nb": #""a\u000ab""#, "é": "\"é\"",
        ]
        for (value, expected) in shown {
            #expect(line(.text, ["v": value]).hasSuffix(" v=\(expected)\n"))
        }
    }

    @Test(
        "No line of either form holds what ends a line, moves the cursor or turns the writing",
        arguments: LogFormat.allCases)
    func controls(format: LogFormat) {
        let hostile = "a\n\r\u{1B}[2J\u{0}\u{7F}\u{85}\u{9B}1m\u{2028}\u{2029}\u{202E}\u{2066}b"
        let scalars = line(format, ["v": hostile, hostile: "v"]).unicodeScalars.dropLast()
        #expect(
            scalars.allSatisfy { scalar in
                scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
                    && !(0x2028...0x202E).contains(scalar.value)
                    && !(0x2066...0x2069).contains(scalar.value)
            })
    }

    @Test("A JSON line: the three that each has win over members of their names")
    func json() {
        #expect(
            line(.json, ["reason": "x", "level": "forged"])
                == #"{"time":"2027-01-15T08:00:00Z","level":"info","#
                + #""event":"connection_refused","reason":"x"}"# + "\n")
    }
}
