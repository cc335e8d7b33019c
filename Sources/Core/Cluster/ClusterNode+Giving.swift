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
            // Not all who wait for one another are to go on to the next at once.
            let wait = other > incarnation ? timing.handOverWait : timing.handOverWait * 2
            let question = HandOvers.Question(
                asker: other, attempt: attempt, claim: claim, due: now + wait)
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
        if let connection = moves.attempts[.init(asker: other, number: attempt)] {
            give(.confirmed, connection, &effects)
            // If it was not given after all.
            return offer(connection, &effects)
        }
        // What waits to be answered is wanted no more.
        for (connection, questions) in moves.questions {
            let rest = questions.filter { $0.asker != other || $0.attempt != attempt }
            moves.questions[connection] = rest.isEmpty ? nil : rest
        }
    }

    // MARK: Being asked

    mutating func asked(
        for connection: ConnectionID, _ question: HandOvers.Question, _ effects: inout [Effect]
    ) {
        let asker = question.asker
        let waits =
            if let taking = moves.takings[connection] {
                !taking.taker.isAsking(asker)
            } else {
                // The first one's claim may be false.
                moves.givings[connection]?.giver.isSettling == true
            }
        if waits {
            moves.questions[connection, default: []].append(question)
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
            let giver = HandOverGiver(to: asker, attempt: question.attempt)
            moves.givings[connection] = HandOvers.Giving(
                giver: giver, wasOffered: question.claim == nil)
            moves.attempts[.init(asker: asker, number: question.attempt)] = connection
            effects.append(.settle(connection, question.claim))
            return
        }
        push(.handOver(.refuse(attempt: question.attempt, refusal)), to: asker)
    }

    /// What those asked who had to wait is answered, or has to wait again.
    mutating func answerQuestions(for connection: ConnectionID, _ effects: inout [Effect]) {
        for question in moves.questions.removeValue(forKey: connection) ?? [] {
            asked(for: connection, question, &effects)
        }
    }

    /// This node is about to ask that one too, whose own questions must not wait for that.
    mutating func refuseQuestions(of other: Incarnation, for connection: ConnectionID) {
        guard let questions = moves.questions[connection] else { return }
        let rest = questions.filter { $0.asker != other }
        moves.questions[connection] = rest.isEmpty ? nil : rest
        for question in questions where question.asker == other {
            let refusal = HandOverMail.refuse(attempt: question.attempt, .elsewhere(other))
            push(.handOver(refusal), to: other)
        }
    }

    /// Nobody waits for ever for one who asks, too, or three nodes that ask one another would. But
    /// whom that one asks may have it, and only be slow to give it; and so may be one who settles.
    mutating func giveUpQuestions(_ effects: inout [Effect]) {
        for (connection, questions) in moves.questions {
            let giver = moves.givings[connection]?.giver
            guard
                moves.takings[connection]?.taker.isAsking == true || giver?.isSettling == true
            else { continue }
            let late = questions.filter { $0.due <= now }
            guard !late.isEmpty else { continue }
            let rest = questions.filter { $0.due > now }
            moves.questions[connection] = rest.isEmpty ? nil : rest
            for question in late {
                let home = moves.takings[connection]?.taker.asked ?? giver?.taker
                let refusal = home.map { HandOverMail.Refusal.elsewhere($0) } ?? .unknown
                push(.handOver(.refuse(attempt: question.attempt, refusal)), to: question.asker)
            }
        }
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
            record, graceSeconds: graceSeconds, taken: giving.taken, told: told)
        give(.frozen(state), connection, &effects)
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

    private mutating func forgetSession(_ connection: ConnectionID) {
        moves.draining[connection] = nil
        moves.offers[connection] = nil
        moves.unoffered.remove(connection)
    }

    // MARK: Ends

    mutating func sessionEnded(
        _ connection: ConnectionID, _ reason: LeaveReason, _ effects: inout [Effect]
    ) {
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
        for room in rooms.keys.sorted()
        where self.rooms[room]?.writer.hasMember(connection) == true {
            guard let place = self.rooms[room]?.place else { continue }
            leave(connection, place, reason, &effects)
        }
    }

    /// A node died, and this one's rooms know so.
    mutating func movesDied(with other: Incarnation, _ effects: inout [Effect]) {
        for (connection, questions) in moves.questions {
            let rest = questions.filter { $0.asker != other }
            moves.questions[connection] = rest.isEmpty ? nil : rest
        }
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
        }
    }
}
