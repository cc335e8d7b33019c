package import Bytes
package import Identifiers
import Signalling

/// Under what something lies in the cluster's bucket. The text is the key there.
package enum StoreKey: Hashable, Sendable {
    /// The nodes that the bucket was opened to; absent until then.
    case open
    /// In which format documents are written; absent until it was raised for the first time.
    case format
    /// What is known of one node.
    case node(Incarnation)
    /// The document of a room.
    case room(RoomDigest)

    private static let nodePrefix: ByteText = "node."
    private static let roomPrefix: ByteText = "room."

    /// `open`, `format`, `node.` and 16 lower-case digits, or `room.` and the digest in base64url
    /// (RFC 4648 §5), which fits any store.
    package var text: String {
        switch self {
        case .open: "open"
        case .format: "format"
        case .node(let incarnation): Self.nodePrefix.string + incarnation.text
        case .room(let digest): Self.roomPrefix.string + Base64URL.encode(digest.bytes)
        }
    }

    /// Reads what `text` writes; nil for anything else.
    package init?(_ text: ByteText) {
        if text == "open" {
            self = .open
        } else if text == "format" {
            self = .format
        } else if text.hasPrefix(Self.nodePrefix) {
            guard let incarnation = Incarnation(text.dropFirst(Self.nodePrefix.count)) else {
                return nil
            }
            self = .node(incarnation)
        } else if text.hasPrefix(Self.roomPrefix) {
            let digest = text.dropFirst(Self.roomPrefix.count)
            guard let bytes = Base64URL.decode(digest.utf8.span),
                bytes.count == RoomDigest.bytesCount
            else { return nil }
            self = .room(RoomDigest(bytes: bytes))
        } else {
            return nil
        }
    }
}

extension Incarnation {
    /// Written as a connection is.
    package var text: String { ConnectionID(raw: raw).text }

    /// Reads what `text` writes; nil for anything else.
    package init?(_ text: ByteText) {
        guard let number = ConnectionID(text.utf8.span, 0..<text.count) else { return nil }
        self.init(raw: number.raw)
    }
}

/// SHA-256 over a client and a room of it, in which nobody reads their names. The document that
/// lies under it names both.
package struct RoomDigest: Hashable, Comparable, Sendable {
    package static let bytesCount = 32

    let words: (UInt64, UInt64, UInt64, UInt64)

    /// `bytes` are 32.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == Self.bytesCount, "a SHA-256 has 32 bytes")
        let span = bytes.span
        words = (
            span.word(0).byteSwapped, span.word(8).byteSwapped, span.word(16).byteSwapped,
            span.word(24).byteSwapped
        )
    }

    init(_ words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    package init(of clientID: ClientID, _ room: RoomName, sha256: ([UInt8]) -> [UInt8]) {
        // Never a byte of UTF-8 between them, so no two pairs make one key.
        self.init(bytes: sha256(Array(clientID.utf8) + [0xFF] + Array(room.utf8)))
    }

    package var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    package static func == (one: Self, other: Self) -> Bool { one.words == other.words }
    package static func < (one: Self, other: Self) -> Bool { one.words < other.words }
    // Its bits are random enough.
    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
