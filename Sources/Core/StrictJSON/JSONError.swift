/// Why a text is not the JSON that was asked for.
///
/// Holds where and what, never the text itself, so that it may be logged.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong at `offset`.
    package enum Kind: String, Sendable {
        case unexpectedEnd = "the text ends too early"
        case unexpectedByte = "this byte may not stand here"
        case trailingBytes = "something follows the value"
        case invalidUTF8 = "this is not UTF-8"
        case invalidEscape = "this is no JSON escape"
        case loneSurrogate = "this surrogate has no partner"
        case invalidNumber = "this is no JSON number"
        case controlCharacter = "control characters must be escaped"
        case duplicateName = "this member name stands twice in one object"
        case tooLong = "the text is longer than allowed"
        case tooDeep = "the text is nested deeper than allowed"
        case tooManyMembers = "an object or array has more members than allowed"
        case notAnObject = "the text is not a JSON object"
    }

    package let kind: Kind
    /// Bytes from the start of the text.
    package let offset: Int

    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    package var description: String { "invalid JSON at byte \(offset): \(kind.rawValue)" }
}

/// What a JSON text may cost its reader at most.
package struct JSONLimits: Sendable {
    /// Bytes of the whole text.
    package var bytesMax: Int
    /// Objects and arrays inside one another; the outermost counts as one.
    package var depthMax: Int
    /// Members of one object, or elements of one array.
    package var membersMax: Int

    package init(bytesMax: Int = 1 << 20, depthMax: Int = 32, membersMax: Int = 1024) {
        self.bytesMax = bytesMax
        self.depthMax = depthMax
        self.membersMax = membersMax
    }
}
