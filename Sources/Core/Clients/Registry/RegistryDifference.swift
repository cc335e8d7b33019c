/// How two registries differ in a part of one table: what of the one the other is missing, and has
/// beyond it. A row that differs is both.
struct RegistryDifference {
    private(set) var missing: [RegistryTable.Row] = []
    private(set) var surplus: [RegistryTable.Key] = []
    /// The first key at which they differ.
    private(set) var first: RegistryTable.Key?
    /// Up to which key it is known; nil: to the end.
    let end: RegistryTable.Key?

    /// Of pages that begin after the same key: one that has `limit` rows may not be the last.
    init(
        _ table: RegistryTable, from source: [RegistryTable.Row], to target: [RegistryTable.Row],
        limit: Int
    ) {
        let ends = [source, target].filter { $0.count >= limit }.compactMap(\.last)
            .map { table.key(of: $0) }
        end = ends.min { RegistryTable.precedes($0, $1) }
        var (here, there) = (source[...], target[...])
        while let key = Self.first(table, here, there), !isBeyond(key) {
            let wanted = Self.take(key, table, &here)
            let found = Self.take(key, table, &there)
            guard wanted != found else { continue }
            first = first ?? key
            if found != nil { surplus.append(key) }
            if let wanted { missing.append(wanted) }
        }
    }

    private func isBeyond(_ key: RegistryTable.Key) -> Bool {
        end.map { RegistryTable.precedes($0, key) } ?? false
    }

    private static func first(
        _ table: RegistryTable, _ here: ArraySlice<RegistryTable.Row>,
        _ there: ArraySlice<RegistryTable.Row>
    ) -> RegistryTable.Key? {
        [here.first, there.first].compactMap { $0.map { table.key(of: $0) } }
            .min { RegistryTable.precedes($0, $1) }
    }

    /// The row of this key, where it is the next.
    private static func take(
        _ key: RegistryTable.Key, _ table: RegistryTable,
        _ rows: inout ArraySlice<RegistryTable.Row>
    ) -> RegistryTable.Row? {
        guard let row = rows.first, table.key(of: row) == key else { return nil }
        return rows.popFirst()
    }
}
