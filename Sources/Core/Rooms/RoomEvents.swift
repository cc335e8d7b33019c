package import Signalling

// What the events of v1 say of members.
extension EventComposer {
    /// `room_state`: who is in the room beside `own`, in the order of joining.
    ///
    /// Of each pair the one that joined later is the polite side of perfect negotiation. The outer
    /// `polite` says whether `own` is that towards all of them.
    package mutating func roomState(room: String, _ own: RoomMember, _ others: [RoomMember]) {
        let present = others.sorted { $0.order < $1.order }.map { other in
            PresentMember(
                connection: other.connection, peerID: other.peerID, name: other.name,
                isReceiverPolite: other.order < own.order)
        }
        roomState(room: room, present)
    }

    /// `someone_left`, for those who are still in the room.
    package mutating func someoneLeft(room: String, _ member: RoomMember, _ reason: LeaveReason) {
        someoneLeft(room: room, member.connection, member.peerID, reason)
    }
}
