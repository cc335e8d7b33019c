internal import StrictJSON

/// One event of the server, composed and ready to be told, to one or to many.
///
/// It is sent in three pieces: `head`; a body that lies elsewhere and is not copied; and
/// `EventComposer.tail`, for which `EventHistory` in v1 puts one with a number. Whoever has told it
/// gives it back to the composer, so that its storage serves the next one.
package struct Event: ~Copyable, Sendable {
    /// What comes behind the head.
    package enum Body: Equatable, Sendable {
        case none
        /// The receiver's own `PeerID.quoted`.
        case ownID
        /// This part of the message that the event passes on.
        case message(Range<Int>)
    }

    /// From the opening brace on.
    package internal(set) var head: [UInt8]
    package internal(set) var body = Body.none

    // MARK: Composing

    init(in storage: [UInt8]) { head = storage }

    /// One that was composed elsewhere, up to what its tail closes.
    package init(passingOn bytes: [UInt8]) { head = bytes }

    /// All up to what a tail closes; `message` is that of which it passes a part on. None of a
    /// receiver's own.
    package func bytes(of message: Span<UInt8>) -> [UInt8] {
        guard case .message(let range) = body else { return head }
        let count = head.count &+ range.count
        // What `init(repeating:count:)` calls is generic, and asks each time of what it is.
        var bytes = [UInt8](capacity: count) { $0.append(repeating: 0, count: count) }
        var out = bytes.mutableSpan
        Self.copy(head.span, to: &out, at: 0)
        Self.copy(message.extracting(range), to: &out, at: head.count)
        return bytes
    }

    mutating func append(_ text: String) { head.append(contentsOf: text.utf8) }

    mutating func append(_ one: String, _ other: String) {
        append(one)
        append(other)
    }

    mutating func append(_ connection: ConnectionID) { connection.append(to: &head) }

    mutating func append(_ peerID: PeerID) { head.append(contentsOf: peerID.quoted) }

    mutating func append(quoted text: String?) {
        if let text { JSONText.appendQuoted(text, to: &head) } else { append("null") }
    }

    /// The bytes of a value in a message; null where there is none.
    mutating func append(_ range: Range<Int>?, of message: Span<UInt8>) {
        guard let range else { return append("null") }
        head.append(addingCapacity: range.count) { part in
            for index in range { part.append(message[index]) }
        }
    }

    /// Writes the pieces over what was there: to append them would count references to each.
    mutating func write(
        _ opening: Span<UInt8>, _ type: Span<UInt8>, _ rest: Span<UInt8>, count: Int
    ) {
        if head.count != count {
            head.removeAll(keepingCapacity: true)
            head.append(contentsOf: repeatElement(0, count: count))
        }
        var out = head.mutableSpan
        Self.copy(opening, to: &out, at: 0)
        Self.copy(type, to: &out, at: opening.count)
        Self.copy(rest, to: &out, at: opening.count &+ type.count)
    }

    /// As far as there is room.
    @inline(__always)
    private static func copy(
        _ bytes: Span<UInt8>, to out: inout MutableSpan<UInt8>, at start: Int
    ) {
        for index in 0..<min(bytes.count, out.count &- start) {
            out[start &+ index] = bytes[index]
        }
    }
}
