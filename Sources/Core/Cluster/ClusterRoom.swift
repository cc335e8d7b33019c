import Rooms
import Signalling

/// What of a room a payload needs, beside the room itself: that one is large, and a look at it
/// counts all that it has.
struct RoomView: Sendable {
    let place: RoomPlace
    /// Of what members of this node know.
    var revision: Revision
    /// There are some, or will be.
    var concernsAnybody: Bool

    init(_ room: ClusterRoom) {
        place = room.place
        revision = room.writer.toldRevision
        concernsAnybody = room.writer.concernsAnybody
    }

    /// Its members know the room in this version or a later one, or there are none.
    func isReady(_ revision: Revision) -> Bool { !concernsAnybody || self.revision >= revision }
}

/// What a node has of one room besides its `RoomWriter`.
struct ClusterRoom: Equatable, Sendable {
    /// A version that is kept back until it is known what is to be told with its joins.
    struct Parked: Equatable, Sendable {
        enum Source: Equatable, Sendable {
            case announcement(from: Incarnation)
            case read(request: UInt64)
        }

        let document: RoomDocument
        let revision: Revision
        let source: Source
        /// Joiners whose homes are asked.
        var missing: [ConnectionID: Incarnation]
        /// Homes of members that may be alive or dead: nobody is told of whom is there before that
        /// is known.
        var strangers: Set<Incarnation>
        /// Until when they are waited for.
        let due: Int64

        var isReady: Bool { missing.isEmpty && strangers.isEmpty }
    }

    /// What one of this node wants the others to be told.
    struct OwnSDP: Equatable, Sendable {
        let bytes: [UInt8]
        /// Whom it has been sent to, which is once.
        var sentTo: Set<Incarnation> = []
    }

    let place: RoomPlace
    /// Of two rooms of one name, one after the other, the later has the greater one.
    let life: UInt64
    var writer: RoomWriter
    /// Which `toldCount` the relay was given; nil where it has no such room.
    var shown: Int?
    /// It has to be given it again, as one member is not where it was.
    var mustShow = false
    /// Before that nothing is asked of the store.
    var notBefore: Int64 = 0
    var isDelayed = false
    /// What was answered last was a read.
    var hasRead = false
    /// A read that is to be asked for later.
    var heldRead: UInt64?
    /// Of joiners of this node, until they are admitted.
    var sdps: [ConnectionID: OwnSDP] = [:]
    /// Of joiners elsewhere, until they are told; nil where there is none any more.
    var heardSDPs: [ConnectionID: [UInt8]?] = [:]
    var parked: [Parked] = []
    /// Since when its document is of a newer format than this node reads.
    var unreadableSince: Int64?
    /// Leaves that wait until what was said before is answered.
    var heldLeaves: [ConnectionID: Held] = [:]
    /// Before that it does not rest.
    var restsAt: Int64 = 0

    struct Held: Equatable, Sendable {
        let reason: LeaveReason
        /// It comes back at once.
        var next: Next?
    }

    struct Next: Equatable, Sendable {
        let member: RoomMember
        let sdp: [UInt8]?
    }

    init(_ place: RoomPlace, life: UInt64, _ writer: RoomWriter) {
        self.place = place
        self.life = life
        self.writer = writer
    }

    var isIdle: Bool { writer.isIdle && parked.isEmpty && heldLeaves.isEmpty }

    /// Without times that are over; nil where one is not, or where anything else is to be kept.
    func forRest(at now: Int64) -> ClusterRoom? {
        guard notBefore <= now, shown == writer.toldCount, !mustShow, !isDelayed, !hasRead,
            heldRead == nil, unreadableSince == nil, sdps.isEmpty, heardSDPs.isEmpty,
            parked.isEmpty, heldLeaves.isEmpty, writer.isSettled
        else { return nil }
        var room = self
        (room.restsAt, room.notBefore) = (0, 0)
        return room
    }

    /// What is to be told with a join, wherever it was.
    func sdp(of connection: ConnectionID) -> [UInt8]? {
        sdps[connection]?.bytes ?? heardSDPs[connection] ?? nil
    }
}
