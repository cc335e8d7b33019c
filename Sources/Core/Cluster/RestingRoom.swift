import Rooms
import Sessions
import Signalling

/// A room in which nothing happens, in a tenth of the memory: what its writer has then follows from
/// the version that it knows, but for some counts.
struct RestingRoom: Sendable {
    /// What most rooms have alike.
    final class Common: Sendable {
        let node: Incarnation
        let epoch: BucketEpoch
        let membersMax: Int

        init(_ writer: RoomWriter) {
            node = writer.node
            epoch = writer.epoch
            membersMax = writer.membersMax
        }

        func isOf(_ writer: RoomWriter) -> Bool {
            node == writer.node && epoch == writer.epoch && membersMax == writer.membersMax
        }
    }

    let common: Common
    private let bytes: [UInt8]

    /// Nil for a room that has anything that would be lost; `ClusterRoom.forRest` finds most of
    /// those at less cost. `common` may be another's; `dead` are whom rooms know to be dead.
    init?(_ room: ClusterRoom, _ common: Common?, dead: Set<Incarnation>) {
        let writer = room.writer
        guard let known = writer.known else { return nil }
        var out = ByteWriter(capacity: 256)
        out.put(room.life)
        out.put(UInt64(truncatingIfNeeded: writer.toldCount))
        out.put(writer.request)
        out.put(writer.lastPending)
        known.document.writeContents(to: &out)
        bytes = out.bytes
        if let common, common.isOf(writer) {
            self.common = common
        } else {
            self.common = Common(writer)
        }
        guard read(RoomView(room), dead) == room else { return nil }
    }

    /// As it was, but for whom it knows to be dead; `view` is of it.
    func woken(_ view: RoomView, dead: Set<Incarnation>) -> ClusterRoom {
        guard let room = read(view, dead) else {
            preconditionFailure("it was read when it was written")
        }
        return room
    }

    /// Never false where it has a member at that node, or had one of late. It is a look at some
    /// hundred bytes.
    func mayName(_ home: Incarnation) -> Bool {
        var last: UInt64 = 0
        for byte in bytes {
            last = last << 8 | UInt64(byte)
            if last == home.raw { return true }
        }
        return false
    }

    private func read(_ view: RoomView, _ dead: Set<Incarnation>) -> ClusterRoom? {
        var input = ByteReader(bytes[...])
        return try? read(view, dead, &input)
    }

    private func read(
        _ view: RoomView, _ dead: Set<Incarnation>, _ input: inout ByteReader
    ) throws(ByteReader.Fault) -> ClusterRoom? {
        let place = view.place
        let life: UInt64 = try input.number()
        let toldCount: UInt64 = try input.number()
        var writer = RoomWriter(
            of: place.clientID, place.name, at: common.node, in: common.epoch,
            membersMax: common.membersMax, dead: dead)
        writer.request = try input.number()
        writer.lastPending = try input.number()
        let document = try RoomDocument.readContents(
            &input, epoch: common.epoch, clientID: place.clientID, name: place.name)
        guard let document, input.isAtEnd else { return nil }
        writer.settle(document, view.revision, toldCount: Int(truncatingIfNeeded: toldCount))
        var room = ClusterRoom(place, life: life, writer)
        room.shown = writer.toldCount
        return room
    }
}

extension RoomWriter {
    /// Members of this node are there, nothing is on its way, and nothing is to be done.
    var isSettled: Bool {
        guard case .none = flight, restoring == .no, !own.isEmpty, joins.isEmpty, leaves.isEmpty,
            admissions.isEmpty, lent.isEmpty, adoptions.isEmpty, deadHomes.isEmpty, past.isEmpty
        else { return false }
        return !mustRead && !mustWrite && !isUncertain && !isBehind
            && newest == known?.revision && newest == toldRevision
    }

    /// All that it has follows from this version.
    fileprivate mutating func settle(
        _ document: RoomDocument, _ revision: Revision, toldCount: Int
    ) {
        known = Known(document: document, revision: revision)
        newest = revision
        told = document.room
        toldRevision = revision
        self.toldCount = toldCount
        for (connection, seat) in document.seats {
            if seat.home == node {
                own[connection] = seat
            } else {
                elsewhere[connection] = seat.home
            }
        }
    }
}
