import Rooms
import Signalling

/// What a node has of one room besides its `RoomWriter`.
struct ClusterRoom: Sendable {
    /// A version that is kept back until it is known what is to be told with its joins.
    struct Parked: Sendable {
        enum Source: Sendable {
            case announcement(from: Incarnation)
            case read(request: UInt64)
        }

        let document: RoomDocument
        let revision: Revision
        let source: Source
        /// Joiners whose homes are asked.
        var missing: [ConnectionID: Incarnation]
        /// Until when they are waited for.
        let due: Int64
    }

    let place: RoomPlace
    /// Of two rooms of one name, one after the other, the later has the greater one.
    let life: UInt64
    var writer: RoomWriter
    /// Which `toldCount` the relay was given; nil where it has no such room.
    var shown: Int?
    /// Before that nothing is asked of the store.
    var notBefore: Int64 = 0
    var isDelayed = false
    /// What was answered last was a read.
    var hasRead = false
    /// A read that is to be asked for later.
    var heldRead: UInt64?
    /// Of joiners of this node, until they are admitted.
    var sdps: [ConnectionID: [UInt8]] = [:]
    /// Of joiners elsewhere, until they are told; nil where there is none any more.
    var heardSDPs: [ConnectionID: [UInt8]?] = [:]
    var parked: [Parked] = []
    /// Leaves that wait until what was said before is answered.
    var heldLeaves: [ConnectionID: Held] = [:]

    struct Held: Sendable {
        let reason: LeaveReason
        /// It comes back at once.
        var next: (member: RoomMember, sdp: [UInt8]?)?
    }

    init(_ place: RoomPlace, life: UInt64, _ writer: RoomWriter) {
        self.place = place
        self.life = life
        self.writer = writer
    }

    var isIdle: Bool { writer.isIdle && parked.isEmpty && heldLeaves.isEmpty }

    /// What is to be told with a join, wherever it was.
    func sdp(of connection: ConnectionID) -> [UInt8]? {
        sdps[connection] ?? heardSDPs[connection] ?? nil
    }
}
