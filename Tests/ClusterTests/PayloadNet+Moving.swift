import Cluster
import Identifiers
import Sessions
import Signalling
import TestSupport

/// Sessions that go from node to node, and nodes that die.
extension PayloadNet {
    // MARK: Asking

    /// A client shows up at another node than the one where it was.
    mutating func beginMove() {
        guard let connection = sessions.keys.sorted().randomElement(using: &random),
            let session = sessions[connection], !session.isLost,
            let node = living.randomElement(using: &random), let state = nodes[node],
            !state.sessions.contains(connection), state.takers[connection] == nil
        else { return }
        var asked: Set<Incarnation> = [session.home]
        if session.home == node, let home = state.inbox.home(ofDeparted: connection) {
            asked = [home]
        }
        // Its home died, or left in order.
        if !asked.isDisjoint(with: state.dead) || Int.random(in: 0...5, using: &random) == 0 {
            marks.insert(.asked)
            asked = Set(nodes.keys).subtracting(state.dead)
        }
        lastAttempt += 1
        var taker = HandOverTaker(connection, at: node, reads: 1, dead: state.dead)
        let effects = taker.ask(Self.claim(of: connection), attempt: lastAttempt, asked)
        nodes[node]?.attempts[lastAttempt] = connection
        nodes[node]?.takers[connection] = taker
        perform(effects, of: connection, at: node)
    }

    private static func claim(of connection: ConnectionID) -> SessionClaim {
        let secret = SecretDigest(bits: UInt128(connection.raw))
        return SessionClaim(secret, clientID: "a", subject: "a:x")
    }

    mutating func take(_ mail: HandOverMail, from other: Incarnation, at node: Incarnation) {
        switch mail {
        case .take(let attempt, let connection, let claim):
            if claim != Self.claim(of: connection) { faults.append("a claim is another's") }
            asked(for: connection, attempt, by: other, mail, at: node)
        case .refuse(let attempt, let refusal):
            if case .elsewhere = refusal {
                marks.insert(.elsewhere)
            } else {
                marks.insert(.refused)
            }
            handle(.refused(refusal, attempt: attempt, by: other), attempt, from: other, at: node)
        case .state(let attempt, let bytes, let isLast):
            if !isLast { marks.insert(.pieces) }
            let piece = HandOverTaker.Input.piece(
                bytes, isLast: isLast, attempt: attempt, from: other)
            handle(piece, attempt, from: other, at: node)
        case .taken(let attempt, let pieces):
            give(.taken(pieces: pieces), attempt, to: other, at: node)
        case .confirm(let attempt):
            nodes[node]?.asking.removeAll { question in
                guard question.node == other, case .take(attempt, _, _) = question.mail else {
                    return false
                }
                return true
            }
            give(.confirmed, attempt, to: other, at: node)
        case .offer, .decline: faults.append("nobody offers")
        }
    }

    private mutating func asked(
        for connection: ConnectionID, _ attempt: UInt64, by other: Incarnation,
        _ mail: HandOverMail, at node: Incarnation
    ) {
        guard let state = nodes[node], !state.dead.contains(other) else { return }
        var refusal = HandOverMail.Refusal.unknown
        if let taker = state.takers[connection] {
            guard taker.isAsking(other) else {
                nodes[node]?.asking.append((other, mail))
                return
            }
            refusal = .elsewhere(other)
        } else if let giver = state.givers[connection] {
            refusal = .elsewhere(giver.taker)
        } else if state.sessions.contains(connection) {
            let giver = HandOverGiver(to: other, attempt: attempt)
            nodes[node]?.givers[connection] = giver
            return perform(giver.begin(), of: connection, at: node)
        } else if let home = state.inbox.home(ofDeparted: connection) {
            refusal = .elsewhere(home)
        }
        nodes[node]?.lines[other]?.push(.handOver(.refuse(attempt: attempt, refusal)))
    }

    // MARK: Taking

    private mutating func handle(
        _ input: HandOverTaker.Input, _ attempt: UInt64, from other: Incarnation,
        at node: Incarnation
    ) {
        guard let connection = nodes[node]?.attempts[attempt],
            nodes[node]?.takers[connection] != nil
        else {
            if case .piece = input { faults.append("pieces that nobody asked for") }
            return
        }
        handle(input, connection, at: node)
    }

    private mutating func handle(
        _ input: HandOverTaker.Input, _ connection: ConnectionID, at node: Incarnation
    ) {
        let effects = nodes[node]?.takers[connection]?.handle(input) ?? []
        perform(effects, of: connection, at: node)
    }

    private mutating func perform(
        _ effects: [HandOverTaker.Effect], of connection: ConnectionID, at node: Incarnation
    ) {
        for effect in effects {
            switch effect {
            case .expect: nodes[node]?.inbox.expect(connection)
            case .expectNoMore: nodes[node]?.inbox.expectNoMore(connection)
            case .send(let mail, let other): nodes[node]?.lines[other]?.push(.handOver(mail))
            case .arrive(let state, let home):
                if state.more.prefix(2) != heardCount(connection)[...] {
                    faults.append("\(connection.raw): heard something on its way")
                }
                // It may be back before who had it from here could say so.
                give(.confirmed, connection, at: node)
                nodes[node]?.inbox.arrive(connection, taken: state.taken)
                nodes[node]?.sessions.insert(connection)
                // Its old home may have died since it sent the last of it.
                sessions[connection]?.isLost = false
                events.append((later(20), .adopt(connection, from: home, at: node)))
            case .open:
                marks.insert(.given)
                nodes[node]?.clients.insert(connection)
                sessions[connection]?.home = node
            case .end:
                marks.insert(.ended)
                nodes[node]?.sessions.remove(connection)
                nodes[node]?.inbox.forget(connection)
                sessions[connection]?.isLost = true
            case .fail: marks.insert(.failed)
            case .unreadable: faults.append("\(connection.raw) came as nothing that is read")
            }
        }
        guard nodes[node]?.takers[connection]?.isOver == true else { return }
        nodes[node]?.takers[connection] = nil
        let asking = nodes[node]?.asking ?? []
        nodes[node]?.asking = []
        for (other, mail) in asking { take(mail, from: other, at: node) }
    }

    private func heardCount(_ connection: ConnectionID) -> [UInt8] {
        let count = sessions[connection]?.heard.count ?? 0
        return [8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }

    private mutating func adopt(
        _ connection: ConnectionID, from home: Incarnation, at node: Incarnation
    ) {
        // A node takes out the members of one that it knows to be dead.
        guard var version = versions.last, version[connection] == home,
            nodes[node]?.dead.contains(home) == false
        else {
            learn(versions.count - 1, at: node)
            strip { $0.key == connection && $0.value == home }
            return handle(.gone(.lost), connection, at: node)
        }
        version[connection] = node
        versions.append(version)
        learn(versions.count - 1, at: node)
        // What it answered last may be lost with it.
        if !isCalm, living.count > 2, Int.random(in: 0...9, using: &random) == 0 { kill(home) }
        for other in living where other != node {
            events.append((later(30), .learn(versions.count - 1, at: other)))
        }
        handle(.adopted(Self.room.name), connection, at: node)
    }

    // MARK: Giving

    private mutating func give(
        _ input: HandOverGiver.Input, _ attempt: UInt64, to other: Incarnation,
        at node: Incarnation
    ) {
        let giver = nodes[node]?.givers.first {
            $0.value.attempt == attempt && $0.value.taker == other
        }
        if let connection = giver?.key { give(input, connection, at: node) }
    }

    mutating func give(
        _ input: HandOverGiver.Input, _ connection: ConnectionID, at node: Incarnation
    ) {
        let effects = nodes[node]?.givers[connection]?.handle(input) ?? []
        perform(effects, of: connection, at: node)
    }

    private mutating func perform(
        _ effects: [HandOverGiver.Effect], of connection: ConnectionID, at node: Incarnation
    ) {
        guard let giver = nodes[node]?.givers[connection] else { return }
        for effect in effects {
            switch effect {
            case .settle: nodes[node]?.clients.remove(connection)
            case .freeze:
                nodes[node]?.sessions.remove(connection)
                let taken = nodes[node]?.inbox.freeze(connection, to: giver.taker) ?? [:]
                events.append((later(3), .frozen(connection, state(connection, taken), at: node)))
            case .send(let mail): nodes[node]?.lines[giver.taker]?.push(.handOver(mail))
            case .release:
                marks.insert(.released)
                nodes[node]?.clients.insert(connection)
            case .end:
                marks.insert(.ended)
                if !isSomewhere(connection, but: node) { sessions[connection]?.isLost = true }
                nodes[node]?.inbox.forgetDeparture(of: connection)
                strip { $0.key == connection && $0.value == node }
            case .forget: break
            }
        }
        if nodes[node]?.givers[connection]?.isOver == true { nodes[node]?.givers[connection] = nil }
    }

    private mutating func state(
        _ connection: ConnectionID, _ taken: [Incarnation: Set<UInt64>]
    ) -> HandOverState {
        let record = SessionRecord(
            connection: connection, clientID: "a", subject: "a:x", address: "",
            secret: SecretDigest(bits: UInt128(connection.raw)),
            token: .init(
                id: "", issuedAt: 0, expiresAt: 0, rooms: [], name: nil, secretDigest: []),
            rooms: [
                .init(room: Self.room.name, peerID: PeerID("p"), name: nil, order: 1, age: 0)
            ], EventHistory(limits: HistoryLimits()), at: 0)
        let length = [0, 0, 0, 100_000, 500_000].randomElement(using: &random) ?? 0
        return HandOverState(
            record, graceSeconds: 9, taken: taken,
            more: heardCount(connection) + Array(repeating: 0, count: length))
    }

    // MARK: Versions

    func learned(_ version: Int) -> (RoomDigest, Revision) -> Bool { { $1.raw <= UInt64(version) } }

    private mutating func learn(_ version: Int, at node: Incarnation) {
        guard let known = nodes[node]?.known, known < version else { return }
        nodes[node]?.known = version
        let isReady = learned(version)
        perform(nodes[node]?.inbox.learned(Self.room.digest, isReady: isReady) ?? [], at: node)
    }

    private mutating func strip(_ isGone: ((key: ConnectionID, value: Incarnation)) -> Bool) {
        guard let version = versions.last, version.contains(where: isGone) else { return }
        versions.append(version.filter { !isGone($0) })
        for node in living { events.append((later(20), .learn(versions.count - 1, at: node))) }
    }

    // MARK: Dying

    /// It may have gone on from the node that it was given to.
    private func isSomewhere(_ connection: ConnectionID, but node: Incarnation) -> Bool {
        living.contains { $0 != node && nodes[$0]?.sessions.contains(connection) == true }
    }

    mutating func kill(_ victim: Incarnation) {
        guard nodes[victim]?.isAlive == true else { return }
        marks.insert(.died)
        nodes[victim]?.isAlive = false
        for connection in sessions.keys {
            let isElsewhere = isSomewhere(connection, but: victim)
            let isHere =
                nodes[victim]?.sessions.contains(connection) == true
                || nodes[victim]?.givers[connection] != nil
            if isHere, !isElsewhere { sessions[connection]?.isLost = true }
        }
        for node in living { events.append((later(40), .died(victim, at: node))) }
        events.append((later(60), .strip(victim)))
    }

    mutating func perform(_ event: Event) {
        switch event {
        case .frame(let frame, let node): receive(frame, at: node)
        case .learn(let version, let node): if living.contains(node) { learn(version, at: node) }
        case .died(let victim, let node): if living.contains(node) { died(victim, at: node) }
        case .frozen(let connection, let state, let node):
            if living.contains(node) { give(.frozen(state, in: 1), connection, at: node) }
        case .adopt(let connection, let home, let node):
            if living.contains(node) { adopt(connection, from: home, at: node) }
        case .strip(let victim): strip { $0.value == victim }
        }
    }

    private mutating func died(_ victim: Incarnation, at node: Incarnation) {
        nodes[node]?.dead.insert(victim)
        nodes[node]?.lines[victim] = nil
        nodes[node]?.inbox.died(victim)
        nodes[node]?.asking.removeAll { $0.node == victim }
        let view = view(node)
        if let outcome = nodes[node]?.source.died(victim, home: { view[$0] }) {
            perform(outcome, at: node)
        }
        for connection in nodes[node]?.givers.keys.sorted() ?? []
        where nodes[node]?.givers[connection]?.taker == victim {
            give(.died, connection, at: node)
        }
        for connection in nodes[node]?.takers.keys.sorted() ?? [] {
            handle(.died(victim), connection, at: node)
        }
    }
}
