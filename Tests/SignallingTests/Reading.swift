import Signalling

/// Reads one message as a fresh connection would.
func read(_ text: String) -> Result<ClientMessage, MessageFault> {
    var reader = MessageReader()
    let bytes = Array(text.utf8)
    do throws(MessageFault) {
        return .success(try reader.read(bytes.span))
    } catch {
        return .failure(error)
    }
}

/// The code a message is refused with; `1007` where it costs the connection, nil where it is good.
func refusal(_ text: String) -> String? {
    switch read(text) {
    case .success: nil
    case .failure(.notAnObject): "1007"
    case .failure(.refused(let error)): error.code
    }
}

let sender = ConnectionID(raw: 0x0123_4567_89ab_cdef)
let target = ConnectionID(raw: 0xfeed_face_dead_beef)

/// A `send-payload` around these bytes.
func sending(_ payload: String) -> String {
    #"{"action":"send-payload","target":"\#(target.text)","payload":\#(payload)}"#
}

/// The event that the target gets for a message, or the code it is refused with.
func delivered(_ message: String) -> String {
    let bytes = Array(message.utf8)
    var composer = EventComposer()
    switch read(message) {
    case .failure: return refusal(message) ?? ""
    case .success(.joinRoom): return "a join"
    case .success(.sendPayload(let payload)):
        return text(composer.delivered(payload.payload, of: bytes.span, from: sender), of: bytes)
    }
}

/// The event as it is sent without a number, to a receiver whose id is `own`.
func text(_ event: borrowing Event, of message: [UInt8] = [], own: String = "own") -> String {
    let body =
        switch event.body {
        case .none: [UInt8]()
        case .ownID: PeerID(own).quoted
        case .message(let range): Array(message[range])
        }
    return String(decoding: event.head + body + EventComposer().tail, as: UTF8.self)
}
