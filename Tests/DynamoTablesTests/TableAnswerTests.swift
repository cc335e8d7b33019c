import Bytes
import Tables
import Testing

@testable import DynamoTables

@Suite struct TableAnswerTests {
    private let key = ItemKey("C#1")
    private let write = TableWrite(ItemKey("C#1"), .delete, if: TableExpression("x = x"))
    private var two: [TableWrite] { [write, TableWrite(ItemKey("C#2"), .delete)] }
    private let refused = #"{"__type":"a#ConditionalCheckFailedException","message":"m""#

    private func after(_ answers: ScriptedTable.Answer...) -> TablePort {
        ScriptedTable(answers).port
    }

    @Test("An item comes without its key, or there is none")
    func get() {
        let text = #"{"Item":{"pk":{"S":"C#1"},"sk":{"S":"-"},"a":{"N":"7"}},"Other":1}"#
        #expect(after(.answer(200, text)).got(key) == .value(["a": .number(7)]))
        #expect(after(.answer(200, "{}")).got(key) == .value(nil))
    }

    @Test(
        "What is no answer of DynamoDB is none, however much it looks like one",
        arguments: [
            "", "[]", "{", #"{"Item":[]}"#, #"{"Item":{"a":{"N":"x"}}}"#, "{} {}",
            #"{"Item":{"a":{"N":"1"},"a":{"N":"2"}}}"#,
        ])
    func strangeItems(_ text: String) {
        guard case .fault(.invalid) = after(.answer(200, text)).got(key) else {
            Issue.record("was read")
            return
        }
    }

    @Test("The log is told what kind of thing was not read, never the thing")
    func unreadable() {
        let text = #"{"Item":{"secret":{"N":"hush"}}}"#
        #expect(
            after(.answer(200, text)).got(key)
                == .fault(.invalid("the answer holds no number where it should")))
    }

    @Test("A query goes on from page to page, up to as many items as were asked for")
    func pages() {
        func page(_ sorts: [String], isLast: Bool) -> ScriptedTable.Answer {
            let items = sorts.map { #"{"pk":{"S":"C#1"},"sk":{"S":"\#($0)"},"n":{"S":"\#($0)"}}"# }
            let last = isLast ? "" : #","LastEvaluatedKey":{"pk":{"S":"C#1"}}"#
            return .answer(200, #"{"Items":[\#(items.joined(separator: ","))]\#(last)}"#)
        }
        func rows(_ sorts: String...) -> Came<[Row]> {
            .value(sorts.map { Row(sort: ByteText($0), item: ["n": .text(ByteText($0))]) })
        }
        let whole = ScriptedTable([page(["a", "b"], isLast: false), page(["c"], isLast: true)])
        #expect(whole.port.rows("C#1", countMax: 9) == rows("a", "b", "c"))
        let asked = whole.asked.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(asked[0].contains(#""Limit":9"#) && !asked[0].contains(":s"))
        #expect(asked[1].contains(#""Limit":7"#) && asked[1].contains(#"":s":{"S":"b"}"#))

        let part = ScriptedTable([page(["a", "b"], isLast: false), page(["c"], isLast: false)])
        #expect(part.port.rows("C#1", countMax: 3) == rows("a", "b", "c"))
        #expect(after(page([], isLast: true)).rows("C#1", countMax: 3) == rows())
        // A page without items that is not the last would be asked for again without end.
        #expect(after(page([], isLast: false)).rows("C#1", countMax: 3) == rows())
        // More than was asked for is not given.
        #expect(after(page(["a", "b"], isLast: true)).rows("C#1", countMax: 1) == rows("a"))
        #expect(ScriptedTable([]).port.rows("C#1", countMax: 0) == rows())
    }

    @Test("A part of a scan tells keys, items, how many were looked at, and where to go on")
    func scan() {
        let item = #"{"pk":{"S":"R#1#c#r"},"sk":{"S":"-"},"n":{"N":"1"}}"#
        let next = #""LastEvaluatedKey":{"sk":{"S":"-"},"pk":{"S":"J#1"}}"#
        let first = #"{"Items":[\#(item)],"Count":1,"ScannedCount":7,\#(next)}"#
        let row = TableScan.Row(ItemKey("R#1#c#r"), ["n": .number(1)])
        #expect(
            after(.answer(200, first)).scanned()
                == .value(TableScan(rows: [row], examined: 7, next: ItemKey("J#1"))))
        let last = #"{"Items":[],"Count":0,"ScannedCount":3}"#
        #expect(
            after(.answer(200, last)).scanned()
                == .value(TableScan(rows: [], examined: 3, next: nil)))
    }

    @Test(
        "A part of a scan that is not as DynamoDB's are is none",
        arguments: [
            "", "{}", #"{"Items":[]}"#, #"{"ScannedCount":1}"#,
            #"{"Items":[],"ScannedCount":"1"}"#, #"{"Items":[{}],"ScannedCount":1}"#,
            #"{"Items":[{"pk":{"S":"a"}}],"ScannedCount":1}"#,
            #"{"Items":[],"ScannedCount":1,"LastEvaluatedKey":{"pk":{"S":"a"}}}"#,
            #"{"Items":[],"ScannedCount":1,"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}"#,
        ])
    func strangeScans(_ text: String) {
        guard case .fault(.invalid) = after(.answer(200, text)).scanned() else {
            Issue.record("was read")
            return
        }
    }

    @Test("A write tells of the item as it was asked to")
    func writes() {
        let text = #"{"Attributes":{"pk":{"S":"C#1"},"sk":{"S":"-"},"a":{"NULL":true}}}"#
        #expect(
            after(.answer(200, text)).written(write, .old) == .value(.done(["a": .null])))
        #expect(after(.answer(200, "{}")).written(write, .old) == .value(.done(nil)))
    }

    @Test("A write whose answer cannot be read may have been done")
    func unreadableWrite() {
        for text in ["", #"{"Attributes":{"a":{"SS":["1"]}}}"#, "<html>"] {
            let table = ScriptedTable([.answer(200, text)])
            guard case .fault(.unknown) = table.port.written(write, .old) else {
                Issue.record("\(text) was read")
                continue
            }
        }
    }

    @Test("A write that is refused tells of the item as it is")
    func refusedWrites() {
        let item = refused + #","Item":{"pk":{"S":"C#1"},"sk":{"S":"-"},"a":{"BOOL":true}}}"#
        #expect(
            after(.answer(400, item)).written(write) == .value(.refused(["a": .flag(true)])))
        #expect(after(.answer(400, refused + "}")).written(write) == .value(.refused(nil)))
        let strange = refused + #","Item":{"a":{"X":1}}}"#
        guard case .fault(.invalid) = after(.answer(400, strange)).written(write) else {
            Issue.record("was read")
            return
        }
    }

    @Test("A transaction that is refused tells of those whose conditions do not hold")
    func refusedTransaction() {
        let text =
            #"{"__type":"a#TransactionCanceledException","CancellationReasons":["#
            + #"{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"m","Item":"#
            + #"{"pk":{"S":"b"},"sk":{"S":"-"},"a":{"B":"AA=="}}},"#
            + #"{"Code":"ConditionalCheckFailed"},{"Code":"TransactionConflict"}]}"#
        let outcome = after(.answer(400, text)).transacted(two)
        #expect(outcome == .value(.refused([1: ["a": .bytes([0])], 2: nil])))
        guard case .value(.refused(let items)) = outcome else { return }
        #expect(items.keys.sorted() == [1, 2])
    }

    @Test("A transaction is done whatever else its answer says")
    func transaction() {
        #expect(after(.answer(200, "{}")).transacted(two) == .value(.done))
        #expect(after(.answer(200, "")).transacted(two) == .value(.done))
    }

    @Test("An item that would be too large is known by what DynamoDB says")
    func tooLarge() {
        for message in [
            "Item size has exceeded the maximum allowed size",
            "Item size to update has exceeded the maximum allowed size",
        ] {
            let answer = refusal("ValidationException", message)
            #expect(after(answer).written(write) == .fault(.tooLarge))
            #expect(after(answer).transacted(two) == .fault(.tooLarge))
            let reason =
                #"{"__type":"a#TransactionCanceledException","CancellationReasons":["#
                + #"{"Code":"None"},{"Code":"ValidationError","Message":"\#(message)"}]}"#
            #expect(after(.answer(400, reason)).transacted(two) == .fault(.tooLarge))
        }
    }

    @Test("What is wrong is named; a message that may quote a request is not shown")
    func invalid() {
        let shown = refusal("ValidationException", "Two document paths overlap: é\\n")
        #expect(
            after(shown).written(write)
                == .fault(
                    .invalid("ValidationException: Two document paths overlap: ???")))
        let signed = refusal("InvalidSignatureException", "x-amz-security-token:hush")
        #expect(after(signed).got(key) == .fault(.invalid("InvalidSignatureException")))
        #expect(after(.answer(404, "not json")).got(key) == .fault(.invalid("status 404")))
        #expect(
            after(cancelled("None", "ValidationError")).transacted(two)
                == .fault(.invalid("TransactionCanceledException: ValidationError")))
        let long = refusal("AccessDeniedException", String(repeating: "m", count: 9000))
        guard case .fault(.invalid(let text)) = after(long).got(key) else {
            Issue.record("was read")
            return
        }
        #expect(text.utf8.count < 400)
    }
}
