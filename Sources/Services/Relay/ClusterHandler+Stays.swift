internal import Cluster
internal import Rooms
internal import Signalling
internal import WebSocket

// What is kept of members of this node, as long as they are: little, since a node has many.
extension ClusterHandler where Sockets: ~Copyable {
    /// One connection in one room.
    struct Stay: Hashable {
        let connection: ConnectionID
        let place: RoomPlace

        init(_ connection: ConnectionID, _ place: RoomPlace) {
            self.connection = connection
            self.place = place
        }
    }

    /// What of a member no other node knows.
    struct Own {
        /// Of a classic one.
        let socket: SocketID?
        let joinedAt: UInt32

        init(_ member: RoomMember) {
            socket =
                if case .classic(let address) = member.route { SocketID(raw: address) } else { nil }
            joinedAt = member.joinedAt
        }

        /// `shared` is as all nodes know it.
        func route(_ shared: RoomMember.Route) -> RoomMember.Route {
            socket.map { .classic(address: $0.raw) } ?? shared
        }
    }
}

/// As the loops look rooms up. Not within the handler, which is generic: whatever is, costs more to
/// be found.
struct Seat {
    let key: RoomKey
    /// Nil once a member of this node may have left: its place may be another room's by then.
    var membership: Membership?
}
