/// Why a message was refused (PROTOCOL §4). The raw value is the code on the wire.
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

    /// Stable across releases.
    package var code: String { rawValue }
}

/// What keeps a text from being acted on.
package enum MessageFault: Error, Equatable, Sendable {
    /// The text is no JSON object: the connection is closed with 1007.
    case notAnObject
    /// One message is refused; the connection stays open.
    case refused(SignalError)
}
