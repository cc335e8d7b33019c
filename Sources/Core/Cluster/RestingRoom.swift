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
        let dead: Set<Incarnation>

        init(_ writer: RoomWriter) {
            node = writer.node
            epoch = writer.epoch
            membersMax = writer.membersMax
            dead = writer.dead
        }

        func isOf(_ writer: RoomWriter) -> Bool {
            node == writer.node && epoch == writer.epoch && membersMax == writer.membersMax
                && dead == writer.dead
        }
    }

    let common: Common
    private let bytes: [UInt8]

    /// Nil for a room that has anything that would be lost. `common` may be another's.
    init?(_ room: ClusterRoom, _ common: Common?) {
        let writer = room.writer
        guard writer.isSettled, let known = writer.known else { return nil }
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
        guard read(RoomView(room)) == room else { return nil }
    }

    /// As it was; `view` is of it.
    func woken(_ view: RoomView) -> ClusterRoom {
        guard let room = read(view) else {
            preconditionFailure("it was read when it was written")
        }
        return room
    }

    private func read(_ view: RoomView) -> ClusterRoom? {
        var input = ByteReader(bytes[...])
        return try? read(view, &input)
    }

    private func read(
        _ view: RoomView, _ input: inout ByteReader
    ) throws(ByteReader.Fault) -> ClusterRoom? {
        let place = view.place
        let life: UInt64 = try input.number()
        let toldCount: UInt64 = try input.number()
        var writer = RoomWriter(
            of: place.clientID, place.name, at: common.node, in: common.epoch,
            membersMax: common.membersMax, dead: common.dead)
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
    /// Members of this node are there, and nothing is on its way.
    fileprivate var isSettled: Bool {
        guard case .none = flight else { return false }
        return !own.isEmpty && joins.isEmpty && leaves.isEmpty && admissions.isEmpty
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
