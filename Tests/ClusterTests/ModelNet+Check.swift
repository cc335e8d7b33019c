import Cluster
import Rooms
import Signalling
import TestSupport

/// What has to be so.
extension ModelNet {
    /// Of two nodes of one name, one is none.
    mutating func checkNames() {
        let members = hosts.filter {
            $0.isRunning && $0.node.standing == .member && !isGone($0.node.incarnation)
        }
        if Set(members.map(\.name)).count < members.count { faults.append("two of one name") }
    }

    mutating func checkFormats(_ host: Int) {
        let others = hosts.filter { $0.isRunning && $0.node.standing == .member }
        if others.contains(where: { $0.reads != hosts[host].reads }) { marks.insert(.mixed) }
        if hosts[host].reads > 1 {
            upgraded.insert(hosts[host].name)
        } else if upgraded.contains(hosts[host].name) {
            marks.insert(.rolledBack)
        }
    }

    /// A node could not read what came in a frame, which may be a room of a format that was raised
    /// just now.
    mutating func checkFrame(_ bytes: [UInt8], at host: Int) {
        let mails = (try? ClusterFrame(bytes))?.line.mails ?? []
        let isLeftBehind = mails.contains { mail in
            guard case .document(_, _, let bytes, _) = mail else { return false }
            return bytes[2] > hosts[host].reads
        }
        if !isLeftBehind { faults.append("\(hosts[host].name) can't read what another says") }
    }

    /// All is mended, and what is on its way arrives.
    mutating func settle() {
        isCalm = true
        heal()
        store.elections = 0
        // With other settings it may have been there first, when all were gone.
        if hosts.count > 3, hosts[3].name == "m" {
            kill(3)
            (hosts[3].hasEnded, hosts[3].restartAt) = (true, nil)
        }
        for host in hosts.indices { (hosts[host].frozenUntil, hosts[host].lagsUntil) = (0, 0) }
        random = SeededGenerator(seed: 9)
        for _ in 0..<600 {
            turn()
            if !faults.isEmpty || isAtRest { return }
        }
        let state = hosts.map { host in
            "\(host.name): \(host.isRunning ? "\(host.node.standing)" : "off"), at rest "
                + "\(host.node.isAtRest), waits for "
                + "\(host.clients.values.filter { !$0.isAdmitted }.map(\.member.connection.raw))"
        }
        faults.append("no rest: \(state)")
    }

    private var isAtRest: Bool {
        let living = Set(hosts.filter(\.isRunning).map(\.node.incarnation))
        let areUp = hosts.allSatisfy { host in
            host.isRunning
                ? host.node.standing == .member && host.node.isAtRest && host.watched.isEmpty
                    && host.clients.values.allSatisfy(\.isAdmitted) && host.connectAt == nil
                    && host.looksAt == nil && host.shelvesSince == nil
                    && host.events.allSatisfy { if case .answer = $0.event { true } else { false } }
                : host.restartAt == nil && host.hasEnded
        }
        guard areUp else { return false }
        let running = hosts.filter(\.isRunning)
        if !running.isEmpty, running.allSatisfy({ $0.reads == 2 }), store.format != 2 {
            return false
        }
        // What nobody is in is taken away, whoever has left it there.
        let areSwept = Self.places.allSatisfy { place in
            store.newest(.room(place.digest)).bytes == nil
                || hosts.contains { $0.clients.values.contains { $0.place == place } }
        }
        guard areSwept || running.isEmpty else { return false }
        // Nobody is taken for alive who is not.
        return resumes.isEmpty
            && store.keys.allSatisfy { key, versions in
                guard case .node(let id) = key, let bytes = versions.last?.bytes,
                    let record = try? NodeRecord(bytes), record.epoch == store.epoch,
                    record.state == .alive
                else { return true }
                return living.contains(id)
            }
    }

    mutating func check() {
        for place in Self.places {
            replay(place.digest)
            check(place)
        }
        for (number, payload) in payloads.sorted(by: { $0.key < $1.key }) { check(number, payload) }
        for (_, kick) in kicks where !kick.isAnswered && host(of: kick.asker) != nil {
            faults.append("a kick was not answered")
        }
        for (_, kick) in kicks where isOrderly && kick.isAnswered && place(of: kick.target) != nil {
            faults.append("\(kick.target.raw) was kicked, and is there")
        }
        for (_, list) in lists where !list.isDone && host(of: list.asker) != nil {
            faults.append("a list was not ended")
        }
        for (id, session) in transit where host(of: session.giver) != nil {
            faults.append("\(id.raw) is on its way for ever")
        }
    }

    private mutating func check(_ number: UInt64, _ payload: ModelPayload) {
        guard host(of: payload.senderHome) != nil else { return }
        if payload.isKept == nil { faults.append("\(number) was not answered") }
        guard payload.target == nil, payload.isKept == true else { return }
        for target in payload.targets.keys where !payload.delivered.contains(target) {
            // It is there still, so it was there all the time.
            if let host = place(of: target), hosts[host].clients[target]?.moves == 0,
                !isOut(payload)
            {
                faults.append("\(number) was kept, and \(target.raw) never heard it")
            }
        }
    }

    private mutating func check(_ place: RoomPlace) {
        let document = store.document(place.digest)
        let members = document?.room.members ?? []
        let here = hosts.flatMap { host in
            host.clients.values.filter { $0.place == place }.map { (host, $0) }
        }
        if Set(members.map(\.connection)) != Set(here.map(\.1.member.connection)) {
            faults.append(
                "in the store \(members.map(\.connection.raw)), at the nodes "
                    + "\(here.map(\.1.member.connection.raw).sorted())")
            return
        }
        for (host, client) in here { check(client, at: host, members, document) }
    }

    private mutating func check(
        _ client: ModelClient, at host: ModelHost, _ members: [RoomMember],
        _ document: RoomDocument?
    ) {
        let id = client.member.connection
        let seat = document?.seats[id]
        if let fault = client.fault { faults.append("\(id.raw): \(fault)") }
        if seat?.home != host.node.incarnation { faults.append("\(id.raw) is elsewhere") }
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
        let view = host.views[client.place.digest]
        if view?.room.members.map(\.connection) != members.map(\.connection) {
            faults.append("the relay of \(host.name) has another room")
        }
        let distant = document?.seats.values.count { $0.home != host.node.incarnation }
        if view?.elsewhere.count != distant {
            faults.append("the relay of \(host.name) looks for somebody here, or nobody elsewhere")
        }
        for (other, home) in view?.elsewhere ?? [:] where document?.home(of: other) != home {
            faults.append("the relay of \(host.name) looks for \(other.raw) elsewhere")
        }
    }

    /// Each version has to come from the one before by leaves and joins of a `Room` of one process.
    private mutating func replay(_ room: RoomDigest) {
        for keys in store.buried + [store.keys] {
            let versions = keys[.room(room)] ?? []
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
