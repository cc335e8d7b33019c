import Bytes
import StrictJSON

/// What a run of the model found wrong.
struct Mismatch: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// An event as a client reads it, without its number.
enum ModelEvent: Hashable {
    case welcome(connection: String, secret: String)
    case resumed(connection: String, secret: String, seq: Int)
    case firstToJoin(room: String)
    case joined(connection: String, peerID: String, name: String?, own: String)
    case roomState(room: String, polite: Bool, members: Set<ModelMember>)
    case left(room: String, connection: String, peerID: String, reason: String)
    case payload(from: String, number: Int)
    case ack(Int)
    case error(code: String, action: String?, ack: Int?)
    case pong
}

/// A member as `room_state` lists it.
struct ModelMember: Hashable {
    let connection: String
    let peerID: String
    let name: String?
    let polite: Bool
}

/// One event off the wire.
struct ModelReceipt {
    let event: ModelEvent
    /// Nil in the classic dialect, and for the two events that bear none.
    let seq: Int?

    init(_ text: String) throws {
        guard let object = try JSONValue.parse(Array(text.utf8)).object,
            let type = object["type"]?.string?.string, let data = object["data"]?.object
        else { throw Mismatch("no event: \(text)") }
        seq = object["seq"]?.int64.map { Int($0) }
        guard let event = ModelEvent(type, data) else { throw Mismatch("unreadable: \(text)") }
        self.event = event
    }
}

extension ModelEvent {
    fileprivate init?(_ type: String, _ data: JSONObject) {
        switch type {
        case "welcome", "resumed":
            guard let connection = data["connectionId"]?.string?.string,
                let secret = data["session"]?.string?.string
            else { return nil }
            if type == "welcome" {
                self = .welcome(connection: connection, secret: secret)
            } else {
                guard let seq = data["seq"]?.int64 else { return nil }
                self = .resumed(connection: connection, secret: secret, seq: Int(seq))
            }
        case "first_to_join":
            guard let room = data["roomId"]?.string?.string else { return nil }
            self = .firstToJoin(room: room)
        case "ack":
            guard let ack = data["ack"]?.int64 else { return nil }
            self = .ack(Int(ack))
        case "error":
            guard let code = data["code"]?.string?.string else { return nil }
            self = .error(
                code: code, action: data["action"]?.string?.string,
                ack: data["ack"]?.int64.map { Int($0) })
        case "pong": self = .pong
        default: self.init(member: type, data)
        }
    }

    /// The events that tell of a member, and payloads.
    private init?(member type: String, _ data: JSONObject) {
        switch type {
        case "room_state":
            guard let room = data["roomId"]?.string?.string, let polite = data["polite"]?.bool,
                let members = data["members"]?.array
            else { return nil }
            let listed = members.compactMap { ModelMember($0.object) }
            guard listed.count == members.count, Set(listed).count == listed.count else {
                return nil
            }
            self = .roomState(room: room, polite: polite, members: Set(listed))
        case "someone_left":
            guard let room = data["roomId"]?.string?.string,
                let connection = data["connectionId"]?.string?.string,
                let peerID = data["peerId"]?.string?.string,
                let reason = data["reason"]?.string?.string
            else { return nil }
            self = .left(room: room, connection: connection, peerID: peerID, reason: reason)
        case "someone_joined":
            guard let connection = data["connectionId"]?.string?.string,
                let peerID = data["peerId"]?.string?.string,
                data["offererId"]?.string?.string == peerID,
                let own = data["ownId"]?.string?.string
            else { return nil }
            self = .joined(
                connection: connection, peerID: peerID, name: data["name"]?.string?.string, own: own
            )
        case "p":
            guard let from = data["connectionId"]?.string?.string, let number = data["n"]?.int64
            else {
                return nil
            }
            self = .payload(from: from, number: Int(number))
        default: return nil
        }
    }
}

extension ModelMember {
    fileprivate init?(_ object: JSONObject?) {
        guard let object, let connection = object["connectionId"]?.string?.string,
            let peerID = object["peerId"]?.string?.string, let polite = object["polite"]?.bool
        else { return nil }
        self.init(
            connection: connection, peerID: peerID, name: object["name"]?.string?.string,
            polite: polite)
    }
}
