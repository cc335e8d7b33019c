import Rooms
import Sessions
import Signalling

/// Sessions that come to this node from another.
extension ClusterNode {
    // MARK: Asking

    mutating func resume(
        _ connection: ConnectionID, _ secret: SecretDigest, _ home: Incarnation,
        _ effects: inout [Effect]
    ) {
        if moves.arrived[connection] != nil, moves.givings[connection] == nil {
            effects.append(.resumable(connection))
            return
        }
        moves.wanted.insert(connection)
        ask(for: connection, HandOvers.Wish(secret: secret, home: home), &effects)
    }

    mutating func ask(
        for connection: ConnectionID, _ wish: HandOvers.Wish, _ effects: inout [Effect]
    ) {
        guard let taking = moves.takings[connection] else {
            return begin(connection, wish, homes(of: connection, wish), &effects)
        }
        let waiting = moves.wishes[connection] ?? []
        if taking.wish != wish, !waiting.contains(wish), waiting.count < HandOvers.wishesMax {
            moves.wishes[connection] = waiting + [wish]
        }
    }

    private mutating func begin(
        _ connection: ConnectionID, _ wish: HandOvers.Wish, _ homes: Set<Incarnation>,
        until: Int64? = nil, _ effects: inout [Effect]
    ) {
        moves.lastAttempt += 1
        var taker = HandOverTaker(
            connection, secret: wish.secret, at: incarnation, attempt: moves.lastAttempt,
            asking: homes, dead: keys.gone)
        let outcome = taker.begin()
        moves.takings[connection] = HandOvers.Taking(
            taker: taker, wish: wish, gone: keys.gone, until: until ?? now + timing.handOverWait)
        moves.ownAttempts[taker.attempt] = connection
        perform(outcome, of: connection, &effects)
    }

    /// Who may have it.
    private func homes(of connection: ConnectionID, _ wish: HandOvers.Wish) -> Set<Incarnation> {
        if let giving = moves.givings[connection] { return [giving.giver.taker] }
        let departed = inbox.home(ofDeparted: connection)
        let home = departed ?? wish.home
        guard home != incarnation else { return [] }
        let others = keys.reachable
        return others.contains(home) ? [home] : Set(others)
    }

    /// Homes that were never heard of may be known by now.
    mutating func askAgain(_ effects: inout [Effect]) {
        for connection in moves.unheard.keys.sorted() where moves.takings[connection] == nil {
            guard let (wish, until) = moves.unheard[connection],
                until <= now || !keys.isUnheard(wish.home)
            else { continue }
            moves.unheard[connection] = nil
            begin(connection, wish, homes(of: connection, wish), until: until, &effects)
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
        guard let outcome = moves.takings[connection]?.taker.handle(input) else { return }
        perform(outcome, of: connection, &effects)
    }

    private mutating func perform(
        _ outcome: [HandOverTaker.Effect], of connection: ConnectionID,
        _ effects: inout [Effect]
    ) {
        for effect in outcome {
            switch effect {
            case .expect: inbox.expect(connection)
            case .expectNoMore: inbox.expectNoMore(connection)
            case .send(let mail, let other): push(.handOver(mail), to: other)
            case .arrive(let state, let home): arrive(connection, state, from: home, &effects)
            case .open: open(connection, &effects)
            case .end(let reason): end(connection, reason, &effects)
            case .fail: break
            }
        }
        if let taking = moves.takings[connection], taking.taker.isOver {
            finish(connection, taking, &effects)
        }
    }

    private mutating func arrive(
        _ connection: ConnectionID, _ state: HandOverState, from home: Incarnation,
        _ effects: inout [Effect]
    ) {
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
            meet(told)
            effects.append(told)
        }
    }

    /// Of whom one that came is told here is no stranger to it, also once that one is gone.
    private mutating func meet(_ told: Effect) {
        guard !moves.arrived.isEmpty, case .tell(let connection, let place, let news, _) = told,
            case .joined(let other) = news
        else { return }
        moves.arrived[connection]?.rooms[place.digest]?.insert(other.connection)
    }

    private mutating func open(_ connection: ConnectionID, _ effects: inout [Effect]) {
        guard let taking = moves.takings[connection], let state = taking.state else { return }
        tally.taken += 1
        inbox.arrive(connection, taken: state.taken)
        moves.departed[connection] = nil
        let known = state.told.map { told in
            (told.digest, Set(told.document.room.members.map(\.connection)))
        }
        moves.arrived[connection] = (
            Dictionary(known) { one, _ in one }, remember(connection)
        )
        effects.append(
            .arrive(
                connection, state.record, rooms: state.told.map(\.place),
                graceSeconds: state.graceSeconds))
        for told in taking.told { meet(told) }
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

    /// Whoever came and went while it was on its way it was never told of.
    func isStranger(
        _ sender: ConnectionID, to connection: ConnectionID, in room: RoomDigest
    ) -> Bool {
        guard let known = moves.arrived[connection]?.rooms[room] else { return false }
        return !known.contains(sender) && rooms[room]?.writer.room.member(sender) == nil
    }

    private mutating func end(
        _ connection: ConnectionID, _ reason: LeaveReason, _ effects: inout [Effect]
    ) {
        inbox.expectNoMore(connection)
        moves.uncleared[connection] = nil
        for room in moves.takings[connection]?.state?.told ?? [] {
            guard let writer = rooms[room.digest]?.writer,
                writer.hasMember(connection) || writer.isComing(connection)
            else { continue }
            drive(room.digest, .leave(connection, reason), &effects)
        }
        (moves.wishes[connection], moves.unheard[connection]) = (nil, nil)
    }

    private mutating func finish(
        _ connection: ConnectionID, _ taking: HandOvers.Taking, _ effects: inout [Effect]
    ) {
        moves.takings[connection] = nil
        moves.ownAttempts[taking.taker.attempt] = nil
        let (wish, until) = (taking.wish, taking.until)
        if taking.state == nil, wish.secret != nil, until > now, keys.isUnheard(wish.home) {
            moves.unheard[connection] = (wish, until)
        }
        if moves.arrived[connection] != nil {
            moves.wanted.remove(connection)
            (moves.wishes[connection], moves.unheard[connection]) = (nil, nil)
            effects.append(.resumable(connection))
        } else if taking.state == nil, wish.secret != nil,
            !keys.gone.subtracting(taking.gone).isEmpty
        {
            // Whoever ended may have given it to another before.
            return begin(connection, wish, Set(keys.reachable), until: until, &effects)
        } else if var wishes = moves.wishes[connection], !wishes.isEmpty {
            let next = wishes.removeFirst()
            moves.wishes[connection] = wishes.isEmpty ? nil : wishes
            return begin(connection, next, homes(of: connection, next), &effects)
        } else if moves.unheard[connection] == nil, moves.wanted.remove(connection) != nil {
            effects.append(.unresumable(connection))
        }
        if moves.kicks.remove(connection) != nil { effects.append(.kick(connection)) }
        answerQuestions(for: connection, &effects)
    }
}
