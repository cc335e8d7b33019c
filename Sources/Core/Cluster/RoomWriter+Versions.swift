import Rooms
import Signalling

extension RoomWriter {
    mutating func read(
        _ document: RoomDocument?, _ revision: Revision, _ effects: inout [Effect]
    ) {
        guard let document else {
            // That there is none may be old as well; but then a write that says so is refused.
            known = nil
            isBehind = false
            mustRead = false
            mustWrite = mustWrite || !own.isEmpty
            return
        }
        guard document.epoch == epoch, revision > newest || revision == newest && !isBehind else {
            return
        }
        mustRead = false
        if revision == newest, known == nil {
            known = Known(document: document, revision: revision)
        }
        take(document, revision, &effects)
        for index in joins.indices { joins[index].isChecked = true }
    }

    mutating func take(
        _ document: RoomDocument, _ revision: Revision, _ effects: inout [Effect]
    ) {
        guard revision > newest else { return }
        // What this node may have written it has to announce, as nobody else will.
        let wasUncertain = isUncertain
        keep(document, revision)
        let adopted = restoring == .no ? apply(document, &effects) : []
        if wasUncertain || !adopted.isEmpty {
            announce(document, revision, admitting: adopted, &effects)
        }
        lookForWork()
    }

    mutating func keep(_ document: RoomDocument, _ revision: Revision) {
        known = Known(document: document, revision: revision)
        newest = revision
        isBehind = false
        mustRead = false
        isUncertain = false
        // No write that was made from an older version can come through any more.
        let areBack = own.keys.allSatisfy { connection in
            document.home(of: connection) == node || leaves[connection] != nil
                || told.member(connection).map { document.hasLeft($0) } ?? true
        }
        if restoring == .writingBack, areBack { restoring = .waiting }
        mustWrite =
            restoring == .writingBack || restoring == .proving && !own.isEmpty
    }

    mutating func accepted(
        _ attempt: Attempt, _ revision: Revision, _ effects: inout [Effect]
    ) {
        let isNewest = revision > newest
        var readmitted: [ConnectionID] = []
        if isNewest {
            keep(attempt.document, revision)
            if restoring == .proving, attempt.isProof {
                restoring = .no
                // What was announced in the old bucket is acknowledged by nobody any more.
                readmitted = admissions.keys.sorted()
            }
        }
        for connection in attempt.leaves.sorted() where leaves[connection] != nil {
            leaves[connection] = nil
            own[connection] = nil
            effects.append(.left(connection))
        }
        for (number, error) in attempt.refusals.sorted(by: { $0.key < $1.key }) {
            refuse(number, error, &effects)
        }
        guard isNewest else { return lookForWork() }
        let adopted = restoring == .no ? apply(attempt.document, &effects) : []
        readmitted.removeAll { own[$0] == nil }
        announce(attempt.document, revision, admitting: readmitted + adopted, &effects)
        if attempt.document.room.members.isEmpty { effects.append(.empty(revision)) }
        lookForWork()
    }

    mutating func refuse(
        _ number: UInt64, _ error: SignalError, _ effects: inout [Effect]
    ) {
        guard let index = joins.firstIndex(where: { $0.number == number }) else { return }
        effects.append(.refused(joins.remove(at: index).member.connection, error))
    }

    /// This node's members hear of a version; those whose joins came through are returned.
    mutating func apply(
        _ document: RoomDocument, _ effects: inout [Effect]
    ) -> [ConnectionID] {
        var adopted: [ConnectionID] = []
        for member in document.room.members where own[member.connection] == nil {
            guard let seat = document.seats[member.connection], seat.home == node,
                leaves[member.connection] == nil,
                let index = joins.firstIndex(where: { $0.member.connection == member.connection })
            else { continue }
            joins.remove(at: index)
            own[member.connection] = seat
            adopted.append(member.connection)
        }
        for join in joins where leaves[join.member.connection] == nil {
            let connection = join.member.connection
            // In the write that let it in, or before this node heard of it.
            guard document.hasReplaced(connection) else { continue }
            joins.removeAll { $0.number == join.number }
            effects.append(.ended(connection, .replaced))
        }
        // Nobody hears of a dead node's members but that they are gone, whatever it wrote last.
        var room = document.room
        for (connection, seat) in document.seats where dead.contains(seat.home) {
            room.leave(connection)
        }
        for connection in own.keys.sorted() { tell(connection, document, room, &effects) }
        elsewhere = document.seats.filter { $0.value.home != node && !dead.contains($0.value.home) }
            .mapValues(\.home)
        told = room
        toldRevision = newest
        toldCount += 1
        return adopted
    }

    /// Whoever was at a node that died is gone, whatever else is known of the room.
    mutating func strip(_ home: Incarnation, _ effects: inout [Effect]) {
        var room = told
        for (connection, other) in elsewhere where other == home { room.leave(connection) }
        guard room != told else { return }
        for connection in own.keys.sorted() where leaves[connection] == nil {
            for news in RoomNews.between(told, room, for: connection, reason: { _ in .lost }) {
                effects.append(.tell(connection, news))
            }
        }
        elsewhere = elsewhere.filter { $0.value != home }
        told = room
        toldCount += 1
    }

    mutating func tell(
        _ connection: ConnectionID, _ document: RoomDocument, _ room: Room,
        _ effects: inout [Effect]
    ) {
        guard document.home(of: connection) == node else {
            own[connection] = nil
            admissions[connection] = nil
            joins.removeAll { $0.member.connection == connection }
            if leaves[connection] == nil, let member = told.member(connection) {
                effects.append(.ended(connection, document.reason(for: member)))
            }
            return
        }
        guard leaves[connection] == nil else { return }
        let isFirst = own[connection]?.isFirst == true
        let news = RoomNews.between(told, room, for: connection) {
            document.reason(for: $0)
        }
        // One that was there when it joined may be gone by the time that this is told.
        for news in news where news != .firstToJoin || isFirst {
            effects.append(.tell(connection, news))
        }
    }

    mutating func announce(
        _ document: RoomDocument, _ revision: Revision, admitting adopted: [ConnectionID],
        _ effects: inout [Effect]
    ) {
        let nodes = document.nodes.subtracting(dead).subtracting([node])
        if !nodes.isEmpty { effects.append(.announce(document, revision, to: nodes)) }
        for connection in adopted {
            admissions[connection] = nodes.isEmpty ? nil : (revision, nodes)
            if nodes.isEmpty { effects.append(.admitted(connection)) }
        }
    }

    /// Members in the store that must not be there: of nodes that are dead, where somebody is here
    /// to be told; and of this node, which alone knows that they are gone.
    mutating func lookForWork() {
        guard let document = known?.document else { return }
        for (connection, seat) in document.seats
        where !own.isEmpty && dead.contains(seat.home) || isGhost(connection, seat) {
            mustWrite = true
        }
    }

    func isGhost(_ connection: ConnectionID, _ seat: RoomDocument.Seat) -> Bool {
        seat.home == node && own[connection] == nil
    }
}
