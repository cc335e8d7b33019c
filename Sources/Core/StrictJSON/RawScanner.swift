package import Bytes

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
        /// The whole value, with its quotes or braces.
        package fileprivate(set) var value: Range<Int>
        /// The first eight bytes of the name as it is written.
        let nameStart: UInt64
        /// Which of the names that the scanner was made with this is, after unescaping: their
        /// number, from 1 on; 0 for any other.
        package let known: UInt8
        package let nameIsEscaped: Bool
        /// A string value that holds a backslash.
        package let valueIsEscaped: Bool
        package let kind: Kind
    }

    /// In the order of the text: a member stands before those inside it.
    package internal(set) var members: [RawMember] = []
    private let limits: JSONLimits
    let names: ShortTextTable
    private var lexer = JSONLexer()
    private var seen = SeenNames()

    /// - Parameters:
    ///   - limits: `membersMax` counts all recorded members together.
    ///   - names: Those that `RawMember.known` is to tell.
    package init(
        limits: JSONLimits = JSONLimits(membersMax: 256), names: ShortTextTable = ShortTextTable([])
    ) {
        self.limits = limits
        self.names = names
        members.reserveCapacity(16)
    }

    /// Reads one whole text, whose value must be an object.
    ///
    /// The storage of `members` is used again by the next scan. After an error, `members` is empty.
    package mutating func scan(_ bytes: Span<UInt8>) throws(JSONError) {
        members.removeAll(keepingCapacity: true)
        lexer.position = 0
        seen.removeAll()
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

    /// Whether the value of the member at `index` is this string, after unescaping.
    package func holds(_ text: ShortText, at index: Int, in bytes: Span<UInt8>) -> Bool {
        guard case .string = members[index].kind else { return false }
        guard !members[index].valueIsEscaped else {
            return string(of: members[index], in: bytes).map(text.equals) == true
        }
        let value = members[index].value
        return text.equals(bytes, value.lowerBound &+ 1..<value.upperBound &- 1)
    }

    /// The member's value where it is a string, unescaped; nil otherwise.
    package func string(of member: RawMember, in bytes: Span<UInt8>) -> ByteText? {
        guard case .string = member.kind else { return nil }
        let content = (member.value.lowerBound + 1)..<(member.value.upperBound - 1)
        return JSONText.unquote(bytes, content)
    }

    // MARK: Reading

    private mutating func recordMembers(_ bytes: Span<UInt8>, parent: Int) throws(JSONError) {
        lexer.position &+= 1
        if try lexer.closesAtOnce(UInt8(ascii: "}"), bytes) { return }
        if parent >= 0 { seen.enterInner() }
        repeat {
            let first = try lexer.peek(bytes)
            let start = lexer.position
            guard first == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: start) }
            let name = try lexer.quotedString(bytes)
            let word = bytes.firstWord(of: name.content)
            let known = known(name, word, in: bytes)
            guard members.count < limits.membersMax else {
                throw JSONError(.tooManyMembers, at: start)
            }
            let isNew =
                known > 0
                ? seen.insert(known, isInner: parent >= 0)
                : isNew(name, word, parent: parent, in: bytes)
            guard isNew else { throw JSONError(.duplicateName, at: start) }
            try lexer.expect(UInt8(ascii: ":"), bytes)
            try recordValue(bytes, name: name, word, known, parent: parent)
        } while try lexer.continues(until: UInt8(ascii: "}"), bytes)
    }

    private mutating func recordValue(
        _ bytes: Span<UInt8>, name: JSONLexer.StringToken, _ word: UInt64, _ known: UInt8,
        parent: Int
    ) throws(JSONError) {
        let first = try lexer.peek(bytes)
        let start = lexer.position
        var kind = Kind.string
        var isEscaped = false
        if first == UInt8(ascii: "\"") {
            isEscaped = try lexer.quotedString(bytes).isEscaped
        } else if first == UInt8(ascii: "{"), parent < 0 {
            kind = .object
        } else {
            kind = try skipValue(bytes, depth: parent < 0 ? 2 : 3)
        }
        let index = members.count
        members.append(
            RawMember(
                parent: parent, name: name.content, value: start..<lexer.position,
                nameStart: word, known: known, nameIsEscaped: name.isEscaped,
                valueIsEscaped: isEscaped, kind: kind))
        guard case .object = kind, parent < 0 else { return }
        try recordMembers(bytes, parent: index)
        members[index].value = start..<lexer.position
    }

    /// Which of `names` this is, as `RawMember.known` has it.
    @inline(__always)
    private func known(
        _ name: JSONLexer.StringToken, _ word: UInt64, in bytes: Span<UInt8>
    ) -> UInt8 {
        guard !name.isEscaped else { return knownAfterUnescaping(name, in: bytes) }
        return names.number(of: bytes, name.content, start: word)
    }

    private func knownAfterUnescaping(
        _ name: JSONLexer.StringToken, in bytes: Span<UInt8>
    ) -> UInt8 {
        // In its longest form, each byte of a short name is six.
        guard name.content.count <= ShortText.bytesMax * 6,
            let plain = JSONText.unquote(bytes, name.content)
        else { return 0 }
        return names.number(of: plain.utf8.span, 0..<plain.count)
    }

    /// Whether `name`, of which `word` are the first bytes, is new to its object. It is none of the
    /// known ones.
    ///
    /// Few and short names, as in every honest message, are held against each other. From the
    /// first name on that is escaped, or long, or one too many, all go into a set: whatever the
    /// names are, the time is that of their length.
    private mutating func isNew(
        _ name: JSONLexer.StringToken, _ word: UInt64, parent: Int, in bytes: Span<UInt8>
    ) -> Bool {
        if !seen.isSetInUse {
            if !name.isEscaped, name.content.count <= SeenNames.plainBytesMax,
                members.count < SeenNames.plainCountMax
            {
                return !isAmongFew(name.content, word, parent: parent, in: bytes)
            }
            for member in members
            where member.known == 0 && (member.parent < 0 || member.parent == parent) {
                _ = seen.insert(bytes, member.name, isInner: member.parent >= 0)
            }
        }
        return seen.insert(bytes, name.content, isInner: parent >= 0)
    }

    private func isAmongFew(
        _ name: Range<Int>, _ word: UInt64, parent: Int, in bytes: Span<UInt8>
    ) -> Bool {
        for index in members.indices
        where members[index].parent == parent && members[index].nameStart == word
            && members[index].name.count == name.count
        {
            if bytes.extracting(members[index].name).equals(bytes.extracting(name)) { return true }
        }
        return false
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
            _ = try lexer.quotedString(bytes)
            return .string
        default: return try lexer.scalar(bytes)
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
