import ArgumentParser
import Bytes
import Clients
import StrictJSON

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who did what to which client, token or key.",
        discussion: """
            The last entries, oldest first. Entries are never changed or dropped. With --json, \
            each is one object on a line of its own.

            EXAMPLES
              usher audit --limit 20
              usher audit --follow
              usher audit --json --limit 0 | jq 'select(.action == "client.add")'
            """)

    private static let pollMilliseconds: Int32 = 250
    private static let entriesAtOnce = 1000

    @Option(help: "How many of the last entries, up to 10000; 0: all.") var limit = 100
    @Flag(help: "Go on with what is added, until interrupted.") var follow = false
    @OptionGroup var registry: RegistryOptions

    func validate() throws {
        guard (0...10_000).contains(limit) else {
            throw ValidationError("--limit is \"\(limit)\": expected 0 to 10000")
        }
    }

    func run() throws {
        try report {
            let opened = try registry.open()
            let printer = AuditPrinter(json: registry.json)
            var last: Int64 = 0
            if limit > 0 {
                let entries = try opened.latestAuditEntries(limit: limit)
                printer.show(entries)
                last = entries.last?.id ?? 0
            } else {
                last = try printAll(of: opened, after: 0, printer)
            }
            while follow {
                Output.pause(milliseconds: Self.pollMilliseconds)
                last = try printAll(of: opened, after: last, printer)
            }
        }
    }

    /// Returns the id of the last entry there is.
    private func printAll(
        of registry: any Registry, after id: Int64, _ printer: AuditPrinter
    ) throws -> Int64 {
        var last = id
        while true {
            let entries = try registry.auditEntries(after: last, limit: Self.entriesAtOnce)
            guard let end = entries.last else { return last }
            printer.show(entries)
            last = end.id
        }
    }
}

/// Prints entries as they come: one line each.
struct AuditPrinter {
    let json: Bool

    func show(_ entries: [AuditEntry]) {
        for entry in entries { say(json ? object(entry) : line(entry)) }
    }

    private func line(_ entry: AuditEntry) -> String {
        [
            Clock.text(entry.at), padded(entry.actor, 16), padded(entry.action, 20), entry.target,
            entry.details.isEmpty ? "" : "(\(entry.details))",
        ].filter { !$0.isEmpty }.map(Printable.text).joined(separator: "  ")
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func object(_ entry: AuditEntry) -> String {
        let value: JSONValue = [
            "id": .number(entry.id), "at": .number(entry.at), "actor": .string(entry.actor),
            "action": .string(entry.action), "target": .string(entry.target),
            "details": .string(entry.details),
        ]
        return String(decoding: value.serialized(), as: UTF8.self)
    }
}
