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
            if !mustWrite { forgetLoans() }
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
        let news = restoring == .no ? apply(document, &effects) : Newcomers()
        if wasUncertain || !news.isEmpty {
            announce(document, revision, admitting: news, &effects)
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
        forgetLoans()
        if restoring == .writingBack, areBack(in: document) { restoring = .waiting }
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
        giveUp(attempt.gone, &effects)
        for (number, error) in attempt.refusals.sorted(by: { $0.key < $1.key }) {
            refuse(number, error, &effects)
        }
        guard isNewest else { return lookForWork() }
        var news = restoring == .no ? apply(attempt.document, &effects) : Newcomers()
        readmitted.removeAll { own[$0] == nil }
        news.joined = readmitted + news.joined
        announce(attempt.document, revision, admitting: news, &effects)
        if attempt.document.room.members.isEmpty { effects.append(.empty(revision)) }
        lookForWork()
    }

    mutating func refuse(
        _ number: UInt64, _ error: SignalError, _ effects: inout [Effect]
    ) {
        guard let index = joins.firstIndex(where: { $0.number == number }) else { return }
        effects.append(.refused(joins.remove(at: index).member.connection, error))
    }

    /// Who is a member of this node by a version.
    struct Newcomers {
        /// Those whose joins came through.
        var joined: [ConnectionID] = []
        /// Those that came from other nodes, and which.
        var adopted: [ConnectionID: Incarnation] = [:]

        var isEmpty: Bool { joined.isEmpty && adopted.isEmpty }
    }

    /// This node's members hear of a version.
    mutating func apply(_ document: RoomDocument, _ effects: inout [Effect]) -> Newcomers {
        var news = Newcomers()
        let adopted = takeIn(document, &effects)
        news.adopted = adopted.mapValues(\.home)
        for member in document.room.members where own[member.connection] == nil {
            guard let seat = document.seats[member.connection], seat.home == node,
                leaves[member.connection] == nil,
                let index = joins.firstIndex(where: { $0.member.connection == member.connection })
            else { continue }
            joins.remove(at: index)
            own[member.connection] = seat
            news.joined.append(member.connection)
        }
        for join in joins where leaves[join.member.connection] == nil {
            let connection = join.member.connection
            // In the write that let it in, or before this node heard of it.
            guard document.hasReplaced(connection) else { continue }
            joins.removeAll { $0.number == join.number }
            effects.append(.ended(connection, .replaced))
        }
        let room = tellable(document, adopted.values.map(\.told))
        for connection in own.keys.sorted() {
            tell(connection, document, from: adopted[connection]?.told ?? told, room, &effects)
        }
        elsewhere = [:]
        for member in room.members {
            guard let home = document.home(of: member.connection) else { continue }
            let lentTo = lent[member.connection]?.home
            elsewhere[member.connection] = home == node ? lentTo : home
        }
        deadHomes = dead.isEmpty ? [] : dead.intersection(elsewhere.values)
        told = room
        toldRevision = newest
        toldCount += 1
        return news
    }

    /// Nobody hears of a dead node's members any more, whatever it wrote last. Those of whom
    /// somebody has heard may have gone to another node just before: they are there until a
    /// version has them there no more.
    private func tellable(_ document: RoomDocument, _ heard: [Room]) -> Room {
        var room = document.room
        for (connection, seat) in document.seats where dead.contains(seat.home) {
            guard let member = room.member(connection), !told.holds(member),
                !adoptions.contains(where: { $0.told.holds(member) }),
                !heard.contains(where: { $0.holds(member) })
            else { continue }
            room.leave(connection)
        }
        return room
    }

    mutating func tell(
        _ connection: ConnectionID, _ document: RoomDocument, from told: Room, _ room: Room,
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
        _ document: RoomDocument, _ revision: Revision, admitting news: Newcomers,
        _ effects: inout [Effect]
    ) {
        // The old homes, which may have nobody in the room any more, have to know as well.
        let nodes = document.nodes.union(news.adopted.values).subtracting(dead).subtracting([node])
        if !nodes.isEmpty { effects.append(.announce(document, revision, to: nodes)) }
        for connection in news.joined {
            admissions[connection] =
                nodes.isEmpty ? nil : Admission(revision: revision, nodes: nodes)
            if nodes.isEmpty { effects.append(.admitted(connection)) }
        }
        for connection in news.adopted.keys.sorted() { effects.append(.adopted(connection)) }
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
        seat.home == node && own[connection] == nil && !isLent(connection)
            && !isComing(connection)
    }
}
