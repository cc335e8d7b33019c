/// What is wrong with a message that is a `bad_request`, and with which of its members: for the
/// developer of its sender. It holds nothing of the message.
package enum MessageComplaint: Equatable, CaseIterable, Sendable {
    case noAction
    case ack
    case roomID, peerID, name, missingName
    case target, payload, payloadType, reservedType
    case token, session, seq
    case resumeTooLate
    case doubledName, loneSurrogate, tooDeep, tooManyMembers

    package var message: StaticString {
        switch self {
        case .noAction: "action: a string is needed"
        case .ack: "ack: a string of 1 to 256 bytes or an integer of at most 2^53 is needed"
        case .roomID: "roomId: a string of 1 to 256 bytes is needed"
        case .peerID: "id: a string of 1 to 256 bytes is needed, or none"
        case .name: "name: a string of at most 256 bytes is needed"
        case .missingName: "name: a string of 1 to 256 bytes is needed"
        case .target: "target: the connectionId of a member is needed, a string of 1 to 256 bytes"
        case .payload: "payload: an object is needed"
        case .payloadType: "payload.type: a string of 1 to 256 bytes is needed, or none"
        case .reservedType: "payload.type: this is the name of an event of the server"
        case .token: "token: a string that is not empty is needed"
        case .session: "session: the secret of the session is needed, a string of 1 to 256 bytes"
        case .seq: "seq: the number of the last event dealt with is needed, an integer from 0 on"
        case .resumeTooLate: "action: resume is good only as the first message of a connection"
        case .doubledName: "a name occurs twice in the message or in one of its objects"
        case .loneSurrogate: "a string holds half of a surrogate pair"
        case .tooDeep: "the message is nested deeper than 32 levels"
        case .tooManyMembers: "the message has more than 256 members"
        }
    }
}

/// Why a message is refused, as its readers find it.
struct MessageRefusal: Error, Equatable {
    let error: SignalError
    var complaint: MessageComplaint?

    static func bad(_ complaint: MessageComplaint) -> MessageRefusal {
        MessageRefusal(error: .badRequest, complaint: complaint)
    }
}
