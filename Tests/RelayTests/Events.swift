import Signalling

// Events as they must be.

func numbered(_ seq: Int, _ type: String, _ data: String) -> String {
    #"{"type":"\#(type)","data":{\#(data)},"seq":\#(seq)}"#
}

/// The `type` of an event.
func type(of text: String?) -> String? {
    text.map { String($0.dropFirst(9).prefix { $0 != "\"" }) }
}

func refused(
    _ seq: Int, _ code: String, _ action: String, ack: String = "null",
    _ complaint: MessageComplaint? = nil
) -> String {
    let error = complaint?.message.description ?? errors[code] ?? ""
    return numbered(
        seq, "error",
        #""code":"\#(code)","message":"\#(error)","action":\#(action),"ack":\#(ack)"#)
}

private let errors = [
    "bad_request": "a member is missing, of the wrong type, empty or too long",
    "unknown_action": "there is no such action",
    "unknown_target": "no such member in a room with you",
    "room_forbidden": "the token does not grant this room",
    "room_full": "the room has no place left",
    "too_many_rooms": "you are in as many rooms as one connection may be",
    "peer_id_taken": "another connection in the room bears this id",
    "resume_failed": "the session cannot be resumed: join afresh",
    "invalid_token": "the token is not good for this connection",
    "temporarily_unavailable": "the service can't reach its cluster: try again",
]

/// A member in a `room_state`.
func listed(
    _ client: Client, _ id: String, name: String = "N", polite: Bool = true
) -> String {
    #"{"connectionId":"\#(client.connection)","peerId":"\#(id)","name":"\#(name)","#
        + #""polite":\#(polite)}"#
}

func roomState(
    _ seq: Int, _ room: String, _ members: [String], polite: Bool = true
) -> String {
    numbered(
        seq, "room_state",
        #""roomId":"\#(room)","polite":\#(polite),"members":[\#(members.joined(separator: ","))]"#)
}

func left(_ seq: Int, _ room: String, _ client: Client, _ id: String, _ reason: String) -> String {
    numbered(
        seq, "someone_left",
        #""roomId":"\#(room)","connectionId":"\#(client.connection)","peerId":"\#(id)","#
            + #""reason":"\#(reason)""#)
}

/// What is told of a joiner; `name` and `sdp` are JSON.
func joined(
    _ client: Client, _ id: String, own: String, name: String = #""N""#, sdp: String = "null"
) -> String {
    #""connectionId":"\#(client.connection)","peerId":"\#(id)","offererId":"\#(id)","#
        + #""name":\#(name),"sdp":\#(sdp),"ownId":"\#(own)""#
}

func resumed(_ client: Client, seq: Int) -> String {
    #"{"type":"resumed","data":{"connectionId":"\#(client.connection)","#
        + #""session":"\#(client.secret)","seq":\#(seq)}}"#
}

/// What a classic client is sent, as the relay asks for it.
extension Client {
    private func told(_ type: String, _ data: String) -> LoopAction {
        .send(socket, #"{"type":"\#(type)","data":{\#(data)}}"#)
    }

    func firstToJoin(_ room: String) -> LoopAction {
        told("first_to_join", #""roomId":"\#(room)""#)
    }

    func someoneJoined(
        _ joiner: Client, id: String? = nil, ownID: String? = nil, name: String = #""N""#,
        sdp: String = "null"
    ) -> LoopAction {
        let data = joined(
            joiner, id ?? joiner.connection, own: ownID ?? connection, name: name, sdp: sdp)
        return told("someone_joined", data)
    }

    /// A message of another's, `members` being what it sent.
    func delivered(from other: Client, type: String, _ members: String) -> LoopAction {
        told(type, #""connectionId":"\#(other.connection)"\#(members)"#)
    }
}
