internal import Cluster
internal import Signalling
internal import WebSocket

/// What speaks for this node on the bus tells one loop, or all. All that it had sent to sockets
/// before has been posted by then.
package struct ClusterAnswer: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// A classic connection is a member.
        case admitted(RoomPlace, Membership)
        /// A classic connection may not join.
        case refused
        /// Others took a classic connection out of a room.
        case expelled(LeaveReason)
        /// What the connection waited for may have come.
        case goOn
        /// A line is full that it speaks over; and it is no more.
        case full, hasRoom
        /// A resume that waited is to be tried.
        case resume(WaitingResume)
        /// One that was asked for elsewhere has failed.
        case unresumable(WaitingResume)
        /// The session goes to another node, and its client to any: this one is about to end, or
        /// the session was resumed there.
        case letGo(isDraining: Bool)
        /// All sockets are closed with this code, and sessions are over or wait.
        case closeAll(CloseCode, endsSessions: Bool)
    }

    let kind: Kind
    /// Of a loop's own; of no meaning where all are concerned.
    let socket: SocketID

    init(_ kind: Kind, for socket: SocketID = SocketID(raw: 0)) {
        self.kind = kind
        self.socket = socket
    }
}
