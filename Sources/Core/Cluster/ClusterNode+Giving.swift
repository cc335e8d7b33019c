import Rooms
import Sessions
import Signalling

/// Sessions that go from this node to another, which has asked for them.
extension ClusterNode {
    mutating func read(
        _ mail: HandOverMail, from other: Incarnation, _ effects: inout [Effect]
    ) {
        switch mail {
        case .offer(let connection): offered(connection, by: other, &effects)
        case .decline(let connection): declined(connection, by: other, &effects)
        case .take(let attempt, let connection, let claim):
            let question = HandOvers.Question(
                attempt: .init(asker: other, number: attempt), claim: claim, since: now)
            asked(for: connection, question, &effects)
        case .refuse(let attempt, let refusal):
            take(.refused(refusal, attempt: attempt, by: other), attempt, &effects)
        case .state(let attempt, let bytes, let isLast):
            // Nobody waits for it any more.
            guard moves.ownAttempts[attempt] != nil else {
                push(.handOver(.confirm(attempt: attempt)), to: other)
                return
            }
            let piece = HandOverTaker.Input.piece(
                bytes, isLast: isLast, attempt: attempt, from: other)
            take(piece, attempt, &effects)
        case .taken(let attempt, let pieces):
            give(.taken(pieces: pieces), attempt, to: other, &effects)
        case .confirm(let attempt): confirmed(attempt, by: other, &effects)
        }
    }

    private mutating func confirmed(
        _ attempt: UInt64, by other: Incarnation, _ effects: inout [Effect]
    ) {
        let attempt = HandOvers.Attempt(asker: other, number: attempt)
        if let connection = moves.attempts[attempt] {
            give(.confirmed, connection, &effects)
            // If it was not given after all.
            return offer(connection, &effects)
        }
        // What waits to be answered is wanted no more.
        moves.questions[attempt] = nil
    }

    // MARK: Being asked

    mutating func asked(
        for connection: ConnectionID, _ question: HandOvers.Question, _ effects: inout [Effect]
    ) {
        let asker = question.attempt.asker
        let waits =
            if awaitsShelf {
                true
            } else if let taking = moves.takings[connection] {
                !taking.taker.isAsking(asker)
            } else {
                // The first one's claim may be false.
                moves.givings[connection]?.giver.isSettling == true
            }
        if waits {
            moves.questions[question.attempt] = question
            moves.questioned[connection, default: []].append(question.attempt)
            return
        }
        var refusal = HandOverMail.Refusal.unknown
        if moves.takings[connection] != nil {
            // Each asks the other, and so neither has it; but it may be on its way there.
            refusal = .elsewhere(asker)
        } else if let giving = moves.givings[connection] {
            refusal = .elsewhere(giving.giver.taker)
        } else if let home = inbox.home(ofDeparted: connection) {
            refusal = .elsewhere(home)
        } else if question.claim != nil || moves.offers[connection] == asker {
            moves.offers[connection] = nil
            let giver = HandOverGiver(to: asker, attempt: question.attempt.number)
            moves.givings[connection] = HandOvers.Giving(
                giver: giver, wasOffered: question.claim == nil)
            moves.attempts[question.attempt] = connection
            effects.append(.settle(connection, question.claim))
            return
        }
        refuse(question.attempt, refusal)
    }

    private mutating func refuse(
        _ attempt: HandOvers.Attempt, _ refusal: HandOverMail.Refusal
    ) {
        push(.handOver(.refuse(attempt: attempt.number, refusal)), to: attempt.asker)
    }

    /// What those asked who had to wait is answered, or has to wait again.
    mutating func answerQuestions(for connection: ConnectionID, _ effects: inout [Effect]) {
        for attempt in moves.questioned.removeValue(forKey: connection) ?? [] {
            guard let question = moves.questions.removeValue(forKey: attempt) else { continue }
            asked(for: connection, question, &effects)
        }
    }

    /// This node is about to ask that one too, whose own questions must not wait for that.
    mutating func refuseQuestions(of other: Incarnation, for connection: ConnectionID) {
        for question in takeQuestions(for: connection, where: { $0.attempt.asker == other }) {
            refuse(question.attempt, .elsewhere(other))
        }
    }

    /// Nobody waits for ever for one who asks, too, or three nodes that ask one another would: for
    /// a short time, as anybody can have them ask. But whom that one asks may have it, and only be
    /// slow to give it; and so may be one who settles.
    mutating func giveUpQuestions(_ effects: inout [Effect]) {
        for connection in moves.questioned.keys.sorted() {
            let taker = moves.takings[connection]?.taker
            let giver = moves.givings[connection]?.giver
            // What the process before may have left does not come for as long as this one is none
            // of the cluster.
            guard taker?.isAsking == true || giver?.isSettling == true || awaitsShelf else {
                continue
            }
            let home = taker?.asked ?? giver?.taker
            let wait = taker == nil ? timing.handOverWait : timing.askersWait
            let (now, own) = (now, incarnation)
            // Not all who wait for one another are to go on to the next at once.
            let late = takeQuestions(for: connection) { question in
                let isFirst = question.attempt.asker > own
                return now - question.since >= (isFirst ? wait : wait * 2)
            }
            for question in late {
                refuse(question.attempt, home.map { .elsewhere($0) } ?? .unknown)
            }
        }
    }

    /// Takes out some of those that wait for one session, in their order.
    private mutating func takeQuestions(
        for connection: ConnectionID, where isMeant: (HandOvers.Question) -> Bool
    ) -> [HandOvers.Question] {
        let attempts = moves.questioned[connection] ?? []
        let taken = attempts.compactMap { moves.questions[$0] }.filter(isMeant)
        for question in taken { moves.questions[question.attempt] = nil }
        let rest = attempts.filter { moves.questions[$0] != nil }
        if rest.count < attempts.count {
            moves.questioned[connection] = rest.isEmpty ? nil : rest
        }
        return taken
    }

    // MARK: Giving

    private mutating func give(
        _ input: HandOverGiver.Input, _ attempt: UInt64, to other: Incarnation,
        _ effects: inout [Effect]
    ) {
        guard let connection = moves.attempts[.init(asker: other, number: attempt)] else { return }
        give(input, connection, &effects)
    }

    mutating func give(
        _ input: HandOverGiver.Input, _ connection: ConnectionID, _ effects: inout [Effect]
    ) {
        guard let outcome = moves.givings[connection]?.giver.handle(input) else { return }
        for effect in outcome { perform(effect, of: connection, &effects) }
        guard let giver = moves.givings[connection]?.giver, giver.isOver else { return }
        moves.givings[connection] = nil
        moves.attempts[.init(asker: giver.taker, number: giver.attempt)] = nil
        answerQuestions(for: connection, &effects)
    }

    mutating func settled(
        _ connection: ConnectionID, in rooms: [RoomPlace], _ effects: inout [Effect]
    ) {
        guard moves.givings[connection] != nil else { return }
        moves.givings[connection]?.rooms = rooms
        guard source.awaitSettled(connection) else {
            // What it says from elsewhere would overtake that.
            moves.givings[connection]?.isUnanswered = true
            return
        }
        give(.settled, connection, &effects)
    }

    mutating func unsettled(_ connection: ConnectionID, _ effects: inout [Effect]) {
        guard let giving = moves.givings[connection] else { return }
        give(.ended, connection, &effects)
        // Where only a claim was false, it is still here.
        if giving.wasOffered { forgetSession(connection) }
        offer(connection, &effects)
    }

    /// All is answered that it said to other nodes.
    mutating func answeredAll(of connection: ConnectionID, _ effects: inout [Effect]) {
        guard moves.givings[connection]?.isUnanswered == true else { return }
        moves.givings[connection]?.isUnanswered = false
        give(.settled, connection, &effects)
    }

    mutating func frozen(
        _ connection: ConnectionID, _ record: SessionRecord, _ graceSeconds: UInt32,
        _ effects: inout [Effect]
    ) {
        guard let giving = moves.givings[connection] else { return }
        let told = record.rooms.compactMap { room in
            giving.rooms.first { $0.name == room.room }.flatMap { giving.told[$0.digest] }
        }
        let state = HandOverState(
            record, graceSeconds: graceSeconds, taken: giving.taken, told: told, more: keys.more)
        give(.frozen(state, in: keys.format), connection, &effects)
    }

    private mutating func perform(
        _ effect: HandOverGiver.Effect, of connection: ConnectionID, _ effects: inout [Effect]
    ) {
        guard let giving = moves.givings[connection] else { return }
        switch effect {
        case .settle: break
        case .freeze: freeze(connection, giving, &effects)
        case .send(let mail): push(.handOver(mail), to: giving.giver.taker)
        case .release:
            effects.append(.release(connection))
            moves.offers[connection] = nil
        case .end(let reason):
            if keys.isAlive(giving.giver.taker) {
                tally.lostOnTheWay += 1
            } else {
                tally.diedOnTheWay += 1
            }
            takeBack(connection, giving, isThere: false, &effects)
            forgetSession(connection)
            stays[connection] = nil
            // Whoever sends to it here is to hear of that only after it is told that it is gone.
            moves.departed[connection] = remember(connection)
            effects.append(.end(connection, reason))
        case .forget:
            tally.given += 1
            takeBack(connection, giving, isThere: true, &effects)
            forgetSession(connection)
            stays[connection] = nil
            moves.departed[connection] = remember(connection)
            effects.append(.forget(connection))
        }
    }

    private mutating func freeze(
        _ connection: ConnectionID, _ giving: HandOvers.Giving, _ effects: inout [Effect]
    ) {
        let home = giving.giver.taker
        moves.givings[connection]?.taken = inbox.freeze(connection, to: home)
        moves.arrived[connection] = nil
        moves.departed[connection] = nil
        moves.uncleared[connection] = nil
        for place in giving.rooms {
            if let document = rooms[place.digest]?.writer.lend(connection, to: home),
                let revision = rooms[place.digest]?.writer.revision
            {
                let told = HandOverState.Told(place.digest, revision, document)
                moves.givings[connection]?.told[place.digest] = told
            }
            show(place.digest, &effects)
        }
        effects.append(.freeze(connection))
        answerQuestions(for: connection, &effects)
    }

    /// It is no member by this node any more, wherever it is now.
    private mutating func takeBack(
        _ connection: ConnectionID, _ giving: HandOvers.Giving, isThere: Bool,
        _ effects: inout [Effect]
    ) {
        for room in giving.told.keys.sorted() {
            drive(room, .givenUp(connection, isThere: isThere), &effects)
        }
    }

    mutating func forgetSession(_ connection: ConnectionID) {
        moves.draining[connection] = nil
        moves.leftBehind.remove(connection)
        moves.offers[connection] = nil
        moves.unoffered.remove(connection)
    }

    // MARK: Ends

    mutating func sessionEnded(
        _ connection: ConnectionID, _ reason: LeaveReason, _ effects: inout [Effect]
    ) {
        noteUndrained(connection, reason)
        forgetSession(connection)
        if let giving = moves.givings[connection] {
            give(.ended, connection, &effects)
            if !giving.told.isEmpty || inbox.home(ofDeparted: connection) != nil {
                takeBack(connection, giving, isThere: false, &effects)
                inbox.forgetDeparture(of: connection)
            }
        }
        guard let rooms = moves.arrived.removeValue(forKey: connection)?.rooms else { return }
        inbox.forget(connection)
        moves.uncleared[connection] = nil
        for room in rooms.sorted()
        where self.rooms[room]?.writer.hasMember(connection) == true {
            guard let place = self.rooms[room]?.place else { continue }
            leave(connection, place, reason, &effects)
        }
    }

    /// A node died, and this one's rooms know so.
    mutating func movesDied(with other: Incarnation, _ effects: inout [Effect]) {
        moves.questions = moves.questions.filter { $0.key.asker != other }
        for connection in moves.givings.keys.sorted()
        where moves.givings[connection]?.giver.taker == other {
            give(.died, connection, &effects)
            offer(connection, &effects)
        }
        for connection in moves.takings.keys.sorted() { take(.died(other), connection, &effects) }
        reoffer(from: other, &effects)
    }

    // MARK: What is remembered

    mutating func remember(_ connection: ConnectionID) -> Int64 {
        let due = now + timing.departureKept
        moves.memories.append((due, connection))
        return due
    }

    /// What was turned away comes again soon, or went elsewhere.
    mutating func expectNoMore(_ connection: ConnectionID) {
        guard inbox.expectNoMore(connection) else { return }
        moves.memories.append((now + timing.departureKept, connection))
    }

    mutating func forgetOld(_ effects: inout [Effect]) {
        while let (due, connection) = moves.memories.first, due <= now {
            _ = moves.memories.removeFirst()
            if moves.departed[connection] == due {
                moves.departed[connection] = nil
                inbox.forgetDeparture(of: connection)
            }
            if moves.arrived[connection]?.until == due {
                moves.arrived[connection] = nil
                inbox.forget(connection)
            }
            let isKnown = moves.arrived[connection] != nil || moves.departed[connection] != nil
            if !isKnown, moves.takings[connection] == nil { inbox.forgetTurnedAway(connection) }
        }
    }
}
