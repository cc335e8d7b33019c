package import Cluster
package import Identifiers
internal import Rooms
package import Signalling

/// One room as an operator sees it.
package struct RoomSummary: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package let connection: ConnectionID
        package let peerID: String
        package let name: String?
        package let dialect: Dialect
        /// Since it joined; of one that is elsewhere, since it is known here.
        package let seconds: Int
        /// The later of two members has the greater one.
        package let order: UInt64
        /// At which node of a cluster it is; nil where there is none.
        package let home: Incarnation?

        package var connectionID: String { connection.text }
    }

    package let clientID: ClientID
    package let room: RoomName
    /// In the order of joining.
    package let members: [Member]
    /// Members that are left out of a list, as they are too many.
    package let hiddenMembers: Int

    package init(
        clientID: ClientID, room: RoomName, members: [Member], hiddenMembers: Int = 0
    ) {
        self.clientID = clientID
        self.room = room
        self.members = members
        self.hiddenMembers = hiddenMembers
    }

    /// `home` is this node's; nil where there is no cluster. `second` is on the monotonic clock.
    init(_ key: RoomKey, _ members: [RoomMember], at home: Incarnation?, second: UInt32) {
        let members = members.sorted { $0.order < $1.order }.map { member in
            Member(
                connection: member.connection, peerID: member.peerID.text, name: member.name,
                dialect: member.dialect,
                seconds: Int(max(0, Int32(bitPattern: second &- member.joinedAt))),
                order: member.order,
                home: home.map { member.isElsewhere ? Incarnation(raw: member.home) : $0 })
        }
        self.init(clientID: key.clientID, room: key.room, members: members)
    }

    /// All rooms, ordered by client and name.
    static func all(
        _ rooms: [(key: RoomKey, members: [RoomMember])], at home: Incarnation?, second: UInt32
    ) -> [RoomSummary] {
        rooms.map { RoomSummary($0.key, $0.members, at: home, second: second) }
            .sorted { ($0.clientID, $0.room) < ($1.clientID, $1.room) }
    }
}
