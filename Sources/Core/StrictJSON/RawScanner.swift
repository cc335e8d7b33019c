/// Checks a whole JSON object and tells where its members lie, without copying or decoding any.
///
/// Members of the object itself and of objects directly inside it are recorded; on these two levels
/// a name that stands twice is refused, after unescaping (`"a"` and `"\u0061"` are one name). What
/// lies deeper is checked for its form and passed over.
package struct RawScanner: Sendable {
    /// What kind of value a member has.
    package enum Kind: Sendable, Equatable { case null, bool, number, string, array, object }

    /// One member, as ranges of the scanned bytes.
    package struct RawMember: Sendable, Equatable {
        /// Index of the member whose object this one stands in; -1 for the outermost object.
        package let parent: Int
        /// The name between its quotes.
        package let name: Range<Int>
        package let nameIsEscaped: Bool
        /// The whole value, with its quotes or braces.
        package fileprivate(set) var value: Range<Int>
        package fileprivate(set) var kind: Kind
        /// A string value that holds a backslash.
        package fileprivate(set) var valueIsEscaped: Bool
    }

    /// In the order of the text: a member stands before those inside it.
    package private(set) var members: [RawMember] = []
    private let limits: JSONLimits
    private var lexer = JSONLexer()

    /// - Parameter limits: `membersMax` counts all recorded members together.
    package init(limits: JSONLimits = JSONLimits(membersMax: 256)) {
        self.limits = limits
        members.reserveCapacity(16)
    }

    /// Reads one whole text, whose value must be an object.
    ///
    /// The storage of `members` is used again by the next scan. After an error, `members` is empty.
    package mutating func scan(_ bytes: Span<UInt8>) throws(JSONError) {
        members.removeAll(keepingCapacity: true)
        lexer.position = 0
        do throws(JSONError) {
            guard bytes.count <= limits.bytesMax else {
                throw JSONError(.tooLong, at: limits.bytesMax)
            }
            guard try lexer.peek(bytes) == UInt8(ascii: "{") else {
                throw JSONError(.notAnObject, at: lexer.position)
            }
            try recordMembers(bytes, parent: -1)
            try lexer.expectEnd(bytes)
        } catch {
            members.removeAll(keepingCapacity: true)
            throw error
        }
    }

    /// Whether the member bears this name, after unescaping.
    package func matches(_ member: RawMember, name: String, in bytes: Span<UInt8>) -> Bool {
        guard !member.nameIsEscaped else {
            let unescaped = JSONText.unquote(bytes, member.name)
            return unescaped?.utf8.elementsEqual(name.utf8) == true
        }
        let wanted = name.utf8.span
        guard wanted.count == member.name.count else { return false }
        var at = member.name.lowerBound
        for offset in 0..<wanted.count {
            guard bytes[at] == wanted[offset] else { return false }
            at &+= 1
        }
        return true
    }

    /// The member's value where it is a string, unescaped; nil otherwise.
    package func string(of member: RawMember, in bytes: Span<UInt8>) -> String? {
        guard member.kind == .string else { return nil }
        let content = (member.value.lowerBound + 1)..<(member.value.upperBound - 1)
        return JSONText.unquote(bytes, content)
    }

    // MARK: Reading

    private mutating func recordMembers(_ bytes: Span<UInt8>, parent: Int) throws(JSONError) {
        lexer.position &+= 1
        if try lexer.closesAtOnce(UInt8(ascii: "}"), bytes) { return }
        repeat {
            _ = try lexer.peek(bytes)
            let start = lexer.position
            let name = try lexer.string(bytes)
            guard members.count < limits.membersMax else {
                throw JSONError(.tooManyMembers, at: start)
            }
            guard !isKnown(name, parent: parent, in: bytes) else {
                throw JSONError(.duplicateName, at: start)
            }
            try lexer.expect(UInt8(ascii: ":"), bytes)
            try recordValue(bytes, name: name, parent: parent)
        } while try lexer.continues(until: UInt8(ascii: "}"), bytes)
    }

    private mutating func recordValue(
        _ bytes: Span<UInt8>, name: JSONLexer.StringToken, parent: Int
    ) throws(JSONError) {
        let first = try lexer.peek(bytes)
        let start = lexer.position
        let index = members.count
        members.append(
            RawMember(
                parent: parent, name: name.content, nameIsEscaped: name.isEscaped,
                value: start..<start, kind: .null, valueIsEscaped: false))
        if first == UInt8(ascii: "{"), parent < 0 {
            members[index].kind = .object
            try recordMembers(bytes, parent: index)
        } else if first == UInt8(ascii: "\"") {
            members[index].kind = .string
            members[index].valueIsEscaped = try lexer.string(bytes).isEscaped
        } else {
            members[index].kind = try skipValue(bytes, depth: parent < 0 ? 2 : 3)
        }
        members[index].value = start..<lexer.position
    }

    /// Whether `name` is a second one of its object.
    private func isKnown(
        _ name: JSONLexer.StringToken, parent: Int, in bytes: Span<UInt8>
    ) -> Bool {
        for index in members.indices where members[index].parent == parent {
            let other = members[index]
            if name.isEscaped || other.nameIsEscaped {
                let one = JSONText.unquote(bytes, name.content)?.utf8
                let two = JSONText.unquote(bytes, other.name)?.utf8
                if let one, let two, one.elementsEqual(two) { return true }
            } else if other.name.count == name.content.count,
                Self.areEqual(bytes, other.name.lowerBound, name.content)
            {
                return true
            }
        }
        return false
    }

    private static func areEqual(_ bytes: Span<UInt8>, _ start: Int, _ range: Range<Int>) -> Bool {
        var at = start
        for index in range {
            guard bytes[index] == bytes[at] else { return false }
            at &+= 1
        }
        return true
    }

    /// Checks a value without recording it. Recursion is bounded by `limits.depthMax`.
    private mutating func skipValue(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> Kind {
        switch try lexer.peek(bytes) {
        case UInt8(ascii: "{"):
            try skipCollection(bytes, close: UInt8(ascii: "}"), depth: depth)
            return .object
        case UInt8(ascii: "["):
            try skipCollection(bytes, close: UInt8(ascii: "]"), depth: depth)
            return .array
        case UInt8(ascii: "\""):
            _ = try lexer.string(bytes)
            return .string
        case UInt8(ascii: "t"):
            try lexer.literal("true", bytes)
            return .bool
        case UInt8(ascii: "f"):
            try lexer.literal("false", bytes)
            return .bool
        case UInt8(ascii: "n"):
            try lexer.literal("null", bytes)
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            _ = try lexer.number(bytes)
            return .number
        default: throw JSONError(.unexpectedByte, at: lexer.position)
        }
    }

    private mutating func skipCollection(
        _ bytes: Span<UInt8>, close: UInt8, depth: Int
    ) throws(JSONError) {
        guard depth <= limits.depthMax else { throw JSONError(.tooDeep, at: lexer.position) }
        lexer.position &+= 1
        if try lexer.closesAtOnce(close, bytes) { return }
        repeat {
            if close == UInt8(ascii: "}") {
                _ = try lexer.string(bytes)
                try lexer.expect(UInt8(ascii: ":"), bytes)
            }
            _ = try skipValue(bytes, depth: depth &+ 1)
        } while try lexer.continues(until: close, bytes)
    }
}
