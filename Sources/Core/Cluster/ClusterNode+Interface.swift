package import Bytes
package import Identifiers
package import Rooms
package import Sessions
package import Signalling

/// A room by name, and under what its document lies.
///
/// All that passes between the loops and the bus names one, so that a copy counts one reference.
package struct RoomPlace: Hashable, Sendable {
    private final class Content: Sendable {
        let digest: RoomDigest
        let clientID: ClientID
        let name: RoomName
        let share: UInt64

        init(_ digest: RoomDigest, _ clientID: ClientID, _ name: RoomName) {
            self.digest = digest
            self.clientID = clientID
            self.name = name
            share = RoomPlace.share(of: clientID)
        }
    }

    private let content: Content

    package init(digest: RoomDigest, clientID: ClientID, name: RoomName) {
        content = Content(digest, clientID, name)
    }

    package var digest: RoomDigest { content.digest }
    package var clientID: ClientID { content.clientID }
    package var name: RoomName { content.name }
    /// By which what the client's connections take is counted; in this process alone.
    package var share: UInt64 { content.share }

    package static func share(of clientID: ClientID) -> UInt64 {
        UInt64(truncatingIfNeeded: clientID.hashValue)
    }

    package static func == (one: Self, other: Self) -> Bool {
        one.content === other.content || one.digest == other.digest
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

/// What a member of this node says to others that are elsewhere.
package struct OutgoingPayload: Equatable, Sendable {
    package enum Target: Equatable, Sendable {
        case member(ConnectionID, at: Incarnation)
        /// Those of a room that its sender's loop did not tell itself, wherever they are by now:
        /// so nobody who goes from node to node meanwhile gets it twice, or never.
        case members([ConnectionID])
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

    func sent(to target: Target) -> Self {
        Self(room: room, sender: sender, target: target, event: event, ticket: ticket)
    }
}

/// What members of this node are sent by one that is elsewhere.
package struct IncomingPayload: Equatable, Sendable {
    package let room: RoomPlace
    let mail: PayloadMail
    /// For `Input.delivered`.
    package let receipt: PayloadInbox.Receipt

    /// Who is to get it, of those who are there.
    package var targets: PayloadTargets { receipt.targets }
    package var sender: ConnectionID { mail.sender }
    package var event: ArraySlice<UInt8> { mail.event }
    /// Where the event is.
    package var bytes: [UInt8] { mail.bytes }
    package var part: Range<Int> { mail.part }
}

/// Whether a node may act, as the bus has it.
package enum NodeStanding: Equatable, Sendable {
    /// Not yet part of the cluster, with why for the log and `/readyz`: a stable code.
    case joining(StableCode)
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
package struct StableCode: Equatable, Sendable {
    package let text: String
    package init(_ text: StaticString) { self.text = "\(text)" }
}

/// Why a node may not be part of a cluster. Texts are of other nodes, for the log.
package enum ClusterRefusal: Equatable, Sendable {
    /// A node of this name lives.
    case nameTaken
    /// What it says of itself differs from what another node says: which setting.
    case differs(String, from: String)
    /// What nodes write is in a format that this version can't read: which ones read it, as far as
    /// they were heard.
    case formatTooNew(at: [NewerNode])

    package struct NewerNode: Equatable, Sendable {
        package let name: ByteText
        /// Empty where it was not heard.
        package let version: ByteText

        package init(name: ByteText, version: ByteText) {
            self.name = name
            self.version = version
        }
    }
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
        indirect case join(RoomMember, RoomPlace, sdp: [UInt8]?)
        case leave(ConnectionID, RoomPlace, LeaveReason)
        /// Whether what came with `Effect.deliver` stands in the queue of one of its targets.
        case delivered(PayloadInbox.Receipt, isTaken: Bool)
        /// An operator wants this connection, of whatever node, closed.
        case kick(ConnectionID, ticket: UInt64)
        /// Whether a connection of this node was found and closed, after `Effect.kick`.
        case kicked(ConnectionID, wasHere: Bool)
        /// An operator wants to see which rooms other nodes have. Answered by a `listedPage` for
        /// each page, and by `listDone`.
        case list(ticket: UInt64, ListingExtent)
        /// What `Effect.listHere` asked for.
        case listed(number: UInt64, ListingPage, for: Incarnation)
        /// A client claims a session that is not here, by a secret that names this home. Answered
        /// by `resumable`, once for all that claim this session meanwhile, or by `unresumable`.
        case resume(ConnectionID, SessionClaim, home: Incarnation)
        /// Its client is gone: no answer to that is awaited any more, though one may come.
        case abandon(ConnectionID, SessionClaim)
        /// What `Effect.settle` asked for holds; these are the rooms that it is in.
        case settled(ConnectionID, rooms: [RoomPlace])
        /// There is no such session, or the claim does not match it as it is.
        case unsettled(ConnectionID)
        /// After `Effect.freeze`, before all that comes from elsewhere.
        indirect case frozen(ConnectionID, SessionRecord, graceSeconds: UInt32)
        /// A session ended here that was to be settled or frozen, was offered, or has arrived; one
        /// that is frozen can't. Where it could not be had after `Effect.arrive`, this takes it out
        /// of its rooms, and else they are left as by any member.
        case sessionEnded(ConnectionID, LeaveReason)
        /// This node is about to end, and takes no session any more; these of its sessions, each
        /// with the first of its rooms, want new homes. Each is answered by `settle` and what
        /// follows from it, or by `undrainable`; one that is on its way is passed over. None at
        /// all says only that the node is about to end.
        case drain([Draining])
        /// No other node lives, and this one is about to end: these sessions are to wait for the
        /// next of its name. Answered by `shelved`; from then on no other node is heard. To be
        /// followed by `farewell`, once what `shelved` has lies where that one finds it.
        case shelve([Shelving])
        /// What a process before this one has left, in which this node had that incarnation. Each
        /// is answered by `cameBack`, after `arrive` where it is here.
        case putBack([HandOverState], from: Incarnation)
        /// After `condemned`: goes on as another.
        case reborn(Incarnation)
        /// The process ends in order, and nobody is here any more.
        case farewell
    }

    /// A session that wants a new home.
    package struct Draining: Equatable, Sendable {
        package let connection: ConnectionID
        /// By which those who share one go to the same node; nil for one in no room.
        package let room: RoomDigest?

        package init(_ connection: ConnectionID, room: RoomDigest?) {
            self.connection = connection
            self.room = room
        }
    }

    /// A session that is to wait for the next process: nothing is put into it any more.
    package struct Shelving: Sendable {
        package let record: SessionRecord
        /// In the order of the record's.
        package let rooms: [RoomPlace]

        package init(_ record: SessionRecord, rooms: [RoomPlace]) {
            self.record = record
            self.rooms = rooms
        }
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
        case next(after: Revision, request: UInt64)
        case write(StoreKey, [UInt8], from: Revision, request: UInt64)
        case purge(StoreKey, upTo: Revision)
        case listen(Incarnation)
        case frame([UInt8], to: Incarnation)
        case heartbeat([UInt8])

        // To the relay, in this order for each version of a room.
        /// What this node's members know of their room from now on, and who of it is elsewhere;
        /// comes before all `tell` of that version. Empty where none of them is left. A member that
        /// is said to be at this node itself came from another one: what is said to it has to go
        /// by `send` until it is said to be elsewhere no more.
        indirect case room(RoomPlace, Room, elsewhere: [ConnectionID: Incarnation])
        /// A member of this node is told; `sdp` is the joiner's.
        indirect case tell(ConnectionID, RoomPlace, RoomNews, sdp: [UInt8]?)
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
        case kickAnswered(ticket: UInt64, KickOutcome)
        /// Another node wants to know which rooms are here, behind this cursor: as many as fit
        /// into so many bytes. To be answered by `listed`.
        case listHere(number: UInt64, after: [UInt8], bytesMax: Int, for: Incarnation)
        /// What another node has, as it says.
        case listedPage(ticket: UInt64, of: Incarnation, [UInt8])
        /// No more comes. These nodes have not said all that they have, by name; and of others
        /// there may be more than was asked for.
        case listDone(ticket: UInt64, silent: [ByteText], isCut: Bool)
        /// What was refused by `send` for want of room in the line may be sent again.
        case hasRoom(Incarnation)
        case standing(NodeStanding)

        // Of sessions that go from node to node, to the relay.
        /// Another node wants this session, by this claim where its client is there.
        /// Answered by `unsettled` at once, or by `settled` when its socket is closed or lifted,
        /// nothing is taken from its client any more, it waits for no join and no leave, and all
        /// that it has sent is answered; or by `sessionEnded`.
        case settle(ConnectionID, SessionClaim?)
        /// Nothing is put into it from now on: answered in the same turn, before all that comes
        /// from elsewhere, by `frozen` or `sessionEnded`. Whoever sends to it goes over the bus:
        /// its rooms, which came before, have it elsewhere.
        case freeze(ConnectionID)
        /// It stays after all, and its client may resume here.
        case release(ConnectionID)
        /// A frozen session, or one that arrived, is over. It leaves its rooms by the node: the
        /// relay forgets it, and passes over what it hears of it later.
        case end(ConnectionID, LeaveReason)
        /// It is at home elsewhere: the relay forgets it, and it leaves no room.
        case forget(ConnectionID)
        /// A session comes, away, and as it was, with its rooms in the order of the record's. It is
        /// a member here by now: of each room `room` came before, and what it is told follows, then
        /// `resumable`. Where it can't be had, `sessionEnded` has to follow in the same turn.
        indirect case arrive(ConnectionID, SessionRecord, rooms: [RoomPlace], graceSeconds: UInt32)
        /// A session is here that was asked for, by `resume` or by its old home. Answers all that
        /// wait.
        case resumable(ConnectionID)
        /// This claim has come to nothing, which says nothing of others.
        case unresumable(ConnectionID, SessionClaim)
        /// No other node will have it, as far as can be known: it is as before.
        case undrainable(ConnectionID)
        /// These wait for the next process; the others of `Input.shelve` leave their rooms.
        case shelved([HandOverState])
        /// What became of one of `Input.putBack`: where it is not here, its place was taken from it
        /// meanwhile.
        case cameBack(ConnectionID, isHere: Bool)
    }
}
