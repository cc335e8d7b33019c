package import Identifiers

/// Writes the server's events, always `{"type":T,"data":{…}}`, with a number behind `data` in v1
/// (docs/protocol.md §2, §3).
package struct EventComposer: Sendable {
    /// Closes an event that bears no number.
    package let tail = Array("}}".utf8)

    private let defaultType = Array(#""payload""#.utf8)
    private let typeOpening = Array(#"{"type":"#.utf8)
    /// From behind the type to the comma behind the sender's id, as it was written last.
    private var senderPart = Array(#","data":{"connectionId":"0000000000000000","#.utf8)
    private static let senderAt = #","data":{"connectionId":""#.utf8.count
    private var sender = ConnectionID(raw: 0)
    /// Storage of events that were told: two, since one may be told within another.
    private var first: [UInt8]?
    private var second: [UInt8]?

    package init() {}

    /// Takes back an event that was told. One that is dropped instead costs the next an allocation.
    package mutating func reuse(_ event: consuming Event) {
        if first == nil { first = event.head } else { second = event.head }
    }

    mutating func begin(_ opening: String) -> Event {
        var event = Event(in: first.take() ?? second.take() ?? [])
        event.head.removeAll(keepingCapacity: true)
        event.append(opening)
        return event
    }

    /// A payload for its targets: the true sender's id first, then the payload's members byte for
    /// byte, the last of which are the event's body.
    package mutating func delivered(
        _ payload: PayloadLayout, of message: Span<UInt8>, from sender: ConnectionID
    ) -> Event {
        if sender != self.sender {
            self.sender = sender
            sender.write(to: &senderPart, at: Self.senderAt)
        }
        var event = Event(in: first.take() ?? second.take() ?? [])
        event.body = .message(payload.members)
        let hasMembers = !payload.leading.isEmpty || !payload.members.isEmpty
        let others = typeOpening.count &+ senderPart.count &- (hasMembers ? 0 : 1)
        if let type = payload.type {
            event.write(
                typeOpening.span, message.extracting(type), senderPart.span,
                count: others &+ type.count)
        } else {
            event.write(
                typeOpening.span, defaultType.span, senderPart.span,
                count: others &+ defaultType.count)
        }
        guard !payload.leading.isEmpty else { return event }
        event.append(payload.leading, of: message)
        if !payload.members.isEmpty { event.append(",") }
        return event
    }

    /// `first_to_join`, for the joiner of a room in which nobody was.
    package mutating func firstToJoin(room: RoomName) -> Event {
        var event = begin(#"{"type":"first_to_join","data":{"roomId":"#)
        event.append(quoted: room.string)
        return event
    }

    /// `someone_joined`, one event for every member who was there before. `sdp` are the bytes of a
    /// value in the joiner's message; it and the name are null on the wire when nil.
    package mutating func someoneJoined(
        _ connection: ConnectionID, peerID: PeerID, name: String?, sdp: Range<Int>?,
        of message: Span<UInt8>
    ) -> Event {
        var event = begin(#"{"type":"someone_joined","data":{"connectionId":""#)
        event.append(connection)
        event.append(#"","peerId":"#)
        event.append(peerID)
        event.append(#","offererId":"#)
        event.append(peerID)
        event.append(#","name":"#)
        event.append(quoted: name)
        event.append(#","sdp":"#)
        event.append(sdp, of: message)
        event.append(#","ownId":"#)
        event.body = .ownID
        return event
    }
}
