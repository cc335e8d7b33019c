package import Bytes
package import Cluster
import HTTPMessages
package import Identifiers
package import Relay
import Signalling
package import StrictJSON

/// A room as operators are told of it, wherever its relay runs.
package enum RoomDocument {
    /// `hiddenMembers` are those of a room that are left out.
    package static func room(
        _ clientID: ClientID, _ room: RoomName, _ members: [JSONValue], hiddenMembers: Int = 0
    ) -> JSONValue {
        var document: JSONObject = [
            "client_id": .string(clientID.text), "room": .string(room.text),
            "members": .array(members),
        ]
        if hiddenMembers > 0 {
            document["hiddenMembers"] = .number(.init(Int64(hiddenMembers)))
        }
        return .object(document)
    }

    /// `seconds` is for how long it has been known to be there, nil where nobody knows; `node` is
    /// where a member of a cluster is, nil where there is none.
    package static func member(
        _ connectionID: String, peerID: String, name: String?, dialect: String,
        seconds: Int? = nil, node: ByteText? = nil
    ) -> JSONValue {
        var document: JSONObject = [
            "connectionId": .string(connectionID), "peerId": .string(peerID),
            "name": name.map { .string($0) } ?? .null, "dialect": .string(dialect),
        ]
        if let seconds { document["seconds"] = .number(.init(Int64(seconds))) }
        if let node { document["node"] = .string(node) }
        return .object(document)
    }
}

extension RoomSummary {
    func document(_ names: [Incarnation: ByteText]) -> JSONValue {
        RoomDocument.room(
            clientID, room,
            members.map { member in
                RoomDocument.member(
                    member.connectionID, peerID: member.peerID, name: member.name,
                    dialect: member.dialect.rawValue, seconds: member.seconds,
                    node: member.home.map { names[$0] ?? ByteText($0.text) })
            }, hiddenMembers: hiddenMembers)
    }
}

/// Of which nodes `GET /rooms` wants to see the rooms.
enum RoomsAsked: Equatable {
    case everywhere, here

    /// Nil where it asks for something else.
    init?(_ request: HTTPRequest) {
        switch request.query {
        case nil, "": self = .everywhere
        case "node=here": self = .here
        default: return nil
        }
    }
}

extension OperatedRelay {
    /// What a list of all nodes may have.
    package static let listBytesMax = 32 << 20

    var document: JSONValue {
        let names = cluster?.state().figures.names ?? [:]
        return ["rooms": .array(rooms().map { $0.document(names) })]
    }

    /// Of all nodes, where there are others.
    var roomsEverywhere: HTTPResponse {
        guard let cluster else { return .json(200, document.serialized()) }
        return switch cluster.rooms() {
        case .listed(let json): .json(200, json)
        case .tooMany: OperatorService.busy
        case .nothingCame: OperatorService.noAnswer
        }
    }
}

extension RoomListing {
    /// With as many rooms as `listBytesMax` allows.
    package func serialized(
        _ names: [Incarnation: ByteText], bytesMax: Int = OperatedRelay.listBytesMax
    ) -> [UInt8] {
        var out = Array(#"{"rooms":["#.utf8)
        var isCut = isCut
        for room in rooms {
            let begin = out.count
            if begin > 10 { out.append(UInt8(ascii: ",")) }
            room.document(names).write(to: &out)
            guard out.count > bytesMax else { continue }
            out.removeSubrange(begin...)
            isCut = true
            break
        }
        out += #"],"silent":"#.utf8
        JSONValue.array(silent.map { .string($0) }).write(to: &out)
        out += #","truncated":\#(isCut)}"#.utf8
        return out
    }
}
