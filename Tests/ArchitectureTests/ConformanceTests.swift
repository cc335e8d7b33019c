import Testing

/// Holds docs/conformance.md against the tests that it names.
@Suite struct ConformanceTests {
    /// One row of a table: what it is about, and the cell that names its tests.
    private struct Row {
        let line: Int
        let subject: String
        let proof: String
    }

    private static let page = Checkout.files.first { $0.path == "docs/conformance.md" }

    /// What may stand in place of a test, with the reason behind it.
    private static let excuses = ["not applicable: ", "not built yet: "]

    private static let rows: [Row] = (page?.lines ?? []).enumerated().compactMap { index, line in
        let cells = line.split(separator: "|").map { $0.trimmed }
        guard line.hasPrefix("|"), cells.count >= 3, cells.last != "Shown by",
            cells[0].contains(where: { $0 != "-" })
        else { return nil }
        return Row(line: index + 1, subject: cells[0], proof: cells[cells.count - 1])
    }

    static let swiftNames: Set<String> = Set(
        Checkout.swift.filter { $0.isTest }.flatMap { file in
            pieces(of: file.lines.joined(separator: "\n"), after: "@Test(").compactMap { rest in
                let start = rest.drop { $0 == " " || $0 == "\n" }
                guard start.first == "\"" else { return nil }
                return String(start.dropFirst().prefix { $0 != "\"" })
            }
        })

    static let pythonNames: Set<String> = Set(
        Checkout.files.filter { $0.isTest && $0.path.hasSuffix(".py") }.flatMap { file in
            file.lines.map { $0.drop { $0 == " " } }.filter { $0.hasPrefix("def test_") }
                .map { String($0.dropFirst("def ".count).prefix { $0 != "(" }) }
        })

    /// The names in a cell: Swift's between double quotes, Python's between backticks.
    static func names(in proof: String, between mark: Character) -> [String] {
        proof.split(separator: mark, omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }

    private static func pieces(of text: String, after mark: String) -> [Substring] {
        var pieces: [Substring] = []
        var rest = text[...]
        while let range = rest.firstRange(of: mark) {
            rest = rest[range.upperBound...]
            pieces.append(rest)
        }
        return pieces
    }

    @Test("The conformance table and the tests are found")
    func findsBoth() {
        #expect(Self.rows.count > 100)
        #expect(Self.swiftNames.count > 500)
        #expect(Self.pythonNames.count > 200)
    }

    @Test("Every test that the conformance table names exists")
    func namedTestsExist() {
        var missing: [String] = []
        for row in Self.rows {
            let swift = Self.names(in: row.proof, between: "\"")
            let python = Self.names(in: row.proof, between: "`").filter { $0.hasPrefix("test_") }
            missing += swift.filter { !Self.swiftNames.contains($0) }
            missing += python.filter { !Self.pythonNames.contains($0) }
        }
        #expect(missing.isEmpty, "docs/conformance.md names what is no test: \(missing)")
    }

    @Test("Every row of the conformance table names a test, or the reason why it has none")
    func rowsHaveTests() {
        let bare = Self.rows.filter { row in
            let hasTest = row.proof.contains("\"") || row.proof.contains("`test_")
            return hasTest == Self.excuses.contains { row.proof.hasPrefix($0) }
        }
        let places = bare.map { "line \($0.line) (\($0.subject))" }
        #expect(places.isEmpty, "tests in quotes, or one of \(Self.excuses): \(places)")
    }

    @Test("A test that cites a standard of the conformance table stands in it")
    func citingTestsAreListed() {
        let headings = (Self.page?.lines ?? []).filter { $0.hasPrefix("## RFC ") }
        let standards = headings.flatMap { heading in
            heading.prefix { $0 != ":" }.split { !$0.isNumber }.filter { $0.count == 4 }
        }
        #expect(standards.count > 15)
        let listed = Set(Self.rows.flatMap { Self.names(in: $0.proof, between: "\"") })
        let missing = Self.swiftNames.subtracting(listed).filter { name in
            standards.contains { name.contains("RFC \($0) §") }
        }
        #expect(missing.isEmpty, "name them in docs/conformance.md: \(missing.sorted())")
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
