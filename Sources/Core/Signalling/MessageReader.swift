internal import StrictJSON

/// Reads clients' messages.
///
/// It holds scratch storage that every message uses again, so that reading a `send-payload`
/// allocates nothing; the payload stays where it is, as ranges of the message.
package struct MessageReader: Sendable {
    /// The most bytes of an id, a name or an event's type (PROTOCOL §4).
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
            throw Self.fault(error.kind)
        }
        guard let action = fields.actionIndex(bytes) else { throw .refused(.badRequest) }
        if fields.holds(action, sendPayload, bytes) {
            return .sendPayload(try fields.sendPayload(bytes))
        }
        if fields.holds(action, joinRoom, bytes) {
            return .joinRoom(try fields.joinRoom(bytes))
        }
        throw .refused(.unknownAction)
    }

    /// A text that keeps RFC 8259's grammar but breaks a rule of ours is refused; only what is no
    /// JSON object at all costs the connection.
    static func fault(_ kind: JSONError.Kind) -> MessageFault {
        switch kind {
        case .duplicateName, .loneSurrogate, .tooDeep, .tooManyMembers, .tooLong:
            .refused(.badRequest)
        case .unexpectedEnd, .unexpectedByte, .trailingBytes, .invalidUTF8, .invalidEscape,
            .invalidNumber, .controlCharacter, .notAnObject:
            .notAnObject
        }
    }
}
