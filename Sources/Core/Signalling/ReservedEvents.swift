internal import StrictJSON

/// The names of server events, which no payload may bear as its `type`: a peer can't speak as the
/// server (docs/protocol.md §2), in either dialect.
package enum ReservedEvents {
    package static let names = [
        "first_to_join", "someone_joined", "welcome", "room_state", "resumed", "someone_left",
        "token_expiring", "error", "draining", "ack", "pong", "usher.closing",
    ]

    private static let table = ShortTextTable(names.map { ShortText($0) })

    /// Whether the bytes in `range`, a string's content without escapes, are such a name.
    static func contain(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        table.number(of: bytes, range) > 0
    }
}
