internal import StrictJSON

/// Writes the server's events, always `{"type":T,"data":{…}}`, with a number behind `data` in v1
/// (PROTOCOL §2, §3).
///
/// An event is sent in three pieces: `head`, which is written here and whose storage every event
/// uses again; a body that lies elsewhere and is not copied (a payload's members, a receiver's own
/// id); and `tail`, which closes both objects; in v1 the tail is `EventHistory`'s.
package struct EventComposer: Sendable {
    /// The event up to its body, valid until the next event is composed.
    package internal(set) var head: [UInt8] = []
    package let tail = Array("}}".utf8)

    private let defaultType = Array(#""payload""#.utf8)
    private let typeOpening = Array(#"{"type":"#.utf8)
    /// From behind the type to the comma behind the sender's id, as it was written last.
    private var senderPart = Array(#","data":{"connectionId":"0000000000000000","#.utf8)
    private static let senderAt = #","data":{"connectionId":""#.utf8.count
    private var sender = ConnectionID(raw: 0)

    package init() { head.reserveCapacity(512) }

    /// A payload for its target: the true sender's id first, then the payload's members byte for
    /// byte. The body is `payload.members` of the message.
    package mutating func delivered(
        _ payload: SendPayload, of message: Span<UInt8>, from sender: ConnectionID
    ) {
        delivered(
            type: payload.type, leading: payload.leading, members: payload.members, of: message,
            from: sender)
    }

    @inline(__always)
    mutating func delivered(
        type: Range<Int>?, leading: Range<Int>, members: Range<Int>, of message: Span<UInt8>,
        from sender: ConnectionID
    ) {
        if sender != self.sender {
            self.sender = sender
            sender.write(to: &senderPart, at: Self.senderAt)
        }
        let hasMembers = !leading.isEmpty || !members.isEmpty
        let typeCount = type?.count ?? defaultType.count
        resizeHead(typeOpening.count &+ typeCount &+ senderPart.count &- (hasMembers ? 0 : 1))
        if let type {
            Self.fill(&head, typeOpening, message.extracting(type), senderPart)
        } else {
            let type = defaultType
            Self.fill(&head, typeOpening, type.span, senderPart)
        }
        guard !leading.isEmpty else { return }
        append(message, leading)
        if !members.isEmpty { head.append(UInt8(ascii: ",")) }
    }

    private mutating func resizeHead(_ count: Int) {
        guard head.count != count else { return }
        head.removeAll(keepingCapacity: true)
        head.append(contentsOf: repeatElement(0, count: count))
    }

    /// Writes the pieces over what was there, as far as there is room: to append them would count
    /// references to each.
    private static func fill(
        _ head: inout [UInt8], _ opening: [UInt8], _ type: Span<UInt8>, _ rest: [UInt8]
    ) {
        var out = head.mutableSpan
        copy(opening.span, to: &out, at: 0)
        copy(type, to: &out, at: opening.count)
        copy(rest.span, to: &out, at: opening.count &+ type.count)
    }

    @inline(__always)
    private static func copy(
        _ bytes: Span<UInt8>, to out: inout MutableSpan<UInt8>, at start: Int
    ) {
        for index in 0..<min(bytes.count, out.count &- start) {
            out[start &+ index] = bytes[index]
        }
    }

    /// `first_to_join`, for the joiner of a room in which nobody was. Its body is empty.
    package mutating func firstToJoin(room: String) {
        begin(#"{"type":"first_to_join","data":{"roomId":"#)
        JSONText.appendQuoted(room, to: &head)
    }

    /// `someone_joined`, the same head for every member who was there before. The body is the
    /// receiver's own `PeerID.quoted`.
    ///
    /// - Parameters:
    ///   - connection: The joiner's connection.
    ///   - peerID: The joiner's id.
    ///   - name: What people see; null on the wire when nil.
    ///   - sdp: The bytes of a value in `message`, carried through; null when nil.
    ///   - message: The joiner's message.
    package mutating func someoneJoined(
        _ connection: ConnectionID, peerID: PeerID, name: String?, sdp: Range<Int>?,
        of message: Span<UInt8>
    ) {
        begin(#"{"type":"someone_joined","data":{"connectionId":""#)
        connection.append(to: &head)
        head.append(contentsOf: #"","peerId":"#.utf8)
        head.append(contentsOf: peerID.quoted)
        head.append(contentsOf: #","offererId":"#.utf8)
        head.append(contentsOf: peerID.quoted)
        head.append(contentsOf: #","name":"#.utf8)
        append(quoted: name)
        head.append(contentsOf: #","sdp":"#.utf8)
        if let sdp {
            append(message, sdp)
        } else {
            head.append(contentsOf: "null".utf8)
        }
        head.append(contentsOf: #","ownId":"#.utf8)
    }

    mutating func begin(_ opening: String) {
        head.removeAll(keepingCapacity: true)
        head.append(contentsOf: opening.utf8)
    }

    mutating func append(quoted text: String?) {
        if let text {
            JSONText.appendQuoted(text, to: &head)
        } else {
            head.append(contentsOf: "null".utf8)
        }
    }

    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        head.append(addingCapacity: range.count) { part in
            for index in range { part.append(bytes[index]) }
        }
    }
}
