internal import Bytes

extension JSONValue {
    /// Reads one whole text (RFC 8259): strict UTF-8, no duplicate names at any depth, nothing
    /// after the value, within `limits`.
    ///
    /// - Throws: `JSONError` with the offset of the first fault.
    package static func parse(
        _ bytes: Span<UInt8>, limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.bytesMax else { throw JSONError(.tooLong, at: limits.bytesMax) }
        var parser = JSONParser(limits: limits)
        let value = try parser.value(bytes, depth: 1)
        try parser.lexer.expectEnd(bytes)
        return value
    }

    /// The same for an array of bytes.
    package static func parse(
        _ bytes: [UInt8], limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, limits: limits)
    }
}

/// Builds the tree; recursion is bounded by `limits.depthMax`.
private struct JSONParser {
    let limits: JSONLimits
    var lexer = JSONLexer()

    init(limits: JSONLimits) { self.limits = limits }

    mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
        switch try lexer.peek(bytes) {
        case UInt8(ascii: "{"): return .object(try object(bytes, depth: depth))
        case UInt8(ascii: "["): return .array(try array(bytes, depth: depth))
        case UInt8(ascii: "\""): return .string(try string(bytes))
        default:
            let start = lexer.position
            switch try lexer.scalar(bytes) {
            case .null: return .null
            case .bool: return .bool(bytes[start] == UInt8(ascii: "t"))
            default:
                let text = JSONText.unquote(bytes, start..<lexer.position)
                return .number(JSONNumber(verifiedText: text?.string ?? "0"))
            }
        }
    }

    private mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> ByteText {
        let token = try lexer.string(bytes)
        guard let text = JSONText.unquote(bytes, token.content) else {
            throw JSONError(.invalidEscape, at: token.content.lowerBound)
        }
        return text
    }

    private mutating func object(
        _ bytes: Span<UInt8>, depth: Int
    ) throws(JSONError) -> JSONObject {
        guard depth <= limits.depthMax else { throw JSONError(.tooDeep, at: lexer.position) }
        lexer.position += 1
        if try lexer.closesAtOnce(UInt8(ascii: "}"), bytes) { return JSONObject() }
        var members: [JSONObject.Member] = []
        var names: Set<ByteText> = []
        repeat {
            _ = try lexer.peek(bytes)
            let start = lexer.position
            let name = try string(bytes)
            guard names.insert(name).inserted else {
                throw JSONError(.duplicateName, at: start)
            }
            guard members.count < limits.membersMax else {
                throw JSONError(.tooManyMembers, at: start)
            }
            try lexer.expect(UInt8(ascii: ":"), bytes)
            members.append(.init(name: name, value: try value(bytes, depth: depth + 1)))
        } while try lexer.continues(until: UInt8(ascii: "}"), bytes)
        return JSONObject(uniqueMembers: members)
    }

    private mutating func array(
        _ bytes: Span<UInt8>, depth: Int
    ) throws(JSONError) -> [JSONValue] {
        guard depth <= limits.depthMax else { throw JSONError(.tooDeep, at: lexer.position) }
        lexer.position += 1
        if try lexer.closesAtOnce(UInt8(ascii: "]"), bytes) { return [] }
        var elements: [JSONValue] = []
        repeat {
            guard elements.count < limits.membersMax else {
                throw JSONError(.tooManyMembers, at: lexer.position)
            }
            elements.append(try value(bytes, depth: depth + 1))
        } while try lexer.continues(until: UInt8(ascii: "]"), bytes)
        return elements
    }
}
