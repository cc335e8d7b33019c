import Identifiers
import Rooms
package import Signalling

/// Members whose sessions go to another node, or come from one.
extension RoomWriter {
    /// A session that goes, or has gone, to another node: it stands here in the store until that
    /// one has written it down as its own.
    struct Loan: Equatable, Sendable {
        let seat: RoomDocument.Seat
        /// Nil for one that waits for the next process of this node's name.
        let home: Incarnation?
        /// It is that node's, or nobody's: where it still stands here, that is to be written.
        var isOver = false
        var isThere = false
    }

    /// A session that comes, with what it was told of the room at its old home.
    package struct Adoption: Equatable, Sendable {
        package let connection: ConnectionID
        package let home: Incarnation
        let member: RoomMember
        let seat: RoomDocument.Seat
        let told: Room
        /// Versions of this bucket before that one say nothing of where it is.
        let epoch: BucketEpoch
        let revision: Revision
        /// It is over before it is here.
        var ending: LeaveReason?

        /// Nil where it was no member of the room.
        package init?(
            of connection: ConnectionID, from home: Incarnation, since revision: Revision,
            told document: RoomDocument
        ) {
            guard let member = document.room.member(connection),
                let seat = document.seats[connection]
            else { return nil }
            self.connection = connection
            self.home = home
            self.member = member
            self.seat = seat
            told = document.room
            epoch = document.epoch
            self.revision = revision
        }
    }

    // MARK: Going

    /// It is a member of this node, and not about to leave.
    func mayLend(_ connection: ConnectionID) -> Bool {
        own[connection] != nil && leaves[connection] == nil && told.member(connection) != nil
    }

    /// From now on it is nobody here: it is told nothing, and others find it at its new home; nil
    /// for one that stands here until the next process of this node's name has it.
    ///
    /// - Returns: The room as it was told; nil where it is no member, or about to leave.
    package mutating func lend(
        _ connection: ConnectionID, to home: Incarnation?
    ) -> RoomDocument? {
        guard let seat = own[connection], leaves[connection] == nil,
            let document = toldDocument(to: connection, seat)
        else { return nil }
        own[connection] = nil
        admissions[connection] = nil
        lent[connection] = Loan(seat: seat, home: home)
        elsewhere[connection] = home
        toldCount += 1
        return document
    }

    /// How many bytes it takes to tell `lend`'s room.
    func toldSize(to connection: ConnectionID, in format: UInt8) -> Int {
        own[connection].flatMap { toldDocument(to: connection, $0) }?.encoded(in: format).count
            ?? 0
    }

    private func toldDocument(
        to connection: ConnectionID, _ seat: RoomDocument.Seat
    ) -> RoomDocument? {
        guard told.member(connection) != nil else { return nil }
        let members = told.members.map { member in
            let home = elsewhere[member.connection] ?? node
            let isFirst = member.connection == connection && seat.isFirst
            return (member.shared, RoomDocument.Seat(home: home, isFirst: isFirst))
        }
        return RoomDocument(
            epoch: epoch, clientID: clientID, name: name, lastOrder: told.lastOrder, members, [])
    }

    /// It is at home elsewhere, or nowhere.
    mutating func giveUp(_ connection: ConnectionID, isThere: Bool) {
        guard lent[connection] != nil else { return }
        lent[connection]?.isOver = true
        lent[connection]?.isThere = isThere
        // What is being written may have it here still.
        if !isWriting { forgetLoans() }
        lookForWork()
    }

    private var isWriting: Bool { if case .writing = flight { true } else { mustWrite } }

    /// Those that stand here no more.
    mutating func forgetLoans() {
        guard !lent.isEmpty else { return }
        lent = lent.filter { connection, loan in
            !loan.isOver || known?.document.home(of: connection) == node
        }
    }

    /// It stands here, and has to.
    func isLent(_ connection: ConnectionID) -> Bool { lent[connection]?.isOver == false }

    /// It stands here, and nobody here is it: it has ended; or it has gone, which may be forgotten
    /// in a new bucket, and then it is the other node's to take it out or not.
    func clear(_ connection: ConnectionID, in document: inout RoomDocument) {
        if let loan = lent[connection], loan.isThere, let home = loan.home, !dead.contains(home),
            let order = document.room.member(connection)?.order
        {
            _ = document.move(connection, order: order, from: node, to: home)
        } else {
            document.leave(connection, .lost)
        }
    }

    // MARK: Coming

    mutating func adopt(_ adoption: Adoption) {
        adoptions.removeAll { $0.connection == adoption.connection }
        adoptions.append(adoption)
        // Nearly always there is a document, which is yet to be known.
        mustRead = mustRead || known == nil
    }

    func isComing(_ connection: ConnectionID) -> Bool {
        adoptions.contains { $0.connection == connection }
    }

    /// Those that come are at home here from now on, and those that can't come, why.
    func moveIn(_ document: inout RoomDocument) -> [ConnectionID: LeaveReason] {
        var gone: [ConnectionID: LeaveReason] = [:]
        for adoption in adoptions {
            let connection = adoption.connection
            let home = document.home(of: connection)
            let isThere =
                document.room.holds(adoption.member) && (home == adoption.home || home == node)
            if let reason = adoption.ending {
                if isThere { document.leave(connection, reason) }
                gone[connection] = reason
            } else if isThere, let home {
                _ = document.move(connection, order: adoption.member.order, from: home, to: node)
            } else if restoring == .no {
                gone[connection] = document.reason(for: adoption.member)
            }
        }
        return gone
    }

    /// In a new bucket nobody can say that a member is elsewhere but the node where it is.
    func moveHome(_ document: inout RoomDocument) {
        for connection in own.keys.sorted() {
            guard let home = document.home(of: connection), home != node,
                let member = told.member(connection)
            else { continue }
            _ = document.move(connection, order: member.order, from: home, to: node)
        }
    }

    /// Those whom a version has at home here are members from now on.
    ///
    /// - Returns: What each was told before.
    mutating func takeIn(
        _ document: RoomDocument, _ effects: inout [Effect]
    ) -> [ConnectionID: Adoption] {
        guard !adoptions.isEmpty else { return [:] }
        var taken: [ConnectionID: Adoption] = [:]
        for adoption in adoptions {
            guard adoption.ending == nil, document.room.holds(adoption.member),
                adoption.epoch != epoch || newest > adoption.revision,
                let seat = document.seats[adoption.connection], seat.home == node
            else { continue }
            own[adoption.connection] = seat
            lent[adoption.connection] = nil
            taken[adoption.connection] = adoption
        }
        adoptions.removeAll { taken[$0.connection] != nil }
        return taken
    }

    /// Some will never be here.
    mutating func giveUp(
        _ gone: [ConnectionID: LeaveReason], _ effects: inout [Effect]
    ) {
        for adoption in adoptions {
            guard let reason = gone[adoption.connection] else { continue }
            effects.append(.gone(adoption.connection, adoption.ending ?? reason))
        }
        adoptions.removeAll { gone[$0.connection] != nil }
    }

    // MARK: A new bucket

    /// There is somebody who has to stand in it.
    var hasToWriteBack: Bool {
        !own.isEmpty || lent.contains { !$0.value.isOver }
            || adoptions.contains { $0.ending == nil }
    }

    func areBack(in document: RoomDocument) -> Bool {
        let isOwnBack = own.keys.allSatisfy { connection in
            document.home(of: connection) == node || leaves[connection] != nil
                || told.member(connection).map { document.hasLeft($0) } ?? true
        }
        let isLentBack = lent.allSatisfy { connection, loan in
            loan.isOver || document.seats[connection] != nil
                || told.member(connection).map { document.hasLeft($0) } ?? true
        }
        return isOwnBack && isLentBack
            && adoptions.allSatisfy { adoption in
                adoption.ending != nil || document.hasLeft(adoption.member)
                    || document.seats[adoption.connection].map { seat in
                        seat.home == node || !document.room.holds(adoption.member)
                    } ?? false
            }
    }

    func writeBack(into document: inout RoomDocument) {
        var members: [(member: RoomMember, seat: RoomDocument.Seat)] = []
        for (connection, seat) in own where leaves[connection] == nil {
            if let member = told.member(connection) { members.append((member, seat)) }
        }
        for (connection, loan) in lent where !loan.isOver {
            if let member = told.member(connection) { members.append((member, loan.seat)) }
        }
        var lastOrder = told.lastOrder
        for adoption in adoptions where adoption.ending == nil {
            let seat = RoomDocument.Seat(home: node, isFirst: adoption.seat.isFirst)
            members.append((adoption.member, seat))
            lastOrder = max(lastOrder, adoption.told.lastOrder)
        }
        document.restore(members, past, after: lastOrder)
    }
}
