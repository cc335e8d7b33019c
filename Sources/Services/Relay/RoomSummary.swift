package import Identifiers
internal import Rooms
internal import Signalling

/// One room as an operator sees it.
package struct RoomSummary: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        /// 16 hexadecimal digits.
        package let connectionID: String
        package let peerID: String
        package let name: String?
        /// `classic` or `v1`.
        package let dialect: String
        /// Since it joined.
        package let seconds: Int
    }

    package let clientID: ClientID
    package let room: RoomName
    /// In the order of joining.
    package let members: [Member]

    /// All rooms, ordered by client and name; `milliseconds` is on the monotonic clock.
    static func all(
        _ rooms: [(key: RoomKey, members: [RoomMember])], atMilliseconds milliseconds: Int64
    ) -> [RoomSummary] {
        let now = UInt32(truncatingIfNeeded: milliseconds / 1000)
        return rooms.map { room in
            let members = room.members.sorted { $0.order < $1.order }
            return RoomSummary(
                clientID: room.key.clientID, room: room.key.room,
                members: members.map { member in
                    Member(
                        connectionID: member.connection.text, peerID: member.peerID.text,
                        name: member.name, dialect: member.dialect.rawValue,
                        seconds: Int(max(0, Int32(bitPattern: now &- member.joinedAt))))
                })
        }.sorted {
            ($0.clientID, $0.room) < ($1.clientID, $1.room)
        }
    }
}
