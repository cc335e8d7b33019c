import Bytes
import HTTPMessages
import StrictJSON
import Tables

// Attributes as DynamoDB's JSON has them: `{"S":"text"}`, `{"N":"1"}`, `{"B":"base64"}`, …

extension ItemValue {
    func write(to out: inout [UInt8]) {
        switch self {
        case .text(let text):
            out += #"{"S":"#.utf8
            JSONText.appendQuoted(text, to: &out)
        case .number(let number): out += #"{"N":"\#(number)""#.utf8
        case .bytes(let bytes): out += #"{"B":"\#(Base64.encode(bytes))""#.utf8
        case .flag(let flag): out += #"{"BOOL":\#(flag)"#.utf8
        case .null: out += #"{"NULL":true"#.utf8
        case .list(let values):
            out += #"{"L":["#.utf8
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .map(let values):
            out += #"{"M":"#.utf8
            values.write(to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    /// - Throws: Where it is none, or of a type that is not read here: sets, and numbers that are
    ///   no integers of 64 bits.
    init(_ json: JSONValue) throws(UnreadableAnswer) {
        guard let members = json.object?.members, members.count == 1 else {
            throw UnreadableAnswer("attribute value")
        }
        let value = members[0].value
        switch members[0].name {
        case "S": self = try .text(Self.known(value.string, "text"))
        case "N": self = try .number(Self.known(value.string.flatMap(Self.integer), "number"))
        case "B":
            let bytes = value.string.flatMap { Base64.decode($0.utf8.span) }
            self = try .bytes(Self.known(bytes, "bytes"))
        case "BOOL": self = try .flag(Self.known(value.bool, "flag"))
        case "NULL" where value.bool == true: self = .null
        case "L":
            var values: [ItemValue] = []
            for element in try Self.known(value.array, "list") {
                values.append(try ItemValue(element))
            }
            self = .list(values)
        case "M": self = try .map(Item(attributes: value))
        default: throw UnreadableAnswer("attribute of a type that is known here")
        }
    }

    private static func known<Value>(
        _ value: Value?, _ what: StaticString
    ) throws(UnreadableAnswer) -> Value {
        guard let value else { throw UnreadableAnswer(what) }
        return value
    }

    /// As DynamoDB writes whole numbers, without sign, zeros or exponent that need not be.
    private static func integer(_ text: ByteText) -> Int64? {
        guard let number = Int64(text.string), ByteText(String(number)) == text else { return nil }
        return number
    }
}

extension Item {
    /// Attributes in the order of their names, so that the same item is always the same text.
    func write(to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        for (index, attribute) in sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(attribute.key, to: &out)
            out.append(UInt8(ascii: ":"))
            attribute.value.write(to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    init(attributes json: JSONValue) throws(UnreadableAnswer) {
        guard let members = json.object?.members else { throw UnreadableAnswer("item") }
        self.init(minimumCapacity: members.count)
        for member in members { self[member.name] = try ItemValue(member.value) }
    }
}

/// An answer that is not as DynamoDB's are, or holds what no item of ours does. Says what, never
/// the thing itself.
struct UnreadableAnswer: Error {
    private let what: StaticString

    init(_ what: StaticString) { self.what = what }

    /// For the log.
    var text: String { "the answer holds no \(what) where it should" }
}
