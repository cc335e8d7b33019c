import Bytes
import StrictJSON
import Tables

/// What DynamoDB is asked for, as JSON.
struct TableRequest: Equatable {
    enum Operation: String {
        case getItem = "GetItem"
        case query = "Query"
        case scan = "Scan"
        case putItem = "PutItem"
        case updateItem = "UpdateItem"
        case deleteItem = "DeleteItem"
        case transactWriteItems = "TransactWriteItems"

        /// As `X-Amz-Target` has it.
        var target: ByteText { ByteText("DynamoDB_20120810.\(rawValue)") }
        var isRead: Bool { self == .getItem || self == .query || self == .scan }
        /// Whether to do it twice is to do it once; of a transaction its token sees to that.
        var isRepeatable: Bool { isRead || self == .transactWriteItems }
    }

    static let partition: ByteText = "pk"
    static let sort: ByteText = "sk"
    static let writesMax = 100
    static let tokenBytesMax = 36
    /// So many small items are far fewer than an answer's JSON may have elements.
    static let scannedMax = 1000

    let operation: Operation
    let body: [UInt8]

    static func get(_ key: ItemKey, of table: ByteText) -> TableRequest {
        var body = RequestBody(table)
        body.add("Key", key.attributes)
        body.add("ConsistentRead", literal: "true")
        return TableRequest(operation: .getItem, body: body.whole)
    }

    /// What follows the sort key `after` in its partition; where that is empty, all.
    static func query(
        _ partition: ByteText, after: ByteText, countMax: Int, of table: ByteText
    ) -> TableRequest {
        var body = RequestBody(table)
        body.add("ConsistentRead", literal: "true")
        body.add("Limit", literal: String(countMax))
        // No sort key is empty, nor may one be compared to what is.
        body.add(
            "KeyConditionExpression", text: after.isEmpty ? "pk = :p" : "pk = :p AND sk > :s")
        var values: Item = [":p": .text(partition)]
        if !after.isEmpty { values[":s"] = .text(after) }
        body.add("ExpressionAttributeValues", values)
        return TableRequest(operation: .query, body: body.whole)
    }

    /// - Throws: `.invalid` where DynamoDB would take it for something else.
    static func scan(
        _ filter: TableExpression, after: ItemKey?, of table: ByteText
    ) throws(TableFault) -> TableRequest {
        var body = RequestBody(table)
        body.add("ConsistentRead", literal: "true")
        body.add("Limit", literal: String(scannedMax))
        if let after { body.add("ExclusiveStartKey", after.attributes) }
        body.add("FilterExpression", text: ByteText(filter.text))
        try body.addPlaceholders(of: [filter])
        return TableRequest(operation: .scan, body: body.whole)
    }

    /// - Throws: `.invalid` where DynamoDB would refuse it, or take it for something else.
    static func write(
        _ write: TableWrite, returning: TableReturn, to table: ByteText
    ) throws(TableFault) -> TableRequest {
        let operation: Operation
        switch write.kind {
        case .put: operation = .putItem
        case .update: operation = .updateItem
        case .delete: operation = .deleteItem
        case .check: throw .invalid("a check outside of a transaction")
        }
        var body = RequestBody(table)
        try body.add(write)
        switch returning {
        case .nothing: break
        case .old: body.add("ReturnValues", text: "ALL_OLD")
        case .new:
            guard operation == .updateItem else {
                throw .invalid("the new item of what is no update")
            }
            body.add("ReturnValues", text: "ALL_NEW")
        }
        return TableRequest(operation: operation, body: body.whole)
    }

    /// - Throws: `.invalid` where DynamoDB would refuse it, or take it for something else.
    static func transaction(
        _ writes: [TableWrite], token: ByteText, to table: ByteText
    ) throws(TableFault) -> TableRequest {
        guard 1...writesMax ~= writes.count else { throw .invalid("the size of a transaction") }
        guard 1...tokenBytesMax ~= token.count else { throw .invalid("the token of a transaction") }
        guard Set(writes.map(\.key)).count == writes.count else {
            throw .invalid("a transaction with two writes of one item")
        }
        var actions: [[UInt8]] = []
        for write in writes {
            var action = RequestBody(table)
            try action.add(write)
            actions.append(Array(#"{"\#(write.kind.action)":"#.utf8) + action.whole + "}".utf8)
        }
        var body = RequestBody()
        body.add("ClientRequestToken", text: token)
        body.add("TransactItems", actions)
        return TableRequest(operation: .transactWriteItems, body: body.whole)
    }
}

extension TableWrite.Kind {
    fileprivate var action: String {
        switch self {
        case .put: "Put"
        case .update: "Update"
        case .delete: "Delete"
        case .check: "ConditionCheck"
        }
    }
}

extension ItemKey {
    var attributes: Item {
        [TableRequest.partition: .text(partition), TableRequest.sort: .text(sort)]
    }
}

/// A JSON object, as it grows.
private struct RequestBody {
    private var bytes: [UInt8] = []

    init() {}

    init(_ table: ByteText) { add("TableName", text: table) }

    var whole: [UInt8] { bytes + "}".utf8 }

    private mutating func begin(_ name: String) {
        bytes.append(bytes.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        JSONText.appendQuoted(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func add(_ name: String, text: ByteText) {
        begin(name)
        JSONText.appendQuoted(text, to: &bytes)
    }

    mutating func add(_ name: String, literal: String) {
        begin(name)
        bytes += literal.utf8
    }

    mutating func add(_ name: String, _ item: Item) {
        begin(name)
        item.write(to: &bytes)
    }

    mutating func add(_ name: String, _ elements: [[UInt8]]) {
        begin(name)
        bytes.append(UInt8(ascii: "["))
        bytes += elements.joined(separator: ",".utf8)
        bytes.append(UInt8(ascii: "]"))
    }

    /// What is to be done with an item, under which condition.
    mutating func add(_ write: TableWrite) throws(TableFault) {
        var expressions: [TableExpression] = []
        switch write.kind {
        case .put(let item):
            let attributes = item.merging(write.key.attributes) { $1 }
            guard attributes.count == item.count + 2 else { throw .invalid("an item with keys") }
            add("Item", attributes)
        case .update(let expression):
            add("Key", write.key.attributes)
            add("UpdateExpression", text: ByteText(expression.text))
            expressions.append(expression)
        case .delete: add("Key", write.key.attributes)
        case .check:
            add("Key", write.key.attributes)
            guard write.condition != nil else { throw .invalid("a check without a condition") }
        }
        if let condition = write.condition {
            add("ConditionExpression", text: ByteText(condition.text))
            expressions.append(condition)
            if write.tellsRefused { add("ReturnValuesOnConditionCheckFailure", text: "ALL_OLD") }
        }
        try addPlaceholders(of: expressions)
    }

    /// One expression's placeholders are the other's too.
    mutating func addPlaceholders(of expressions: [TableExpression]) throws(TableFault) {
        var names: [ByteText: ByteText] = [:]
        var values: Item = [:]
        for expression in expressions {
            for (placeholder, name) in expression.names {
                let former = names.updateValue(name, forKey: placeholder)
                guard former ?? name == name else { throw .invalid("\(placeholder) for two names") }
            }
            for (placeholder, value) in expression.values {
                let former = values.updateValue(value, forKey: placeholder)
                guard former ?? value == value else {
                    throw .invalid("\(placeholder) for two values")
                }
            }
        }
        if !names.isEmpty { addNames(names) }
        if !values.isEmpty { add("ExpressionAttributeValues", values) }
    }

    private mutating func addNames(_ names: [ByteText: ByteText]) {
        var object = RequestBody()
        for (placeholder, name) in names.sorted(by: { $0.key < $1.key }) {
            object.add(placeholder.string, text: name)
        }
        begin("ExpressionAttributeNames")
        bytes += object.whole
    }
}
