import Bytes
import Tables
import TestSupport
import Testing

@testable import DynamoTables

@Suite struct TableRequestTests {
    private func text(_ request: TableRequest) -> String {
        String(decoding: request.body, as: UTF8.self)
    }

    private let key = ItemKey("C#1", "E#2")

    @Test("A read is consistent")
    func get() {
        let request = TableRequest.get(ItemKey("C#\""), of: "usher")
        #expect(request.operation == .getItem)
        #expect(
            text(request) == #"{"TableName":"usher","Key":{"pk":{"S":"C#\""},"sk":{"S":"-"}},"#
                + #""ConsistentRead":true}"#)
    }

    @Test("A query asks for what follows a sort key, or for all")
    func query() {
        let request = TableRequest.query("C#1", after: "E#2", countMax: 256, of: "usher")
        #expect(request.operation == .query)
        #expect(
            text(request) == #"{"TableName":"usher","ConsistentRead":true,"Limit":256,"#
                + #""KeyConditionExpression":"pk = :p AND sk > :s","#
                + #""ExpressionAttributeValues":{":p":{"S":"C#1"},":s":{"S":"E#2"}}}"#)
        #expect(
            text(TableRequest.query("C#1", after: "", countMax: 1, of: "usher"))
                == #"{"TableName":"usher","ConsistentRead":true,"Limit":1,"#
                + #""KeyConditionExpression":"pk = :p","#
                + #""ExpressionAttributeValues":{":p":{"S":"C#1"}}}"#)
    }

    @Test("A scan is consistent, of so many items at a time, and goes on behind a key")
    func scan() throws {
        let filter = TableExpression(
            "begins_with(#pk, :r)", names: ["#pk": "pk"], values: [":r": .text("R#")])
        let first = try TableRequest.scan(filter, after: nil, of: "usher")
        #expect(first.operation == .scan)
        let begin = #"{"TableName":"usher","ConsistentRead":true,"Limit":1000"#
        let end =
            #","FilterExpression":"begins_with(#pk, :r)","#
            + ##""ExpressionAttributeNames":{"#pk":"pk"},"##
            + #""ExpressionAttributeValues":{":r":{"S":"R#"}}}"#
        #expect(text(first) == begin + end)
        #expect(
            text(try TableRequest.scan(filter, after: key, of: "usher"))
                == begin + #","ExclusiveStartKey":{"pk":{"S":"C#1"},"sk":{"S":"E#2"}}"# + end)
    }

    @Test("A put writes the item with its key")
    func put() throws {
        let write = TableWrite(
            key, .put(["ttl": .number(5), "a": .null]),
            if: TableExpression("attribute_not_exists(pk)"))
        let request = try TableRequest.write(write, returning: .nothing, to: "usher")
        #expect(request.operation == .putItem)
        #expect(
            text(request) == #"{"TableName":"usher","Item":{"a":{"NULL":true},"pk":{"S":"C#1"},"#
                + #""sk":{"S":"E#2"},"ttl":{"N":"5"}},"#
                + #""ConditionExpression":"attribute_not_exists(pk)","#
                + #""ReturnValuesOnConditionCheckFailure":"ALL_OLD"}"#)
    }

    @Test("An update and its condition share their placeholders")
    func update() throws {
        let write = TableWrite(
            key,
            .update(
                TableExpression(
                    "SET #e = list_append(#e, :l)", names: ["#e": "events"],
                    values: [":l": .list([.bytes([1])])])),
            if: TableExpression(
                "size(#e) < :max", names: ["#e": "events"], values: [":max": .number(256)]),
            tellsRefused: false)
        let request = try TableRequest.write(write, returning: .new, to: "usher")
        #expect(request.operation == .updateItem)
        #expect(
            text(request) == #"{"TableName":"usher","Key":{"pk":{"S":"C#1"},"sk":{"S":"E#2"}},"#
                + #""UpdateExpression":"SET #e = list_append(#e, :l)","#
                + ##""ConditionExpression":"size(#e) < :max","##
                + ##""ExpressionAttributeNames":{"#e":"events"},"##
                + #""ExpressionAttributeValues":{":l":{"L":[{"B":"AQ=="}]},":max":{"N":"256"}},"#
                + #""ReturnValues":"ALL_NEW"}"#)
    }

    @Test("A delete needs no expression")
    func delete() throws {
        let request = try TableRequest.write(
            TableWrite(key, .delete), returning: .old, to: "usher")
        #expect(request.operation == .deleteItem)
        #expect(
            text(request) == #"{"TableName":"usher","Key":{"pk":{"S":"C#1"},"sk":{"S":"E#2"}},"#
                + #""ReturnValues":"ALL_OLD"}"#)
    }

    @Test("A transaction names its writes in order, and bears its token")
    func transaction() throws {
        let there = TableExpression("attribute_exists(pk)")
        let request = try TableRequest.transaction(
            [
                TableWrite(ItemKey("a"), .put([:])),
                TableWrite(ItemKey("b"), .update(TableExpression("REMOVE x"))),
                TableWrite(ItemKey("c"), .delete, if: there, tellsRefused: false),
                TableWrite(ItemKey("d"), .check, if: there),
            ], token: "t-1", to: "usher")
        #expect(request.operation == .transactWriteItems)
        #expect(
            text(request) == #"{"ClientRequestToken":"t-1","TransactItems":["#
                + #"{"Put":{"TableName":"usher","Item":{"pk":{"S":"a"},"sk":{"S":"-"}}}},"#
                + #"{"Update":{"TableName":"usher","Key":{"pk":{"S":"b"},"sk":{"S":"-"}},"#
                + #""UpdateExpression":"REMOVE x"}},"#
                + #"{"Delete":{"TableName":"usher","Key":{"pk":{"S":"c"},"sk":{"S":"-"}},"#
                + #""ConditionExpression":"attribute_exists(pk)"}},"#
                + #"{"ConditionCheck":{"TableName":"usher","Key":{"pk":{"S":"d"},"sk":{"S":"-"}},"#
                + #""ConditionExpression":"attribute_exists(pk)","#
                + #""ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}]}"#)
    }

    @Test("The same writes are always the same bytes, so that their token fits them")
    func isStable() throws {
        var random = SeededGenerator(seed: 8)
        func request() throws -> TableRequest {
            var item: Item = [:]
            for number in (0..<50).shuffled(using: &random) {
                item["n\(number)"] = .number(Int64(number))
            }
            let values = Dictionary(
                uniqueKeysWithValues: (0..<20).shuffled(using: &random).map {
                    (":v\($0)" as ByteText, ItemValue.null)
                })
            return try .transaction(
                [
                    TableWrite(ItemKey("a"), .put(item)),
                    TableWrite(ItemKey("b"), .update(TableExpression("SET …", values: values))),
                ], token: "t", to: "usher")
        }
        #expect(try request() == request())
    }

    @Test("What makes no sense is not sent")
    func invalid() {
        let update = TableExpression("SET #a = :a", names: ["#a": "x"], values: [":a": .number(1)])
        for condition in [
            TableExpression("attribute_exists(#a)", names: ["#a": "y"]),
            TableExpression("y = :a", values: [":a": .number(2)]),
        ] {
            #expect(isInvalid(TableWrite(key, .update(update), if: condition)))
        }
        #expect(isInvalid(TableWrite(key, .check, if: update)))
        #expect(isInvalid(TableWrite(key, .put(["pk": .null]))))
        #expect(isInvalid(TableWrite(key, .put(["sk": .text("E#2")]))))
        #expect(isInvalid(TableWrite(key, .put([:])), returning: .new))
        #expect(isInvalid(TableWrite(key, .delete), returning: .new))

        let writes = (0..<101).map { TableWrite(ItemKey("\($0)"), .put([:])) }
        #expect(isInvalid(writes, token: "t"))
        #expect(isInvalid([], token: "t"))
        #expect(!isInvalid(Array(writes.prefix(100)), token: "t"))
        #expect(isInvalid([writes[0], writes[1], writes[0]], token: "t"))
        #expect(isInvalid([writes[0]], token: ""))
        #expect(isInvalid([writes[0]], token: ByteText(String(repeating: "t", count: 37))))
        #expect(!isInvalid([writes[0]], token: ByteText(String(repeating: "t", count: 36))))
        #expect(isInvalid([TableWrite(key, .check)], token: "t"))
    }

    private func isInvalid(_ write: TableWrite, returning: TableReturn = .nothing) -> Bool {
        do throws(TableFault) {
            _ = try TableRequest.write(write, returning: returning, to: "usher")
            return false
        } catch {
            if case .invalid = error { return true }
            return false
        }
    }

    private func isInvalid(_ writes: [TableWrite], token: ByteText) -> Bool {
        do throws(TableFault) {
            _ = try TableRequest.transaction(writes, token: token, to: "usher")
            return false
        } catch {
            if case .invalid = error { return true }
            return false
        }
    }
}
