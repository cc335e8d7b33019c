import Bytes
import TestSupport
import Testing

@testable import Clients

/// Of docs/decisions/0035: what brings a registry level with another.
@Suite struct RegistryDifferenceTests {
    private typealias Row = RegistryTable.Row

    private let table = RegistryTable.all.first { $0.name == "used_token" }

    private func rows(_ some: [Int64: Int64]) -> [Row] {
        some.sorted { String($0.key) < String($1.key) }.map {
            [.text("\($0.key)"), .number($0.value)]
        }
    }

    private func page(_ rows: [Row], after key: RegistryTable.Key?, limit: Int) -> [Row] {
        Array(
            rows.drop { row in key.map { !RegistryTable.precedes($0, [row[0]]) } ?? false }
                .prefix(limit))
    }

    @Test("Walked page by page, what is missing and what is surplus makes the one the other")
    func level() throws {
        let table = try #require(table)
        var generator = SeededGenerator(seed: 35)
        for round in 0..<200 {
            var (source, target): ([Int64: Int64], [Int64: Int64]) = ([:], [:])
            for _ in 0..<Int.random(in: 0...30, using: &generator) {
                source[.random(in: 0..<40, using: &generator)] = .random(
                    in: 0..<3, using: &generator)
            }
            for _ in 0..<Int.random(in: 0...30, using: &generator) {
                target[.random(in: 0..<40, using: &generator)] = .random(
                    in: 0..<3, using: &generator)
            }
            let limit = round % 7 + 1
            var after: RegistryTable.Key?
            var firsts: [RegistryTable.Key] = []
            let before = target
            repeat {
                let difference = RegistryDifference(
                    table, from: page(rows(source), after: after, limit: limit),
                    to: page(rows(target), after: after, limit: limit), limit: limit)
                for key in difference.surplus { target[number(key)] = nil }
                for row in difference.missing {
                    #expect(target[number(row)] == nil)
                    guard case .number(let end) = row[1] else { continue }
                    target[number(row)] = end
                }
                if let first = difference.first { firsts.append(first) }
                after = difference.end
            } while after != nil
            #expect(target == source)
            let differing = Set(source.keys).union(before.keys)
                .filter { source[$0] != before[$0] }.map { "\($0)" }.min()
            #expect(firsts.first.map { number($0) } == differing.flatMap { Int64($0) })
        }
    }

    private func number(_ row: Row) -> Int64 {
        guard case .text(let text)? = row.first else { return -1 }
        return Int64(text.string) ?? -1
    }

    @Test("Keys are in the order of their bytes, and numbers in their own")
    func order() {
        let keys: [RegistryTable.Key] = [
            [.text("Z"), .number(9)], [.text("a"), .number(-1)], [.text("a"), .number(2)],
            [.text("a"), .number(10)], [.text("ab"), .number(0)], [.text("e\u{301}"), .number(0)],
            [.text("\u{e9}"), .number(0)],
        ]
        for (index, one) in keys.enumerated() {
            for (place, other) in keys.enumerated() {
                #expect(RegistryTable.precedes(one, other) == (index < place))
            }
        }
    }
}
