package import Bytes

/// The value of an attribute, in the types of DynamoDB that are of use here.
package indirect enum ItemValue: Equatable, Sendable {
    case text(ByteText)
    /// DynamoDB keeps 38 digits; 64 bits are what this reads.
    case number(Int64)
    case bytes([UInt8])
    case flag(Bool)
    case list([ItemValue])
    case map([ByteText: ItemValue])
    case null
}

/// The attributes of an item, without its key where it was asked for by that.
package typealias Item = [ByteText: ItemValue]

/// Where an item is: the table's hash key `pk` and its range key `sk`.
package struct ItemKey: Hashable, Sendable {
    /// 1 to 2,048 bytes.
    package let partition: ByteText
    /// 1 to 1,024 bytes.
    package let sort: ByteText

    package init(_ partition: ByteText, _ sort: ByteText = "-") {
        self.partition = partition
        self.sort = sort
    }
}

extension ItemValue {
    package var text: ByteText? { if case .text(let text) = self { text } else { nil } }
    package var number: Int64? { if case .number(let number) = self { number } else { nil } }
    package var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    package var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
    package var list: [ItemValue]? { if case .list(let list) = self { list } else { nil } }
    package var map: [ByteText: ItemValue]? { if case .map(let map) = self { map } else { nil } }
}
