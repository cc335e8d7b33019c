import ArgumentParser
import Bytes
import StrictJSON

extension TokenCommand {
    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a token says, without believing it.",
            discussion: """
                Decodes the token on stdin. Nothing is checked but its form: anybody can write \
                such lines. usher token verify tells whether they are true.

                EXAMPLE
                  usher token inspect < token.txt
                """)

        @Flag(help: "Print JSON for programs.") var json = false

        func run() throws {
            try report {
                let token = try DecodedToken(try TokenInput.read())
                if json {
                    sayJSON([
                        "verified": false, "header": .object(token.header),
                        "claims": .object(token.claims),
                    ])
                } else {
                    say("NOT VERIFIED: what a token says is worth nothing until it is verified.")
                    TokenPrinter(now: Clock.now()).show("header", token.header)
                    TokenPrinter(now: Clock.now()).show("claims", token.claims)
                }
            }
        }
    }
}

/// Prints header and claims for people, times as dates.
struct TokenPrinter {
    private static let times: Set<ByteText> = ["exp", "iat", "nbf", "auth_time"]

    let now: Int64

    func show(_ title: String, _ object: JSONObject) {
        say("\(title):")
        let width = object.members.map { Printable.text($0.name.string).count }.max() ?? 0
        for member in object.members {
            let name = Printable.text(member.name.string)
            let padding = String(repeating: " ", count: width - name.count)
            say("  \(name)\(padding)  \(text(of: member))")
        }
    }

    private func text(of member: JSONObject.Member) -> String {
        let json = Printable.json(member.value)
        guard Self.times.contains(member.name), let seconds = member.value.double,
            (0..<253_402_300_800).contains(seconds)
        else { return json }
        let date = Int64(seconds)
        return "\(json)  (\(Clock.text(date)), \(distance(to: date)))"
    }

    private func distance(to date: Int64) -> String {
        let text = Duration.text(abs(date - now))
        if date == now { return "now" }
        return date > now ? "in \(text)" : "\(text) ago"
    }

    /// Spans of time for people.
    enum Duration {
        /// In the two largest units: `9 min 3 s`, `2 d 4 h`.
        static func text(_ seconds: Int64) -> String {
            let units: [(name: String, seconds: Int64)] = [
                ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1),
            ]
            guard let first = units.firstIndex(where: { seconds >= $0.seconds }) else {
                return "0 s"
            }
            let large = "\(seconds / units[first].seconds) \(units[first].name)"
            let rest = seconds % units[first].seconds
            guard first + 1 < units.count, rest >= units[first + 1].seconds else { return large }
            return "\(large) \(rest / units[first + 1].seconds) \(units[first + 1].name)"
        }
    }
}
