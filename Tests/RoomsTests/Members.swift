import Identifiers
import Rooms
import Signalling

/// A classic member; `order` tells as how many-eth it joined.
func classic(_ id: UInt64, peer: String = "p", order: UInt64 = 0) -> RoomMember {
    RoomMember(
        connection: ConnectionID(raw: id), route: .classic(address: id &* 7), peerID: PeerID(peer),
        order: order)
}

/// A v1 member, whose token names this subject.
func v1(
    _ id: UInt64, peer: String = "p", subject: String? = nil, name: String? = nil,
    order: UInt64 = 0
) -> RoomMember {
    RoomMember(
        connection: ConnectionID(raw: id), route: .v1(subject: subject.map { Subject($0) }),
        peerID: PeerID(peer),
        name: name, order: order)
}

/// What became of a join, without the joiner's own entry.
enum Outcome: Equatable {
    case joined(others: [RoomMember], replaced: UInt64? = nil)
    case alreadyMember
    case refused(SignalError)

    init(_ join: () throws(SignalError) -> Room.Joined?) {
        do throws(SignalError) {
            let joined = try join()
            self =
                joined.map {
                    .joined(others: $0.others, replaced: $0.replaced?.connection.raw)
                } ?? .alreadyMember
        } catch {
            self = .refused(error)
        }
    }
}

extension Room {
    mutating func outcome(of member: RoomMember, membersMax: Int = 0) -> Outcome {
        Outcome { () throws(SignalError) in try join(member, membersMax: membersMax) }
    }

    /// The connections of its members, which are in order.
    var connections: [UInt64] { members.map(\.connection.raw) }
}
