package import Bytes

/// An expression of DynamoDB with what its placeholders stand for. Its text is ours alone; whatever
/// comes from outside, names of attributes too, goes by a placeholder.
package struct TableExpression: Equatable, Sendable {
    package let text: String
    /// `#a` to the name of an attribute; one path element each.
    package let names: [ByteText: ByteText]
    /// `:a` to a value.
    package let values: [ByteText: ItemValue]

    package init(
        _ text: String, names: [ByteText: ByteText] = [:], values: [ByteText: ItemValue] = [:]
    ) {
        self.text = text
        self.names = names
        self.values = values
    }
}

/// One change of one item, or a look at it within a transaction.
package struct TableWrite: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// The whole item, in place of what may be there.
        case put(Item)
        /// `SET … REMOVE … ADD …`; makes the item where there is none.
        case update(TableExpression)
        case delete
        /// In a transaction only.
        case check
    }

    package let key: ItemKey
    package let kind: Kind
    /// Where it does not hold, nothing is done. Its placeholders are others than those of an
    /// update, or stand for the same.
    package let condition: TableExpression?
    /// Whether to tell of the item where the condition does not hold. Not where nobody looks at it:
    /// a hundred large items are a long answer.
    package let tellsRefused: Bool

    package init(
        _ key: ItemKey, _ kind: Kind, if condition: TableExpression? = nil,
        tellsRefused: Bool = true
    ) {
        self.key = key
        self.kind = kind
        self.condition = condition
        self.tellsRefused = tellsRefused
    }
}

/// What to tell of an item that was written.
package enum TableReturn: Equatable, Sendable {
    case nothing, old
    /// Of an update alone.
    case new
}

/// What came of a write.
package enum WriteOutcome: Equatable, Sendable {
    /// With the item as it was asked for; nil where there was none, or nothing was asked for.
    case done(Item?)
    /// The condition does not hold, of this item; nil where there is none, or nobody asked.
    case refused(Item?)
}

/// What came of a transaction: all or nothing.
package enum TransactionOutcome: Equatable, Sendable {
    case done
    /// For each write whose condition does not hold, by its place from 0, the item as it is; nil
    /// where there is none, or nobody asked. The conditions of others may hold, or were not looked
    /// at.
    case refused([Int: Item?])
}

/// Why a table gave no answer. The text is for the log: it holds no value of an item.
package enum TableFault: Error, Equatable, Sendable {
    /// Surely not done: there is no way to the table, or it is throttled, for longer than there was
    /// time. Of reads also where it has failed.
    case unavailable(String)
    /// Perhaps done: sent, and no answer came, or none that tells.
    case unknown(String)
    /// Surely not done: the item would be larger than an item may be (400 KB).
    case tooLarge
    /// Surely not done: we asked for what makes no sense, or may not ask. A fault of ours or of the
    /// deployment; to ask again does not help.
    case invalid(String)
}

/// A part of all that a table holds.
package struct TableScan: Equatable, Sendable {
    package struct Row: Equatable, Sendable {
        package let key: ItemKey
        package let item: Item

        package init(_ key: ItemKey, _ item: Item) {
            self.key = key
            self.item = item
        }
    }

    /// In no order.
    package let rows: [Row]
    /// How many items were looked at, whether they are among the rows or not.
    package let examined: Int
    /// Where to go on; nil where that was all.
    package let next: ItemKey?

    package init(rows: [Row], examined: Int, next: ItemKey?) {
        self.rows = rows
        self.examined = examined
        self.next = next
    }
}

/// A table, as those who use one see it. All block, retry what may be retried until the deadline of
/// the work that is done, and may be called from any thread.
package struct TablePort: Sendable {
    /// Read consistently; nil where there is none.
    package let get: @Sendable (ItemKey) throws(TableFault) -> Item?
    /// Items of one partition whose `sk` is greater than that, in order, at most so many.
    package let query:
        @Sendable (_ partition: ByteText, _ after: ByteText, _ countMax: Int) throws(TableFault)
            -> [(sort: ByteText, item: Item)]
    /// The next part of all items, from where another one ended, consistently read, of which those
    /// are told whose attributes and keys (`pk`, `sk`) fit. Each item is paid for, fit or not: for
    /// operators, never for what happens often.
    package let scan:
        @Sendable (_ filter: TableExpression, _ after: ItemKey?) throws(TableFault) -> TableScan
    package let write: @Sendable (TableWrite, TableReturn) throws(TableFault) -> WriteOutcome
    /// At most 100 writes, each of another item. `token`, 1 to 36 bytes, makes it happen once,
    /// however often it is sent within ten minutes.
    package let transact:
        @Sendable ([TableWrite], _ token: ByteText) throws(TableFault) -> TransactionOutcome

    package init(
        get: @escaping @Sendable (ItemKey) throws(TableFault) -> Item?,
        query:
            @escaping @Sendable (ByteText, ByteText, Int) throws(TableFault)
            -> [(sort: ByteText, item: Item)],
        scan:
            @escaping @Sendable (TableExpression, ItemKey?) throws(TableFault) -> TableScan,
        write: @escaping @Sendable (TableWrite, TableReturn) throws(TableFault) -> WriteOutcome,
        transact:
            @escaping @Sendable ([TableWrite], ByteText) throws(TableFault)
            -> TransactionOutcome
    ) {
        self.get = get
        self.query = query
        self.scan = scan
        self.write = write
        self.transact = transact
    }
}
