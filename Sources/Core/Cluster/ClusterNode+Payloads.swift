import Rooms
import Signalling

/// What members say to others that are elsewhere, and what they hear from these.
extension ClusterNode {
    /// A member of this node says something to one that is elsewhere, or to all who are.
    package mutating func send(_ payload: OutgoingPayload) -> Sending {
        var effects: [Effect] = []
        // One that was taken out meanwhile is a stranger to those who hear of that first.
        guard let revision = rooms.viewInRow(payload.room.digest)?.revision,
            isStaying(payload.sender, in: payload.room.digest)
        else {
            if let ticket = payload.ticket {
                effects.append(.answered(ticket: ticket, isKept: false))
            }
            return .taken(effects)
        }
        var members: [Incarnation: [ConnectionID]] = [:]
        var payload = payload
        switch payload.target {
        case .members(let named):
            rooms.wake(payload.room.digest, until: now + timing.restAfterPayload)
            guard let writer = rooms[payload.room.digest]?.writer else { break }
            for member in named {
                let home = writer.hasMember(member) ? incarnation : writer.elsewhere[member]
                if let home { members[home, default: []].append(member) }
            }
        // It has come here meanwhile, where whoever sees it is about to reach it without the bus.
        case .member(let member, let old)
        where old != incarnation && isStaying(member, in: payload.room.digest)
            && rooms[payload.room.digest]?.writer.hasMember(member) == true:
            payload = payload.sent(to: .member(member, at: incarnation))
        // It may have gone before its old home did.
        case .member(let member, let old):
            guard !keys.gone.isEmpty, keys.gone.contains(old),
                let writer = rooms[payload.room.digest]?.writer
            else {
                let mail = source.sendAtOnce(payload, at: revision, to: member, at: old)
                guard let mail else { break }
                perform(PayloadSource.Parcel(node: old, payload: mail), &effects)
                return .taken(effects)
            }
            let home = writer.hasMember(member) ? incarnation : writer.elsewhere[member]
            if let home { payload = payload.sent(to: .member(member, at: home)) }
        }
        switch source.send(payload, at: revision, to: members) {
        case .full(let other): return .full(other)
        case .taken(let outcome): perform(outcome, &effects)
        }
        return .taken(effects)
    }

    mutating func perform(_ outcome: PayloadSource.Outcome, _ effects: inout [Effect]) {
        if let parcel = outcome.firstParcel { perform(parcel, &effects) }
        for parcel in outcome.otherParcels { perform(parcel, &effects) }
        for answer in outcome.answers {
            effects.append(.answered(ticket: answer.ticket, isKept: answer.isKept))
        }
        for other in outcome.hasRoom { effects.append(.hasRoom(other)) }
        for connection in outcome.settled {
            settled(connection, &effects)
            answeredAll(of: connection, &effects)
        }
        // One that is yet to be at home here must not be reached without the bus before it is.
        for connection in outcome.cleared where moves.takings[connection]?.state == nil {
            cleared(connection, &effects)
        }
    }

    private mutating func perform(_ parcel: PayloadSource.Parcel, _ effects: inout [Effect]) {
        if parcel.node == incarnation {
            arrived(parcel.payload, from: incarnation, &effects)
        } else {
            push(.payload(parcel.payload), to: parcel.node)
        }
    }

    mutating func tickPayloads(_ effects: inout [Effect]) {
        perform(source.tick(), &effects)
        for digest in lookUps.keys.sorted() {
            guard let (since, nextAt) = lookUps[digest], inbox.isWaiting(for: digest) else {
                lookUps[digest] = nil
                continue
            }
            if now - since > timing.payloadWait {
                // The version that its sender saw went with its bucket.
                lookUps[digest] = nil
                perform(inbox.learned(digest) { _, _ in true }, &effects)
            } else if now >= nextAt {
                lookUps[digest]?.nextAt = now + timing.lookUpEvery
                drive(digest, .recheck, &effects)
            }
        }
    }

    /// An answer that says that somebody went to a node that died waits until it is known here
    /// what became of it: whether it went on from there, or is gone.
    struct LateAnswer: Sendable {
        let answer: PayloadAnswer
        let number: UInt64
        let target: ConnectionID
        let node: Incarnation
    }

    mutating func answered(
        _ answer: PayloadAnswer, to number: UInt64, for target: ConnectionID,
        by other: Incarnation, _ effects: inout [Effect]
    ) {
        if case .moved(let moves) = answer,
            moves.contains(where: { keys.gone.contains($0.home) }),
            let room = source.room(of: number)
        {
            let late = LateAnswer(answer: answer, number: number, target: target, node: other)
            lateAnswers[room, default: []].append(late)
            if isKnown(late, in: room) { return answerLate(in: room, &effects) }
            return drive(room, .recheck, &effects)
        }
        perform(source.take(answer, to: number, for: target, from: other), &effects)
    }

    private func isKnown(_ late: LateAnswer, in room: RoomDigest) -> Bool {
        guard case .moved(let moves) = late.answer, let writer = rooms[room]?.writer,
            writer.hasMembers
        else { return true }
        return moves.allSatisfy { move in
            !keys.gone.contains(move.home)
                || writer.elsewhere[move.connection] != late.node
                    && writer.elsewhere[move.connection] != move.home
        }
    }

    private mutating func answerLate(in room: RoomDigest, _ effects: inout [Effect]) {
        guard let all = lateAnswers.removeValue(forKey: room) else { return }
        for late in all {
            guard isKnown(late, in: room), case .moved(let moves) = late.answer else {
                lateAnswers[room, default: []].append(late)
                continue
            }
            let writer = rooms[room]?.writer
            let known = moves.map { move in
                guard keys.gone.contains(move.home) else { return move }
                let isHere = writer?.hasMember(move.connection) == true
                let home = isHere ? incarnation : writer?.elsewhere[move.connection]
                return PayloadAnswer.Move(move.connection, to: home ?? move.home)
            }
            perform(
                source.take(
                    .moved(known), to: late.number, for: late.target, from: late.node), &effects)
        }
    }

    /// A room may have nobody any more who is to be told of a death.
    mutating func mourn(in digest: RoomDigest, _ effects: inout [Effect]) {
        if !lateAnswers.isEmpty { answerLate(in: digest, &effects) }
        if let writer = rooms[digest]?.writer, writer.hasMembers {
            for other in writer.deadHomes where writer.isElsewhere(other) {
                mourned[other, default: []].insert(digest)
                source.mourn(other)
            }
        }
        guard !mourned.isEmpty else { return }
        for other in mourned.keys.sorted()
        where mourned[other]?.contains(digest) == true
            && rooms[digest]?.writer.isElsewhere(other) != true
        {
            mourned[other]?.remove(digest)
            mournIfOver(other, &effects)
        }
    }

    /// Once all who are to be told of a death have been, what was said to its members is answered;
    /// or goes on to those who had left before.
    mutating func mournIfOver(_ other: Incarnation, _ effects: inout [Effect]) {
        guard mourned[other]?.isEmpty == true else { return }
        mourned[other] = nil
        let homes = homes(in: source.rooms(unansweredBy: other))
        perform(source.died(other) { homes[$0] }, &effects)
    }

    /// Of all members there.
    private func homes(in digests: Set<RoomDigest>) -> [ConnectionID: Incarnation] {
        var homes: [ConnectionID: Incarnation] = [:]
        for room in digests {
            guard let writer = rooms[room]?.writer else { continue }
            homes.merge(writer.elsewhere) { one, _ in one }
            for connection in writer.own.keys { homes[connection] = incarnation }
        }
        return homes
    }

    /// With nothing sent, and nothing heard.
    mutating func beginPayloads() {
        source = PayloadSource()
        inbox = PayloadInbox(at: incarnation)
        lateAnswers = [:]
        for other in keys.gone { _ = source.died(other) { _ in nil } }
    }

    // MARK: At the other end

    mutating func arrived(
        _ payload: PayloadMail, from other: Incarnation, _ effects: inout [Effect]
    ) {
        // They know the room as its sender does, and so with it in it.
        if let view = rooms.viewInRow(payload.room), view.revision == payload.revision,
            isStaying(payload.targets.one, in: payload.room),
            let receipt = inbox.takeAtOnce(
                payload, from: other, isReady: view.isReady(payload.revision))
        {
            return effects.append(
                .deliver(
                    IncomingPayload(room: view.place, mail: payload, receipt: receipt)))
        }
        perform(taken(payload, from: other), &effects)
    }

    /// Whether a connection is in a room for this node, or wants to be. Most that is said by one,
    /// or to one, comes in a row.
    private mutating func isStaying(_ connection: ConnectionID, in room: RoomDigest) -> Bool {
        if let last = lastStays.one, last.connection == connection, last.room == room {
            return last.isThere
        }
        swap(&lastStays.one, &lastStays.other)
        if let last = lastStays.one, last.connection == connection, last.room == room {
            return last.isThere
        }
        let isThere = stays[connection]?.contains(room) == true
        lastStays.one = LastStay(connection: connection, room: room, isThere: isThere)
        return isThere
    }

    private mutating func taken(
        _ payload: PayloadMail, from other: Incarnation
    ) -> [PayloadInbox.Step] {
        // Given back with the end of this: whoever writes to rooms then need not copy them.
        let rooms = rooms
        return inbox.take(payload, from: other) { rooms.view($0)?.isReady($1) ?? true }
    }

    private mutating func learned(_ digest: RoomDigest) -> [PayloadInbox.Step] {
        let rooms = rooms
        return inbox.learned(digest) { rooms.view($0)?.isReady($1) ?? true }
    }

    /// A version may be what something waits for.
    mutating func release(_ digest: RoomDigest, _ effects: inout [Effect]) {
        guard inbox.isWaiting(for: digest) else { return }
        perform(learned(digest), &effects)
    }

    private mutating func perform(_ steps: [PayloadInbox.Step], _ effects: inout [Effect]) {
        for step in steps {
            switch step {
            case .deliver(let payload, let receipt):
                guard let place = place(for: payload, receipt.targets) else {
                    answer(receipt, isTaken: false, &effects)
                    continue
                }
                effects.append(
                    .deliver(
                        IncomingPayload(room: place, mail: payload, receipt: receipt)))
            case .answer(let answer, let number, let target, let other):
                say(answer, to: number, target, other, &effects)
            case .lookUp(let digest):
                guard lookUps[digest] == nil else { continue }
                lookUps[digest] = (now, now + timing.lookUpEvery)
                drive(digest, .recheck, &effects)
            }
        }
    }

    /// The room that it was sent in, or another one in which sender and target are: to the target
    /// it is all the same. None where they do not know its sender: it was taken out before they
    /// were told of it, or they have been told that it is gone.
    private mutating func place(
        for payload: PayloadMail, _ targets: PayloadTargets
    ) -> RoomPlace? {
        let (room, one) = (payload.room, targets.count == 1 ? targets.one : nil)
        if one.map({ stays[$0]?.contains(room) == true }) ?? true, let view = rooms.view(room),
            view.revision == payload.revision || knows(payload.sender, in: room)
        {
            return view.place
        }
        guard let one, let digests = stays[one]?.digests else { return nil }
        for other in digests where other != room && knows(payload.sender, in: other) {
            if let room = rooms[other], room.writer.hasMember(one) { return room.place }
        }
        return nil
    }

    /// Members here know of it.
    private mutating func knows(_ sender: ConnectionID, in room: RoomDigest) -> Bool {
        rooms.wake(room, until: now + timing.restAfterPayload)
        return rooms[room]?.writer.room.member(sender) != nil
    }

    /// As `Input.delivered` of what all took that it was for, from which nothing follows.
    ///
    /// - Returns: False where something may follow, and that has to be handed in.
    package mutating func noteTaken(_ receipt: PayloadInbox.Receipt) -> Bool {
        guard receipt.isWhole, receipt.source != incarnation else { return false }
        inbox.noteTaken(receipt)
        return true
    }

    mutating func delivered(
        _ receipt: PayloadInbox.Receipt, _ isTaken: Bool, _ effects: inout [Effect]
    ) {
        answer(receipt, isTaken: isTaken, &effects)
    }

    private mutating func answer(
        _ receipt: PayloadInbox.Receipt, isTaken: Bool, _ effects: inout [Effect]
    ) {
        if isTaken, noteTaken(receipt) { return }
        guard
            case .answer(let answer, let number, let target, let other) =
                inbox.answer(to: receipt, isTaken: isTaken)
        else { return }
        // What was not taken may be taken elsewhere.
        if let said = say(answer, to: number, target, other, &effects), isTaken {
            inbox.noteAnswered(PayloadInbox.Taken(receipt), of: other, as: said)
        }
    }

    /// - Returns: Under which number it is said on the line.
    @discardableResult
    private mutating func say(
        _ answer: PayloadAnswer, to number: UInt64, _ target: ConnectionID, _ other: Incarnation,
        _ effects: inout [Effect]
    ) -> UInt64? {
        guard other != incarnation else {
            perform(source.take(answer, to: number, for: target, from: other), &effects)
            return nil
        }
        // In the order in which they were taken.
        sayUnsaid()
        return push(.answer(number: number, target: target, answer), to: other)
    }
}
