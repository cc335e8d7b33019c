import Rooms
import Sessions
import Signalling

/// Sessions that come to this node from another.
extension ClusterNode {
    // MARK: Asking

    mutating func resume(
        _ connection: ConnectionID, _ claim: SessionClaim, _ home: Incarnation,
        _ effects: inout [Effect]
    ) {
        if moves.arrived[connection] != nil, moves.givings[connection] == nil {
            effects.append(.resumable(connection))
            return
        }
        // Who is here without being on its way has no session, or one that has just ended.
        if stays[connection] != nil, moves.takings[connection] == nil,
            moves.givings[connection] == nil
        {
            effects.append(.unresumable(connection, claim))
            return
        }
        guard moves.wanted[connection]?[claim] == nil else { return }
        moves.wanted[connection, default: [:]][claim] = now + timing.handOverWait
        ask(for: connection, HandOvers.Wish(claim: claim, home: home), &effects)
    }

    /// Its client is gone. What other nodes were asked they will answer, to nobody: a session that
    /// is on its way can't be had back.
    mutating func abandon(_ connection: ConnectionID, _ claim: SessionClaim) {
        moves.wanted[connection]?[claim] = nil
        if moves.wanted[connection]?.isEmpty == true { moves.wanted[connection] = nil }
        moves.wishes[connection]?.removeAll { $0.claim == claim }
        if moves.wishes[connection]?.isEmpty == true { moves.wishes[connection] = nil }
    }

    mutating func ask(
        for connection: ConnectionID, _ wish: HandOvers.Wish, _ effects: inout [Effect]
    ) {
        ask(connection, wish, homes(of: connection, wish), &effects)
    }

    private mutating func ask(
        _ connection: ConnectionID, _ wish: HandOvers.Wish, _ homes: Set<Incarnation>,
        _ effects: inout [Effect]
    ) {
        let isAsking = moves.takings[connection]?.taker.isAsking
        guard isAsking != false else {
            if wish.claim != nil || moves.wishes[connection]?.contains(wish) != true {
                moves.wishes[connection, default: []].append(wish)
            }
            return
        }
        if isAsking == nil {
            moves.takings[connection] = HandOvers.Taking(taker: newTaker(of: connection))
        }
        guard moves.takings[connection]?.wishes.insert(wish).inserted == true else { return }
        moves.lastAttempt += 1
        let attempt = moves.lastAttempt
        moves.takings[connection]?.questions[attempt] = HandOvers.Asking(
            wish: wish, gone: keys.gone, wasUnheard: keys.isUnheard(wish.home))
        moves.ownAttempts[attempt] = connection
        let outcome = moves.takings[connection]?.taker.ask(wish.claim, attempt: attempt, homes)
        perform(outcome ?? [], of: connection, &effects)
    }

    func newTaker(of connection: ConnectionID) -> HandOverTaker {
        HandOverTaker(connection, at: incarnation, reads: configuration.reads, dead: keys.gone)
    }

    /// Who may have it.
    private func homes(of connection: ConnectionID, _ wish: HandOvers.Wish) -> Set<Incarnation> {
        let taker = moves.givings[connection]?.giver.taker
        let home = taker ?? inbox.home(ofDeparted: connection) ?? wish.home
        guard home != incarnation else { return [] }
        let others = keys.reachable
        return others.contains(home) ? [home] : Set(others)
    }

    // MARK: Homes that were never heard of

    /// They may be known by now.
    mutating func askAgain(_ effects: inout [Effect]) {
        let heard = moves.unheard.takeHeard(keys)
        // Whoever ended meanwhile may have given it to another, too.
        let late = moves.unheard.takeLate(
            now, later: now + timing.unheardWait, knowsStore: keys.knowsStore, moves.wanted)
        for wait in heard + late where wait.isWanted(moves.wanted) {
            ask(for: wait.connection, wait.wish, &effects)
        }
        search(&effects)
    }

    /// Looks homes up in the store: whose key is not there has no members, or none any more.
    private mutating func search(_ effects: inout [Effect]) {
        while let home = moves.unheard.nextSearch() {
            effects.append(.read(.node(home), request: ask(.search(home))))
        }
    }

    mutating func searched(
        _ home: Incarnation, _ answer: StoreAnswer, _ effects: inout [Effect]
    ) {
        guard moves.unheard.noteSearched(home) else { return }
        search(&effects)
        guard case .found(nil, _) = answer, keys.knowsStore, keys.isUnheard(home),
            !keys.isHeard(home)
        else { return }
        let latest = now - timing.unheardWait + timing.handOverWait
        for wait in moves.unheard.take(home, upTo: latest) where wait.isWanted(moves.wanted) {
            giveUp(wait.claim, wait.connection, &effects)
        }
    }

    // MARK: Taking

    mutating func take(
        _ input: HandOverTaker.Input, _ attempt: UInt64, _ effects: inout [Effect]
    ) {
        guard let connection = moves.ownAttempts[attempt] else { return }
        take(input, connection, &effects)
    }

    mutating func take(
        _ input: HandOverTaker.Input, _ connection: ConnectionID, _ effects: inout [Effect]
    ) {
        let giver = moves.takings[connection]?.taker.giver
        guard let outcome = moves.takings[connection]?.taker.handle(input) else { return }
        if moves.takings[connection]?.isFromShelf == false { noteLoss(input, outcome, giver) }
        perform(outcome, of: connection, &effects)
    }

    /// What its old home counts is not counted here; `giver` is that one, if something had come.
    private mutating func noteLoss(
        _ input: HandOverTaker.Input, _ outcome: [HandOverTaker.Effect], _ giver: Incarnation?
    ) {
        let hasFailed = outcome.contains { if case .fail = $0 { true } else { false } }
        switch input {
        // Its bytes are those of no session.
        case .piece where hasFailed: tally.lostOnTheWay += 1
        case .died where hasFailed && giver != nil: tally.diedOnTheWay += 1
        // Its rooms may know of the death before it does.
        case .gone(.lost) where !outcome.isEmpty:
            if let giver, keys.gone.contains(giver) {
                tally.diedOnTheWay += 1
            } else {
                tally.lostOnTheWay += 1
            }
        default: break
        }
    }

    mutating func perform(
        _ outcome: [HandOverTaker.Effect], of connection: ConnectionID,
        _ effects: inout [Effect]
    ) {
        var failed: [HandOvers.Asking] = []
        for effect in outcome {
            switch effect {
            case .expect: inbox.expect(connection)
            case .expectNoMore: expectNoMore(connection)
            case .send(let mail, let other):
                if case .take = mail { refuseQuestions(of: other, for: connection) }
                push(.handOver(mail), to: other)
            case .arrive(let state, let home): arrive(connection, state, from: home, &effects)
            case .open: open(connection, &effects)
            case .end(let reason): end(connection, reason, &effects)
            case .unreadable: tally.unreadable += 1
            case .fail(let attempt):
                moves.ownAttempts[attempt] = nil
                let question = moves.takings[connection]?.questions.removeValue(forKey: attempt)
                guard let question else { continue }
                moves.takings[connection]?.wishes.remove(question.wish)
                failed.append(question)
            }
        }
        let isOver = moves.takings[connection]?.taker.isOver == true
        if isOver { finish(connection, &effects) }
        for question in failed { fail(question, connection, &effects) }
        guard isOver, moves.takings[connection] == nil else { return }
        if moves.kicks.remove(connection) != nil { effects.append(.kick(connection)) }
        answerQuestions(for: connection, &effects)
    }

    private mutating func arrive(
        _ connection: ConnectionID, _ state: HandOverState, from home: Incarnation,
        _ effects: inout [Effect]
    ) {
        // It is back before who had it from here could say so.
        give(.confirmed, connection, &effects)
        moves.takings[connection]?.state = state
        moves.uncleared[connection] = state.told.map(\.digest)
        var isWhole = state.told.count == state.record.rooms.count
        for room in state.told {
            open(room.place, &effects)
            if rooms[room.digest]?.place == room.place,
                let adoption = RoomWriter.Adoption(
                    of: connection, from: home, since: room.revision, told: room.document)
            {
                drive(room.digest, .adopt(adoption), &effects)
            } else {
                isWhole = false
            }
        }
        if !isWhole { take(.gone(.lost), connection, &effects) }
    }

    mutating func adopted(
        _ connection: ConnectionID, _ place: RoomPlace, _ effects: inout [Effect]
    ) {
        take(.adopted(place.name), connection, &effects)
    }

    /// All that it may be told waits until it is at home here.
    mutating func tell(
        _ connection: ConnectionID, _ told: Effect, _ effects: inout [Effect]
    ) {
        if moves.takings[connection]?.state != nil {
            moves.takings[connection]?.told.append(told)
        } else {
            effects.append(told)
        }
    }

    private mutating func open(_ connection: ConnectionID, _ effects: inout [Effect]) {
        guard let taking = moves.takings[connection], let state = taking.state else { return }
        if !taking.isFromShelf { tally.taken += 1 }
        inbox.arrive(connection, taken: state.taken)
        moves.departed[connection] = nil
        moves.arrived[connection] = (state.told.map(\.digest), remember(connection))
        effects.append(
            .arrive(
                connection, state.record, rooms: state.told.map(\.place),
                graceSeconds: state.graceSeconds))
        effects += taking.told
        if source.awaitClear(connection) { cleared(connection, &effects) }
    }

    /// Nothing that was said to it here is unanswered: it may be told without a detour.
    mutating func cleared(_ connection: ConnectionID, _ effects: inout [Effect]) {
        guard let rooms = moves.uncleared.removeValue(forKey: connection) else { return }
        for room in rooms where self.rooms[room]?.writer.hasMember(connection) == true {
            self.rooms[room]?.mustShow = true
            show(room, &effects)
        }
    }

    private mutating func end(
        _ connection: ConnectionID, _ reason: LeaveReason, _ effects: inout [Effect]
    ) {
        expectNoMore(connection)
        moves.uncleared[connection] = nil
        for room in moves.takings[connection]?.state?.told ?? [] {
            guard let writer = rooms[room.digest]?.writer,
                writer.hasMember(connection) || writer.isComing(connection)
            else { continue }
            drive(room.digest, .leave(connection, reason), &effects)
        }
    }

    /// Nothing is asked for any more, or it has come.
    private mutating func finish(_ connection: ConnectionID, _ effects: inout [Effect]) {
        guard let taking = moves.takings.removeValue(forKey: connection) else { return }
        for attempt in taking.questions.keys { moves.ownAttempts[attempt] = nil }
        if taking.isFromShelf {
            effects.append(.cameBack(connection, isHere: moves.arrived[connection] != nil))
        }
        let rest = taking.questions.sorted { $0.key < $1.key }.map(\.value.wish)
        let wishes = rest + (moves.wishes.removeValue(forKey: connection) ?? [])
        if moves.arrived[connection] != nil {
            moves.wanted[connection] = nil
            effects.append(.resumable(connection))
        } else if taking.state != nil {
            // It was here, and is over.
            for claim in (moves.wanted.removeValue(forKey: connection) ?? [:]).keys.sorted() {
                effects.append(.unresumable(connection, claim))
            }
        } else {
            for wish in wishes where isWanted(wish, connection) {
                ask(for: connection, wish, &effects)
            }
        }
    }

    /// Somebody waits here for what becomes of it, or its home has offered it.
    private func isWanted(_ wish: HandOvers.Wish, _ connection: ConnectionID) -> Bool {
        wish.claim.map { moves.wanted[connection]?[$0] != nil } ?? true
    }

    private mutating func fail(
        _ question: HandOvers.Asking, _ connection: ConnectionID, _ effects: inout [Effect]
    ) {
        let wish = question.wish
        guard let claim = wish.claim, let until = moves.wanted[connection]?[claim] else { return }
        if !keys.gone.isSubset(of: question.gone)
            || question.wasUnheard && !keys.isUnheard(wish.home)
        {
            // Whoever ended may have given it to another before; or its home came to be known.
            ask(connection, wish, Set(keys.reachable), &effects)
        } else if until > now, keys.isUnheard(wish.home) {
            let wait = UnheardHomes.Wait(
                connection: connection, claim: claim, home: wish.home, until: until)
            moves.unheard.add(wait, due: now + timing.unheardWait)
        } else {
            giveUp(claim, connection, &effects)
        }
    }

    private mutating func giveUp(
        _ claim: SessionClaim, _ connection: ConnectionID, _ effects: inout [Effect]
    ) {
        abandon(connection, claim)
        effects.append(.unresumable(connection, claim))
    }
}
