package import Identifiers
package import Rooms
package import Signalling

/// A room by name, and under what its document lies.
package struct RoomPlace: Hashable, Sendable {
    package let digest: RoomDigest
    package let clientID: ClientID
    package let name: RoomName

    package init(digest: RoomDigest, clientID: ClientID, name: RoomName) {
        self.digest = digest
        self.clientID = clientID
        self.name = name
    }
}

/// What a member of this node says to others that are elsewhere.
package struct OutgoingPayload: Equatable, Sendable {
    package enum Target: Equatable, Sendable {
        case member(ConnectionID, at: Incarnation)
        /// All members of the room that are at other nodes.
        case room
    }

    package let room: RoomPlace
    package let sender: ConnectionID
    package let target: Target
    /// The event as every receiver gets it, but for what its dialect puts behind.
    package let event: [UInt8]
    /// By which the sender's node knows the answer again; nil where nobody waits for one.
    package let ticket: UInt64?

    package init(
        room: RoomPlace, sender: ConnectionID, target: Target, event: [UInt8], ticket: UInt64?
    ) {
        self.room = room
        self.sender = sender
        self.target = target
        self.event = event
        self.ticket = ticket
    }
}

/// What members of this node are sent by one that is elsewhere.
package struct IncomingPayload: Equatable, Sendable {
    package let room: RoomPlace
    package let sender: ConnectionID
    /// Who is to get it, of those who are there.
    package let targets: [ConnectionID]
    package let event: [UInt8]
    /// For `Input.delivered`.
    package let receipt: PayloadInbox.Receipt
}

/// Whether a node may act, as the bus has it.
package enum NodeStanding: Equatable, Sendable {
    /// Not yet part of the cluster, with why for the log and `/readyz`: a stable code.
    case joining(StaticStringCode)
    case member
    /// No write was accepted for some time: nobody may join.
    case cutOff
    /// For so long that all sockets are to be closed with 1013.
    case lost
    /// It was declared dead: all sessions end, sockets are closed with 1012, and `reborn` follows.
    case condemned
    /// `farewell` stands in the store: the process may end.
    case left
    /// It may not take part, and why: the process is to end with that.
    case refused(ClusterRefusal)
}

/// A code that is stable across releases.
package struct StaticStringCode: Equatable, Sendable {
    package let text: String
    package init(_ text: StaticString) { self.text = "\(text)" }
}

/// Why a node may not be part of a cluster. Texts are of other nodes, for the log.
package enum ClusterRefusal: Equatable, Sendable {
    /// A node of this name lives.
    case nameTaken
    /// What it says of itself differs from what another node says: which setting.
    case differs(String, from: String)
    /// Documents are in a format that this version can't read.
    case formatTooNew
}

extension ClusterNode {
    package enum Input: Sendable {
        case bus(BusEvent)
        /// So many milliseconds on the bus' clock; at least ten times a second, and before all else
        /// that is handed in after a while.
        case tick(Int64)
        /// All that had come is handed in: what is to be sent together goes now.
        case turnEnded
        /// A connection of this node wants into a room; its token grants it. `sdp` is what the
        /// others are to be told with it, as JSON.
        case join(RoomMember, RoomPlace, sdp: [UInt8]?)
        case leave(ConnectionID, RoomPlace, LeaveReason)
        /// Whether what came with `Effect.deliver` stands in the queue of one of its targets.
        case delivered(PayloadInbox.Receipt, isTaken: Bool)
        /// An operator wants this connection, of whatever node, closed.
        case kick(ConnectionID, ticket: UInt64)
        /// Whether a connection of this node was found and closed, after `Effect.kick`.
        case kicked(ConnectionID, wasHere: Bool)
        /// After `condemned`: goes on as another.
        case reborn(Incarnation)
        /// The process ends in order, and nobody is here any more.
        case farewell
    }

    /// What became of `send`.
    package enum Sending: Equatable, Sendable {
        case taken([Effect])
        /// The line to this node is full: nothing was sent, and `Effect.hasRoom` will say when it
        /// may be tried again.
        case full(Incarnation)
    }

    package enum Effect: Equatable, Sendable {
        // To the bus, as in `BusOutput`.
        case read(StoreKey, request: UInt64)
        case write(StoreKey, [UInt8], from: Revision, request: UInt64)
        case purge(StoreKey, upTo: Revision)
        case listen(Incarnation)
        case frame([UInt8], to: Incarnation)
        case heartbeat([UInt8])

        // To the relay, in this order for each version of a room.
        /// What this node's members know of their room from now on, and who of it is elsewhere;
        /// comes before all `tell` of that version. Empty where none of them is left.
        case room(RoomPlace, Room, elsewhere: [ConnectionID: Incarnation])
        /// A member of this node is told; `sdp` is the joiner's.
        case tell(ConnectionID, RoomPlace, RoomNews, sdp: [UInt8]?)
        /// All nodes that the join concerns know of it: it is to be acknowledged.
        case admitted(ConnectionID, RoomPlace)
        case refused(ConnectionID, RoomPlace, SignalError)
        /// A leave that was asked for stands in the store.
        case left(ConnectionID, RoomPlace)
        /// A member of this node was taken out by somebody else: its session ends.
        case ended(ConnectionID, RoomPlace, LeaveReason)
        case deliver(IncomingPayload)
        /// What became of a payload that had a ticket: it is kept by all targets, or it is for
        /// nobody who is there.
        case answered(ticket: UInt64, isKept: Bool)
        case kick(ConnectionID)
        case kickAnswered(ticket: UInt64, wasThere: Bool)
        /// What was refused by `send` for want of room in the line may be sent again.
        case hasRoom(Incarnation)
        case standing(NodeStanding)
    }
}
