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
        composer.delivered(payload, of: bytes.span, from: sender)
        return String(
            decoding: composer.head + bytes[payload.members] + composer.tail, as: UTF8.self)
    }
}
