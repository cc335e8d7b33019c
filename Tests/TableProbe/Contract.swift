import Bytes
import Tables

/// What a `TablePort` promises, tried on a table. Items of its own only.
struct Contract {
    private let table: TablePort
    private let key = ItemKey("contract", "é \u{1F600}\"\\\n")
    private let size: [ByteText: ByteText] = ["#e": ByteText("events")]

    init(_ table: TablePort) { self.table = table }

    /// - Returns: What does not hold.
    func broken() throws(TableFault) -> [String] {
        var broken: [String] = []
        func check(_ what: String, _ holds: Bool) { if !holds { broken.append(what) } }
        try values(check)
        try conditions(check)
        try queries(check)
        try scans(check)
        try transactions(check)
        try limits(check)
        return broken
    }

    private func values(_ check: (String, Bool) -> Void) throws(TableFault) {
        let item: Item = [
            "text": .text("\u{0}\"\\é\u{1F600}"), "empty": .text(""), "number": .number(.min),
            "most": .number(.max), "bytes": .bytes(Array(0...255)), "none": .bytes([]),
            "flag": .flag(false), "null": .null, "a.b[0] #:": .list([.list([]), .map([:])]),
            "map": .map(["\u{E9}": .number(1), "e\u{301}": .number(2)]),
        ]
        check("nothing is there", try table.get(key) == nil)
        check("a put tells of nothing before", try table.write(put(item), .old) == .done(nil))
        check("an item comes back as it was", try table.get(key) == item)
        check("a put tells of the item before", try table.write(put([:]), .old) == .done(item))
        check("an item may be empty", try table.get(key) == [:])
        let delete = TableWrite(key, .delete)
        check("a delete tells of the item before", try table.write(delete, .old) == .done([:]))
        check("nothing is there any more", try table.get(key) == nil)
        check("to delete nothing is done", try table.write(delete, .old) == .done(nil))
    }

    private func put(_ item: Item) -> TableWrite { TableWrite(key, .put(item)) }

    private func conditions(_ check: (String, Bool) -> Void) throws(TableFault) {
        let absent = TableExpression("attribute_not_exists(pk)")
        let first: Item = ["events": .list([]), "n": .number(1)]
        let create = TableWrite(key, .put(first), if: absent)
        check("it is made", try table.write(create, .nothing) == .done(nil))
        check("and only once", try table.write(create, .nothing) == .refused(first))
        let untold = TableWrite(key, .delete, if: absent, tellsRefused: false)
        check("untold", try table.write(untold, .nothing) == .refused(nil))
        let missing = TableWrite(
            ItemKey("contract", "none"), .delete, if: TableExpression("attribute_exists(pk)"))
        check("of nothing", try table.write(missing, .nothing) == .refused(nil))

        let append = TableWrite(
            key,
            .update(
                TableExpression(
                    "SET #e = list_append(#e, :new), #n = #n + :one",
                    names: size.merging(["#n": "n"]) { $1 },
                    values: [":new": .list([.bytes([7])]), ":one": .number(1)])),
            if: TableExpression("size(#e) < :one", names: size, values: [":one": .number(1)]))
        let second: Item = ["events": .list([.bytes([7])]), "n": .number(2)]
        check("an update", try table.write(append, .new) == .done(second))
        check("over its bound", try table.write(append, .new) == .refused(second))
    }

    private func queries(_ check: (String, Bool) -> Void) throws(TableFault) {
        // More than one page of 1 MB.
        for number in 0..<5 {
            let item: Item = ["b": .bytes([UInt8](repeating: 7, count: 300_000))]
            _ = try table.write(
                TableWrite(ItemKey("contract of pages", "E\(number)"), .put(item)), .nothing)
        }
        func found(_ after: ByteText, _ countMax: Int) throws(TableFault) -> [ByteText] {
            try table.query("contract of pages", after, countMax).map(\.sort)
        }
        check("all, in order", try found("", 9) == ["E0", "E1", "E2", "E3", "E4"])
        check("what follows", try found("E0", 9) == ["E1", "E2", "E3", "E4"])
        check("so many", try found("E0", 2) == ["E1", "E2"])
        check("nothing more", try found("E4", 2) == [])
    }

    private func scans(_ check: (String, Bool) -> Void) throws(TableFault) {
        let filter = TableExpression(
            "begins_with(#pk, :pk) AND #b = :b OR #pk = :none", names: ["#pk": "pk", "#b": "b"],
            values: [
                ":pk": .text("contract of"), ":none": .text("none"),
                ":b": .bytes([UInt8](repeating: 7, count: 300_000)),
            ])
        var (rows, examined, parts): ([ItemKey], Int, Int) = ([], 0, 0)
        var after: ItemKey?
        repeat {
            let part = try table.scan(filter, after)
            rows += part.rows.map(\.key)
            examined += part.examined
            check("whole items", part.rows.allSatisfy { $0.item.count == 1 })
            parts += 1
            after = part.next
        } while after != nil
        check("part after part", parts > 1)
        let expected = Set((0..<5).map { ItemKey("contract of pages", "E\($0)") })
        check("those that fit, once each", rows.count == 5 && Set(rows) == expected)
        check("others are looked at too", examined > 5)
        check(
            "a filter that is none",
            isInvalid { () throws(TableFault) in
                _ = try table.scan(TableExpression("order = :x", values: [":x": .null]), nil)
            })
    }

    private func transactions(_ check: (String, Bool) -> Void) throws(TableFault) {
        let other = ItemKey("contract", "other")
        let count = TableExpression("ADD #n :one", names: ["#n": "n"], values: [":one": .number(1)])
        let n = { (number: Int64) in
            TableExpression("#n = :n", names: ["#n": "n"], values: [":n": .number(number)])
        }
        let writes = [
            TableWrite(key, .update(count), if: n(2)), TableWrite(other, .put(["a": .null])),
        ]
        check("both", try table.transact(writes, "contract-1") == .done)
        check("again, by its token", try table.transact(writes, "contract-1") == .done)
        check("done once", try table.get(key)?["n"] == .number(3))
        let refused = [
            TableWrite(other, .delete), TableWrite(key, .check, if: n(2)),
            TableWrite(ItemKey("contract", "none"), .check, if: n(2)),
        ]
        let outcome = try table.transact(refused, "contract-2")
        let item: Item = ["events": .list([.bytes([7])]), "n": .number(3)]
        check("whose condition fails", outcome == .refused([1: item, 2: nil]))
        check("nothing of it", try table.get(other) == ["a": .null])
        check(
            "another, by a token used",
            isInvalid { () throws(TableFault) in
                _ = try table.transact([TableWrite(other, .delete)], "contract-1")
            })
    }

    private func limits(_ check: (String, Bool) -> Void) throws(TableFault) {
        let large = ItemValue.bytes([UInt8](repeating: 7, count: 420_000))
        let grow = TableExpression("SET x = :x", values: [":x": large])
        for write in [put(["x": large]), TableWrite(key, .update(grow))] {
            check(
                "too large",
                isTooLarge { () throws(TableFault) in
                    _ = try table.write(write, .nothing)
                })
            check(
                "too large in a transaction",
                isTooLarge { () throws(TableFault) in
                    _ = try table.transact([write], "contract-3")
                })
        }
        check(
            "a reserved word",
            isInvalid { () throws(TableFault) in
                let set = TableExpression("SET order = :x", values: [":x": .null])
                _ = try table.write(TableWrite(key, .update(set)), .nothing)
            })
    }

    private func isTooLarge(_ body: () throws(TableFault) -> Void) -> Bool {
        do throws(TableFault) { try body() } catch { return error == .tooLarge }
        return false
    }

    private func isInvalid(_ body: () throws(TableFault) -> Void) -> Bool {
        do throws(TableFault) { try body() } catch {
            if case .invalid = error { return true }
        }
        return false
    }
}
