/// Why a message was refused (docs/protocol.md §4). The raw value is the code on the wire.
///
/// The connection stays open. In the classic dialect nothing is sent, since deployed clients know
/// no error event.
package enum SignalError: String, Error, CaseIterable, Sendable {
    /// A member is missing, of the wrong type, empty or too long.
    case badRequest = "bad_request"
    case unknownAction = "unknown_action"
    /// Not a live member of a room shared with the sender.
    case unknownTarget = "unknown_target"
    /// The token does not grant this room.
    case roomForbidden = "room_forbidden"
    case roomFull = "room_full"
    case tooManyRooms = "too_many_rooms"
    /// Another v1 connection in the room bears this peer id (v1).
    case peerIDTaken = "peer_id_taken"
    /// The session is unknown, over or another's, or what was missed is not kept (v1).
    case resumeFailed = "resume_failed"
    /// A token for `refresh-token` that does not verify or is another's (v1).
    case invalidToken = "invalid_token"
    /// The service can't let anybody in for now.
    case temporarilyUnavailable = "temporarily_unavailable"

    /// Stable across releases.
    package var code: String { rawValue }

    /// For developers; it holds nothing of the message.
    package var message: StaticString {
        switch self {
        case .badRequest: "a member is missing, of the wrong type, empty or too long"
        case .unknownAction: "there is no such action"
        case .unknownTarget: "no such member in a room with you"
        case .roomForbidden: "the token does not grant this room"
        case .roomFull: "the room has no place left"
        case .tooManyRooms: "you are in as many rooms as one connection may be"
        case .peerIDTaken: "another connection in the room bears this id"
        case .resumeFailed: "the session cannot be resumed: join afresh"
        case .invalidToken: "the token is not good for this connection"
        case .temporarilyUnavailable: "the service can't reach its cluster: try again"
        }
    }
}

/// What keeps a text from being acted on.
package enum MessageFault: Error, Equatable, Sendable {
    /// The text is no JSON object: the connection is closed with 1007.
    case notAnObject
    /// One message is refused; the connection stays open.
    case refused(SignalError)
}
