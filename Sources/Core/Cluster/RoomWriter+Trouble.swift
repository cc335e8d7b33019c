import Rooms
import Signalling

/// What is done where a document can't be read, or nobody is there any more who wrote one.
extension RoomWriter {
    /// Counts what lies there as what this node's members know of their room, or as an empty one,
    /// and sees to it that there is a document again.
    mutating func writeOver(_ revision: Revision, _ effects: inout [Effect]) {
        var document = RoomDocument(
            epoch: epoch, clientID: clientID, name: name, after: told.lastOrder)
        if hasToWriteBack {
            if let known { document = known.document } else { writeBack(into: &document) }
        }
        read(document, revision, &effects)
        mustWrite = mustWrite || hasToWriteBack && newest == revision
    }

    /// Nobody is to wait for a document that stays as it is. Whoever is in it of this node can't be
    /// taken out; whoever can read it will do that when this node is gone.
    mutating func letGo(_ effects: inout [Effect]) {
        for join in joins { refuse(join.number, .temporarilyUnavailable, &effects) }
        giveUp(Dictionary(adoptions.map { ($0.connection, .lost) }) { one, _ in one }, &effects)
        for connection in leaves.keys.sorted() {
            leaves[connection] = nil
            own[connection] = nil
            effects.append(.left(connection))
        }
        if restoring == .writingBack {
            // Or all nodes would wait for it before the bucket is opened.
            for connection in own.keys.sorted() { effects.append(.ended(connection, .lost)) }
            (own, lent, admissions) = ([:], [:], [:])
        }
        if own.isEmpty { (mustRead, mustWrite, isUncertain) = (false, false, false) }
    }

    /// The order in the room behind which members are that somebody here will be told of as they
    /// join; nil where there is nobody to be told.
    func listens(from document: RoomDocument) -> UInt64? {
        guard own.isEmpty else { return 0 }
        let joiners = joins.compactMap { join -> UInt64? in
            guard document.home(of: join.member.connection) == node else { return nil }
            return document.room.member(join.member.connection)?.order
        }
        return joiners.min()
    }
}
