package import Identifiers

/// What a client says, checked member by member (docs/protocol.md §2, §4).
package enum ClientMessage: Equatable, Sendable {
    case joinRoom(JoinRoom)
    case sendPayload(SendPayload)
}

/// `{"action":"join-room","roomId":R,"name":N,"id":I,"sdp":S}`
package struct JoinRoom: Equatable, Sendable {
    /// 1 to 256 bytes of UTF-8.
    package let room: RoomName
    /// Nil without `id`: the connection id stands in.
    package let peerID: PeerID?
    /// As sent: nil for a missing or null name, and the empty name is kept.
    package let name: String?
    /// The value's bytes in the message, carried through as they are.
    package let sdp: Range<Int>?
}

/// `{"action":"send-payload","target":C,"payload":{"type":T,…}}`
package struct SendPayload: Equatable, Sendable {
    package let target: ConnectionID
    package let payload: PayloadLayout
}

/// A payload's parts, as ranges of the message.
package struct PayloadLayout: Equatable, Sendable {
    /// The value of the payload's `type` with its quotes; nil when it has none.
    package internal(set) var type: Range<Int>?
    /// Members before a `connectionId` that was dropped; empty in every honest payload.
    package internal(set) var leading = 0..<0
    /// The payload's members, from the first name's quote to the last value's end; may be empty.
    package internal(set) var members = 0..<0
}

/// The id by which people's pages know a peer, kept as the JSON string that is sent on.
///
/// Two ids are one when their text is the same byte for byte: Unicode's canonical equivalence,
/// which `String` compares by, does not count.
package struct PeerID: Hashable, Sendable {
    /// In quotes, with the one canonical escaping.
    package let quoted: [UInt8]
}
