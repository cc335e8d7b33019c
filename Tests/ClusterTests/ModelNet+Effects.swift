import Cluster
import Rooms
import Signalling
import TestSupport

extension ModelNet {
    mutating func input(_ node: Int, _ input: RoomWriter.Input) {
        for effect in nodes[node].writer.handle(input) { perform(effect, at: node) }
    }

    private mutating func answer(_ node: Int, _ input: RoomWriter.Input) {
        events.append((later(), nodes[node].incarnation, .input(input)))
    }

    private mutating func perform(_ effect: RoomWriter.Effect, at node: Int) {
        switch effect {
        case .read(let request): read(node, request)
        case .write(let document, let base, let request): write(node, document, base, request)
        case .announce(let document, let revision, let others):
            for other in others.sorted() where !nodes[node].dead.contains(other) {
                send(.document(document, revision), from: node, to: other)
            }
        case .tell(let connection, let news):
            mark(news)
            nodes[node].clients[connection]?.hear(news)
        case .admitted(let connection):
            marks.insert(.admitted)
            nodes[node].clients[connection]?.isAdmitted = true
            checkAdmission(of: connection, at: node)
        case .refused(let connection, let error): refuse(connection, error, at: node)
        case .left: break
        case .ended(let connection, let reason):
            marks.insert(reason == .replaced ? .replaced : .takenOut)
            if reason != .replaced, !dead.contains(nodes[node].incarnation) {
                faults.append("\(connection.raw) was taken out of a living node's members")
            }
            dismiss(node, connection)
        case .empty(let revision):
            marks.insert(.empty)
            purges.append((now + ModelStore.staleness * 2, revision))
        }
    }

    private mutating func mark(_ news: RoomNews) {
        switch news {
        case .firstToJoin: marks.insert(.first)
        case .state(_, let others): if !others.isEmpty { marks.insert(.present) }
        case .joined: marks.insert(.joined)
        case .left: marks.insert(.left)
        }
    }

    private mutating func read(_ node: Int, _ request: UInt64) {
        guard !chance(10), nodes[node].writer.epoch == store.epoch else {
            return answer(node, .unreadable(request: request))
        }
        let version = isCalm ? store.newest : store.read(at: now, &random)
        if version.revision != store.newest.revision {
            marks.insert(version.document == nil ? .oldAbsence : .oldRead)
        }
        answer(node, .read(version.document, version.revision, request: request))
    }

    private mutating func write(
        _ node: Int, _ document: RoomDocument, _ base: Revision, _ request: UInt64
    ) {
        // A bucket's name is of its epoch: what is for another finds nobody.
        guard document.epoch == store.epoch, !chance(10) else {
            return answer(node, .unknown(request: request))
        }
        if chance(10) {
            let due = now + Int.random(in: 1..<ModelStore.staleness, using: &random)
            store.setLater(document, from: base, at: due)
            return answer(node, .unknown(request: request))
        }
        let revision = store.set(document, from: base, at: now)
        if revision == nil { marks.insert(.conflict) }
        if revision != nil, chance(8) {
            marks.insert(.silence)
            return answer(node, .unknown(request: request))
        }
        if chance(8) { return answer(node, .unknown(request: request)) }
        answer(
            node,
            revision.map { .accepted($0, request: request) } ?? .conflict(request: request))
    }

    /// A refusal must be right, or have been shortly before the join was asked for.
    private mutating func refuse(_ connection: ConnectionID, _ error: SignalError, at node: Int) {
        guard let client = nodes[node].clients[connection] else { return }
        dismiss(node, connection)
        marks.insert(.refused)
        let isRight = (store.versions + store.buried.joined()).contains { version in
            guard var room = version.document?.room,
                (version.end ?? .max) > client.since - ModelStore.staleness
            else { return false }
            do throws(SignalError) {
                _ = try room.join(client.member, membersMax: Self.membersMax)
                return false
            } catch let other {
                return other == error
            }
        }
        if !isRight { faults.append("\(connection.raw) was refused for nothing: \(error)") }
    }

    /// Whoever was there when it joined has been told of it.
    private mutating func checkAdmission(of connection: ConnectionID, at node: Int) {
        // Not of one that was given back to a new bucket, whose revisions say nothing of its join.
        let first = store.versions.first { version in
            version.document?.changes.contains {
                $0.connection == connection && $0.reason == nil
            } ?? false
        }
        guard let first, let document = first.document else { return }
        for other in nodes where other.isRunning && !dead.contains(other.incarnation) {
            let isThere = other.clients.keys.contains {
                document.home(of: $0) == other.incarnation
            }
            if isThere, other.writer.epoch == store.epoch, other.writer.revision < first.revision {
                faults.append(
                    "\(connection.raw) admitted before \(other.incarnation.raw) knew of it")
            }
        }
    }

    // MARK: The end

    /// All is mended, and what is on its way arrives.
    mutating func settle() {
        isCalm = true
        cuts = []
        random = SeededGenerator(seed: 9)
        for _ in 0..<600 {
            turn()
            let isIdle = nodes.allSatisfy { node in
                node.isRunning && !dead.contains(node.incarnation)
                    && node.clients.values.allSatisfy(\.isAdmitted)
                    && node.links.values.allSatisfy { $0.isIdle }
            }
            if isIdle, events.isEmpty, deaths.isEmpty, quiets.isEmpty, purges.isEmpty, !isRestoring
            {
                return
            }
        }
        let state = nodes.map { node in
            "\(node.incarnation.raw): idle \(node.writer.isIdle), waits for "
                + "\(node.clients.values.filter { !$0.isAdmitted }.map(\.member.connection.raw)), "
                + "mail to \(node.links.filter { !$0.value.isIdle }.keys.map(\.raw))"
        }
        faults.append("no rest: \(state), restoring \(isRestoring), \(events.count) events")
    }

    mutating func check() {
        replay()
        let document = store.newest.document
        let members = document?.room.members ?? []
        let here = nodes.flatMap { node in node.clients.values.map { (node.incarnation, $0) } }
        // A node that is dead may leave members in a room where nobody is to be told.
        let isEmpty =
            here.isEmpty
            && members.allSatisfy { member in
                document?.home(of: member.connection).map { dead.contains($0) } ?? false
            }
        if !isEmpty, Set(members.map(\.connection)) != Set(here.map(\.1.member.connection)) {
            faults.append(
                "in the store \(members.map(\.connection.raw)), at the nodes "
                    + "\(here.map(\.1.member.connection.raw).sorted())")
            return
        }
        for (node, client) in here { check(client, at: node, members) }
    }

    private mutating func check(
        _ client: ModelClient, at node: Incarnation, _ members: [RoomMember]
    ) {
        let id = client.member.connection
        let seat = store.newest.document?.seats[id]
        if let fault = client.fault { faults.append("\(id.raw): \(fault)") }
        if !client.isAdmitted { faults.append("\(id.raw) never was admitted") }
        if seat?.home != node { faults.append("\(id.raw) is elsewhere") }
        if client.firsts != (seat?.isFirst == true ? 1 : 0) {
            faults.append("\(id.raw) was told \(client.firsts) times that it is the first")
        }
        guard let own = members.first(where: { $0.connection == id }) else { return }
        for other in members where other.connection != id {
            let isKnown = client.others[other.connection] == other.order
            if !isKnown, own.isV1 || other.order > own.order {
                faults.append("\(id.raw) knows nothing of \(other.connection.raw)")
            }
        }
        if own.isV1, client.others.count != members.count - 1 {
            faults.append("\(id.raw) knows \(client.others.keys.map(\.raw)), who are gone")
        }
    }

    /// Each version has to come from the one before by leaves and joins of a `Room` of one process.
    private mutating func replay() {
        for versions in store.buried + [store.versions] {
            for (old, new) in zip(versions, versions.dropFirst()) {
                if let document = new.document { replay(old.document, document) }
            }
        }
    }

    private mutating func replay(_ old: RoomDocument?, _ new: RoomDocument) {
        let base = old?.room ?? Room()
        var room = Room(base.members, after: base.lastOrder)
        let orders = Set(base.members.map(\.order))
        let kept = Set(new.room.members.map(\.order))
        // What a new bucket was given back joined long ago.
        let joiners = new.room.members.filter { member in
            !orders.contains(member.order)
                && new.changes.contains { $0.order == member.order && $0.reason == nil }
        }.sorted { $0.order < $1.order }
        for member in base.members where !kept.contains(member.order) {
            if new.reason(for: member) != .replaced {
                room.leave(member.connection)
            } else if let newer = joiners.first(where: { $0.peerID == member.peerID && $0.isV1 }),
                newer.connection < member.connection,
                old?.home(of: member.connection) == new.home(of: newer.connection)
            {
                faults.append("\(newer.connection.raw) came first and took another's place")
            }
        }
        for joiner in joiners {
            guard let joined = try? room.join(joiner, membersMax: Self.membersMax) else {
                faults.append("\(joiner.connection.raw) must not have joined")
                continue
            }
            let isFirst = new.seats[joiner.connection]?.isFirst
            // One that came and was replaced in the same write is seen in its order alone.
            let isWhole = joiner.order == room.lastOrder
            if isWhole, isFirst != joined.others.isEmpty {
                faults.append("\(joiner.connection.raw): first is \(String(describing: isFirst))")
            }
        }
    }
}
