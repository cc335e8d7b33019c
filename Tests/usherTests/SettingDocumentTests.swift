import Bytes
import Foundation
import Testing

@testable import usher

/// docs/configuration.md against the table of settings.
@Suite struct SettingDocumentTests {
    private struct Row {
        let usual: String
        let text: String
    }

    private static let sections: [(title: String, settings: [any AnySetting])] = [
        ("Places", PlaceSettings.all), ("Tokens and access", AccessSettings.all),
        ("STUN and TURN", ICESettings.all), ("Cluster", ClusterSettings.all),
        ("Limits", LimitSettings.all),
    ]

    private let lines: [Substring]

    init() throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appendingPathComponent("docs/configuration.md")
        lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
    }

    /// The rows of a section's table, by name.
    private func rows(of title: String) throws -> [String: Row] {
        let start = try #require(lines.firstIndex(of: "## \(title)"))
        var rows: [String: Row] = [:]
        for line in lines[(start + 1)...].prefix(while: { !$0.hasPrefix("## ") }) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 3, cells[0].hasPrefix("`") else { continue }
            let row = Row(usual: cells[1].replacing("`", with: ""), text: cells[2])
            for name in cells[0].replacing("`", with: "").split(separator: ", ") {
                #expect(rows.updateValue(row, forKey: String(name)) == nil, "\(name)")
            }
        }
        return rows
    }

    @Test("Each section documents the settings that the help shows there, and no others")
    func names() throws {
        for (title, settings) in Self.sections {
            #expect(Set(try rows(of: title).keys) == Set(settings.map(\.name.string)))
        }
        #expect(Self.sections.map(\.settings.count).reduce(0, +) == SettingTable.all.count)
        #expect(SettingTable.byName.count > 50)
    }

    @Test("The documented defaults are those of the help, and in force")
    func defaults() throws {
        for (title, settings) in Self.sections {
            let rows = try rows(of: title)
            for setting in settings {
                let none = setting.kind == .flag ? "no" : "none"
                #expect(rows[setting.name.string]?.usual == setting.defaultText ?? none)
            }
        }
    }

    @Test("A range that does not begin with 0 is documented, and each that is documented is true")
    func ranges() throws {
        for (title, settings) in Self.sections {
            let rows = try rows(of: title)
            for setting in settings {
                guard let range = setting.range, let row = rows[setting.name.string] else {
                    continue
                }
                if let told = row.text.firstMatch(of: /([0-9]+) to ([0-9]+)/) {
                    #expect(Int(told.1) == range.lowerBound, "\(setting.name)")
                    #expect(Int(told.2) == range.upperBound, "\(setting.name)")
                } else if range.lowerBound > 0 {
                    #expect(
                        row.text.contains("at least \(range.lowerBound)"), "\(setting.name)")
                }
            }
        }
    }
}
