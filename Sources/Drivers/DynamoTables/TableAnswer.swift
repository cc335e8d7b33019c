import Bytes
import HTTPMessages
import StrictJSON
import Tables

/// What DynamoDB answers where it did what it was asked for.
struct TableAnswer {
    /// A page of a query is 1 MB of items, and JSON makes half as much again of it, or more; the
    /// client of HTTP takes no more than this. A list in an item may hold no more than a mailbox.
    static let limits = JSONLimits(bytesMax: 8 << 20, depthMax: 72, membersMax: 4096)

    struct Page {
        let rows: [(sort: ByteText, item: Item)]
        let isLast: Bool
    }

    private let members: JSONObject

    init(_ response: HTTPResponse) throws(UnreadableAnswer) {
        let json = try? JSONValue.parse(response.body, limits: Self.limits)
        guard let members = json?.object else { throw UnreadableAnswer("JSON object") }
        self.members = members
    }

    /// Of `GetItem`.
    var item: Item? {
        get throws(UnreadableAnswer) { try members["Item"].map(Self.item) }
    }

    /// Of a write, as it was asked for.
    var attributes: Item? {
        get throws(UnreadableAnswer) { try members["Attributes"].map(Self.item) }
    }

    /// Of a query.
    var page: Page {
        get throws(UnreadableAnswer) {
            guard let items = members["Items"]?.array else { throw UnreadableAnswer("items") }
            var rows: [(sort: ByteText, item: Item)] = []
            for json in items {
                let attributes = try Item(attributes: json)
                guard let sort = attributes[TableRequest.sort]?.text else {
                    throw UnreadableAnswer("sort key")
                }
                rows.append((sort, Self.withoutKey(attributes)))
            }
            return Page(rows: rows, isLast: members["LastEvaluatedKey"] == nil)
        }
    }

    /// Of a scan.
    var scan: TableScan {
        get throws(UnreadableAnswer) {
            guard let items = members["Items"]?.array else { throw UnreadableAnswer("items") }
            guard let examined = members["ScannedCount"]?.int64 else {
                throw UnreadableAnswer("count of items")
            }
            var rows: [TableScan.Row] = []
            for json in items {
                let attributes = try Item(attributes: json)
                rows.append(
                    TableScan.Row(try Self.key(attributes), Self.withoutKey(attributes)))
            }
            let next = try members["LastEvaluatedKey"].map { json throws(UnreadableAnswer) in
                try Self.key(try Item(attributes: json))
            }
            return TableScan(rows: rows, examined: Int(examined), next: next)
        }
    }

    private static func key(_ attributes: Item) throws(UnreadableAnswer) -> ItemKey {
        guard let partition = attributes[TableRequest.partition]?.text,
            let sort = attributes[TableRequest.sort]?.text
        else { throw UnreadableAnswer("key") }
        return ItemKey(partition, sort)
    }

    /// An item without its key.
    static func item(_ json: JSONValue) throws(UnreadableAnswer) -> Item {
        withoutKey(try Item(attributes: json))
    }

    private static func withoutKey(_ attributes: Item) -> Item {
        var item = attributes
        item[TableRequest.partition] = nil
        item[TableRequest.sort] = nil
        return item
    }
}
