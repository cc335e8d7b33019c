/// Rows for people, their columns as wide as the widest cell.
struct TextTable {
    /// The head first.
    let rows: [[String]]

    var lines: [String] { rows.map(line) }

    private func line(_ row: [String]) -> String {
        row.indices.map { column in
            let width = rows.map { $0[column].count }.max() ?? 0
            let isLast = column == row.count - 1
            let padding = String(repeating: " ", count: isLast ? 0 : width - row[column].count)
            return row[column] + padding
        }.joined(separator: "  ")
    }
}
