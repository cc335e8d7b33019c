package import Bytes

/// A JSON value (RFC 8259). Objects keep the order of their members.
///
/// Strings and names are equal where their bytes are, for JSON knows nothing of Unicode's canonical
/// equivalence (RFC 8259 §8.3).
package indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(ByteText)
    case array([JSONValue])
    case object(JSONObject)

    package static func string(_ text: String) -> JSONValue { .string(ByteText(text)) }

    package var string: ByteText? {
        if case .string(let value) = self { value } else { nil }
    }
    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }
    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }
    package var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }
    /// The number, where it is written as an integer and fits; `1.0` and `1e3` give nil.
    package var int64: Int64? {
        if case .number(let value) = self { value.int64 } else { nil }
    }
    /// The number, where it is finite.
    package var double: Double? {
        if case .number(let value) = self { value.double } else { nil }
    }
}

/// A number as it was written: nothing is rounded until someone asks for a type.
package struct JSONNumber: Equatable, Sendable {
    package let text: String

    init(verifiedText: String) { text = verifiedText }
    package init(_ value: Int64) { text = String(value) }

    package var int64: Int64? { Int64(text) }
    package var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}

/// An object's members in their order; each name stands once.
package struct JSONObject: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package let name: ByteText
        package var value: JSONValue
    }

    package private(set) var members: [Member] = []

    package init() {}
    init(uniqueMembers: [Member]) { members = uniqueMembers }

    /// Setting nil removes the member; a new name goes last. Every look-up goes through all
    /// members, so the names asked for must be few: ours, not the object's.
    package subscript(name: ByteText) -> JSONValue? {
        get { members.first { $0.name == name }?.value }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONObject {
    /// The members in their order, each with the value that `change` gives for it; without those
    /// for which it gives nil.
    package func compactMapValues(_ change: (Member) -> JSONValue?) -> JSONObject {
        JSONObject(
            uniqueMembers: members.compactMap { member in
                change(member).map { Member(name: member.name, value: $0) }
            })
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (ByteText, JSONValue)...) {
        for (name, value) in elements { self[name] = value }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (ByteText, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}

extension JSONValue {
    /// The compact form, without white space.
    package func serialized() -> [UInt8] {
        var out: [UInt8] = []
        write(to: &out)
        return out
    }

    /// Appends the compact form to `out`.
    package func write(to out: inout [UInt8]) {
        switch self {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let value): out.append(contentsOf: value.text.utf8)
        case .string(let value): JSONText.appendQuoted(value, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                element.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let object):
            out.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                JSONText.appendQuoted(member.name, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }
}
