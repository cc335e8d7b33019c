import Bytes
import HTTPClient
import HTTPMessages
import Locking
import Tables

@testable import DynamoTables

/// A DynamoDB that answers what its script says, one answer after the other, and a table on it.
final class ScriptedTable: Sendable {
    enum Answer {
        case answer(Int, String)
        case fault(HTTPClientError)
    }

    struct Asked: Equatable {
        let operation: ByteText
        let body: [UInt8]
        let isRepeatable: Bool
    }

    private struct State {
        var answers: [Answer]
        var asked: [Asked] = []
    }

    private let state: Lock<State>
    /// How many pauses there is time for.
    private let pausesMax: Int

    init(_ answers: [Answer], pausesMax: Int = 3) {
        state = Lock(State(answers: answers))
        self.pausesMax = pausesMax
    }

    var asked: [Asked] { state.withLock { $0.asked } }
    /// Answers that nobody asked for.
    var left: Int { state.withLock { $0.answers.count } }

    var port: TablePort {
        DynamoTable(
            "usher",
            call: { [self] (operation, body, isRepeatable) throws(HTTPClientError) in
                let answer = state.withLock { state in
                    state.asked.append(
                        Asked(operation: operation, body: body, isRepeatable: isRepeatable))
                    return state.answers.removeFirst()
                }
                switch answer {
                case .answer(let status, let text):
                    return HTTPResponse(status: status, body: Array(text.utf8))
                case .fault(let fault): throw fault
                }
            },
            pauses: { [pausesMax] in
                var left = pausesMax
                return {
                    left -= 1
                    return left >= 0
                }
            }
        ).port
    }
}

let server = try! HTTPURL("http://127.0.0.1:1").origin
let lost = ScriptedTable.Answer.fault(.connectionLost(server, number: 104))
let late = ScriptedTable.Answer.fault(.timedOut(server, .receiving))
let unreached = ScriptedTable.Answer.fault(.notConnected(server, number: 111))

func refusal(_ type: String, _ message: String = "", status: Int = 400) -> ScriptedTable.Answer {
    .answer(
        status,
        #"{"__type":"com.amazonaws.dynamodb.v20120810#\#(type)","message":"\#(message)"}"#)
}

/// A transaction that was cancelled with these codes.
func cancelled(_ codes: String...) -> ScriptedTable.Answer {
    let reasons = codes.map { #"{"Code":"\#($0)"}"# }.joined(separator: ",")
    return .answer(
        400,
        #"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","#
            + #""Message":"cancelled","CancellationReasons":[\#(reasons)]}"#)
}

/// What came of a call.
enum Came<Value: Equatable>: Equatable {
    case value(Value)
    case fault(TableFault)

    init(_ body: () throws(TableFault) -> Value) {
        do throws(TableFault) { self = .value(try body()) } catch { self = .fault(error) }
    }
}

struct Row: Equatable {
    let sort: ByteText
    let item: Item
}

extension TablePort {
    func got(_ key: ItemKey) -> Came<Item?> {
        Came { () throws(TableFault) in try get(key) }
    }

    func rows(_ partition: ByteText, after: ByteText = "", countMax: Int) -> Came<[Row]> {
        Came { () throws(TableFault) in
            try query(partition, after, countMax).map { Row(sort: $0.sort, item: $0.item) }
        }
    }

    func scanned(after: ItemKey? = nil) -> Came<TableScan> {
        Came { () throws(TableFault) in
            let filter = TableExpression(
                "begins_with(#pk, :r)", names: ["#pk": "pk"], values: [":r": .text("R#")])
            return try scan(filter, after)
        }
    }

    func written(_ write: TableWrite, _ returning: TableReturn = .nothing) -> Came<WriteOutcome> {
        Came { () throws(TableFault) in try self.write(write, returning) }
    }

    func transacted(_ writes: [TableWrite]) -> Came<TransactionOutcome> {
        Came { () throws(TableFault) in try transact(writes, "token") }
    }
}
