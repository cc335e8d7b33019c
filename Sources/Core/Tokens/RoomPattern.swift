import Bytes
package import Identifiers

/// Why a text is no room pattern.
package enum RoomPatternError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case tooLong(byteCount: Int)
    case starNotLast
    case whiteSpaceOrControl

    package var description: String {
        switch self {
        case .empty: "a room pattern must have at least one character"
        case .tooLong(let count):
            "a room pattern has at most \(RoomPattern.bytesMax) bytes, this one has \(count)"
        case .starNotLast: "in a room pattern `*` may stand at the end only"
        case .whiteSpaceOrControl:
            "a room pattern holds no white space and no control characters"
        }
    }
}

/// A room's name, or with a `*` at its end every name that begins like it; `*` alone is every room.
package struct RoomPattern: Hashable, Sendable, CustomStringConvertible {
    package static let bytesMax = 256

    /// As it was given, the star included.
    package var text: String { name.string }
    /// The only room that it covers; nil where it has a star.
    package var room: RoomName? { isPrefix ? nil : RoomName(name) }
    private let name: ByteText
    private let isPrefix: Bool

    /// Takes 1 to 256 bytes of UTF-8 without white space and control characters, `*` as the last
    /// character only.
    package init(_ text: String) throws(RoomPatternError) {
        let bytes = text.utf8.span
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Self.bytesMax else { throw .tooLong(byteCount: bytes.count) }
        var isASCII = true
        for index in 0..<bytes.count {
            switch bytes[index] {
            case 0...0x20, 0x7F: throw .whiteSpaceOrControl
            case UInt8(ascii: "*"): guard index == bytes.count - 1 else { throw .starNotLast }
            case 0x80...: isASCII = false
            default: break
            }
        }
        guard isASCII || text.unicodeScalars.allSatisfy(Self.isAllowed) else {
            throw .whiteSpaceOrControl
        }
        name = ByteText(text)
        isPrefix = bytes[bytes.count - 1] == UInt8(ascii: "*")
    }

    package var description: String { text }

    /// Whether this room may be joined under the pattern. The name is compared as it is: a star in
    /// it has no meaning.
    package func covers(room: RoomName) -> Bool {
        let room = room.utf8.span
        return isPrefix ? starts(room) : room.equals(name.utf8.span)
    }

    /// Whether every room of `other` is one of this pattern's: `team-*` covers `team-1` and
    /// `team-a*`.
    package func covers(_ other: RoomPattern) -> Bool {
        guard isPrefix else { return self == other }
        let bytes = other.name.utf8.span
        return starts(bytes.extracting(first: bytes.count - (other.isPrefix ? 1 : 0)))
    }

    private func starts(_ room: Span<UInt8>) -> Bool {
        let count = name.count - 1
        return room.count >= count
            && room.extracting(first: count).equals(name.utf8.span.extracting(first: count))
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
    }
}
