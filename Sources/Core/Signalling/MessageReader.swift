internal import StrictJSON

/// Reads clients' messages.
///
/// It holds scratch storage that every message uses again, so that reading a `send-payload`
/// allocates nothing; the payload stays where it is, as ranges of the message.
package struct MessageReader: Sendable {
    /// The most bytes of an id, a name or an event's type (docs/protocol.md §4).
    package static let textBytesMax = 256

    private var fields = MessageFields()
    private let sendPayload: ShortText = "send-payload"
    private let joinRoom: ShortText = "join-room"

    package init() {}

    /// Checks and reads one whole text message.
    ///
    /// The size of the message is the socket's business; more than 256 members, or nesting deeper
    /// than 32, is a `bad_request`.
    ///
    /// - Throws: `MessageFault`.
    package mutating func read(_ bytes: Span<UInt8>) throws(MessageFault) -> ClientMessage {
        do throws(JSONError) {
            try fields.scan(bytes)
        } catch {
            throw Self.complaint(error.kind) == nil ? .notAnObject : .refused(.badRequest)
        }
        do throws(MessageRefusal) {
            return try message(bytes)
        } catch {
            throw .refused(error.error)
        }
    }

    private func message(_ bytes: Span<UInt8>) throws(MessageRefusal) -> ClientMessage {
        guard let action = fields.actionIndex(bytes) else { throw .bad(.noAction) }
        if fields.holds(action, sendPayload, bytes) {
            return .sendPayload(try fields.sendPayload(bytes))
        }
        if fields.holds(action, joinRoom, bytes) {
            return .joinRoom(try fields.joinRoom(bytes))
        }
        throw MessageRefusal(error: .unknownAction)
    }

    /// A text that keeps RFC 8259's grammar but breaks a rule of ours is refused; only what is no
    /// JSON object at all, for which this is nil, costs the connection.
    static func complaint(_ kind: JSONError.Kind) -> MessageComplaint? {
        switch kind {
        case .duplicateName: .doubledName
        case .loneSurrogate: .loneSurrogate
        case .tooDeep: .tooDeep
        case .tooManyMembers: .tooManyMembers
        case .unexpectedEnd, .unexpectedByte, .trailingBytes, .invalidUTF8, .invalidEscape,
            .invalidNumber, .controlCharacter, .notAnObject:
            nil
        case .tooLong: nil  // Can't be: the size of a message is the socket's business.
        }
    }
}
