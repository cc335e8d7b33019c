internal import StrictJSON

/// Writes the server's events of the classic dialect, always `{"type":T,"data":{…}}` (PROTOCOL §2).
///
/// An event is sent in three pieces: `head`, which is written here and whose storage every event
/// uses again; a body that lies elsewhere and is not copied (a payload's members, a receiver's own
/// id); and `tail`, which closes both objects.
package struct EventComposer: Sendable {
    /// The event up to its body, valid until the next event is composed.
    package private(set) var head: [UInt8] = []
    package let tail = Array("}}".utf8)

    private let defaultType = Array(#""payload""#.utf8)
    private let typeOpening = Array(#"{"type":"#.utf8)
    private let senderOpening = Array(#","data":{"connectionId":""#.utf8)

    package init() { head.reserveCapacity(512) }

    /// A payload for its target: the true sender's id first, then the payload's members byte for
    /// byte. The body is `payload.members` of the message.
    package mutating func delivered(
        _ payload: SendPayload, of message: Span<UInt8>, from sender: ConnectionID
    ) {
        head.removeAll(keepingCapacity: true)
        head.append(contentsOf: typeOpening)
        if let type = payload.type {
            append(message, type)
        } else {
            head.append(contentsOf: defaultType)
        }
        head.append(contentsOf: senderOpening)
        sender.append(to: &head)
        head.append(UInt8(ascii: "\""))
        if !payload.leading.isEmpty {
            head.append(UInt8(ascii: ","))
            append(message, payload.leading)
        }
        if !payload.members.isEmpty { head.append(UInt8(ascii: ",")) }
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
        if let name {
            JSONText.appendQuoted(name, to: &head)
        } else {
            head.append(contentsOf: "null".utf8)
        }
        head.append(contentsOf: #","sdp":"#.utf8)
        if let sdp {
            append(message, sdp)
        } else {
            head.append(contentsOf: "null".utf8)
        }
        head.append(contentsOf: #","ownId":"#.utf8)
    }

    private mutating func begin(_ opening: String) {
        head.removeAll(keepingCapacity: true)
        head.append(contentsOf: opening.utf8)
    }

    private mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        head.reserveCapacity(head.count &+ range.count)
        for index in range { head.append(bytes[index]) }
    }
}
