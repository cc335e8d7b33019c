import Bytes
package import Identifiers
import Relay
package import StrictJSON

/// A room as operators are told of it, wherever its relay runs.
package enum RoomDocument {
    package static func room(
        _ clientID: ClientID, _ room: RoomName, _ members: [JSONValue]
    ) -> JSONValue {
        [
            "client_id": .string(clientID.text), "room": .string(room.text),
            "members": .array(members),
        ]
    }

    package static func member(
        _ connectionID: String, peerID: String, name: String?, dialect: String
    ) -> JSONValue {
        [
            "connectionId": .string(connectionID), "peerId": .string(peerID),
            "name": name.map { .string($0) } ?? .null, "dialect": .string(dialect),
        ]
    }
}

extension RoomSummary {
    var document: JSONValue {
        RoomDocument.room(
            clientID, room,
            members.map { member in
                RoomDocument.member(
                    member.connectionID, peerID: member.peerID, name: member.name,
                    dialect: member.dialect)
            })
    }
}

extension OperatedRelay {
    var document: JSONValue { ["rooms": .array(rooms().map(\.document))] }
}
