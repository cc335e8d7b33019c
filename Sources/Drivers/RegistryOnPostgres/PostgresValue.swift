import Bytes

/// A value that is sent with a statement: its bytes go as they are, apart from the text of it.
enum PostgresValue {
    case null
    case text(String)
    case number(Int64)
    case truth(Bool)
    case bytes([UInt8])

    static func text(_ text: String?) -> PostgresValue { text.map { .text($0) } ?? .null }
    static func number(_ number: Int64?) -> PostgresValue { number.map { .number($0) } ?? .null }
    static func bytes(_ bytes: [UInt8]?) -> PostgresValue { bytes.map { .bytes($0) } ?? .null }

    /// In the binary format of the type; nil for NULL.
    var wire: [UInt8]? {
        switch self {
        case .null: nil
        case .text(let text): Array(text.utf8)
        case .number(let number): (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
        case .truth(let truth): [truth ? 1 : 0]
        case .bytes(let bytes): bytes
        }
    }
}

/// A row that a statement gave. Columns are read by their place; one that holds something else is a
/// fault of the schema, and is thrown.
struct PostgresRow {
    private let columns: [[UInt8]?]

    init(_ columns: [[UInt8]?]) { self.columns = columns }

    func isNull(_ column: Int) -> Bool { columns[column] == nil }

    func text(_ column: Int) throws(PostgresFault) -> String {
        guard let text = try textIfAny(column) else { throw .unexpected }
        return text
    }

    func textIfAny(_ column: Int) throws(PostgresFault) -> String? {
        guard let bytes = columns[column] else { return nil }
        guard let text = ByteText(bytes.span) else { throw .unexpected }
        return text.string
    }

    func number(_ column: Int) throws(PostgresFault) -> Int64 {
        guard let number = try numberIfAny(column) else { throw .unexpected }
        return number
    }

    func numberIfAny(_ column: Int) throws(PostgresFault) -> Int64? {
        guard let bytes = columns[column] else { return nil }
        guard bytes.count == 8 || bytes.count == 4 else { throw .unexpected }
        let value = bytes.reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
        return bytes.count == 8
            ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value))
    }

    func truth(_ column: Int) throws(PostgresFault) -> Bool {
        guard let byte = columns[column]?.first else { throw .unexpected }
        return byte != 0
    }

    func bytes(_ column: Int) throws(PostgresFault) -> [UInt8] {
        guard let bytes = columns[column] else { throw .unexpected }
        return bytes
    }

    func bytesIfAny(_ column: Int) -> [UInt8]? { columns[column] }
}
