import Cluster
import Identifiers
import Rooms
import Sessions
import Signalling
import TestSupport

/// Clients that show up at other nodes, and nodes that have others take their sessions.
extension ModelNet {
    /// A client waits at a node for its session.
    struct Resume {
        let connection: ConnectionID
        let node: Incarnation
        let claim: SessionClaim
        var isForged: Bool { claim != ModelNet.claim(of: connection) }
    }

    /// A session that is at no relay, with who gave it.
    struct Transit {
        var client: ModelClient
        let giver: Incarnation
        /// The newest format that it reads; nil where that is no process any more.
        var giverReads: UInt8?
    }

    static func secret(of connection: ConnectionID) -> SecretDigest {
        SecretDigest(bits: UInt128(connection.raw))
    }

    static func claim(of connection: ConnectionID) -> SessionClaim {
        SessionClaim(secret(of: connection), clientID: "a", subject: "a:x")
    }

    /// Nothing befell the nodes by which a session may be lost.
    var isUnharmed: Bool { !hasDied && unlisted.isEmpty && store.buried.isEmpty }

    /// Where a session is, if it is at a relay.
    func place(of connection: ConnectionID) -> Int? {
        hosts.indices.first { hosts[$0].isRunning && hosts[$0].clients[connection] != nil }
    }

    /// A living node has it.
    func isThere(_ connection: ConnectionID) -> Bool {
        place(of: connection).map { !isGone(hosts[$0].node.incarnation) } == true
    }

    func isOnItsWay(_ connection: ConnectionID) -> Bool {
        transit[connection].map { !isOver($0.client) } == true
    }

    // MARK: Steps

    mutating func resume(_ host: Int, _ member: Int, isForged: Bool) {
        guard isAwake(host), hosts[host].node.standing == .member, !hosts[host].isLeaving,
            hosts[host].looksAt == nil
        else { return }
        var clients = transit.mapValues(\.client).merging(shelved) { one, _ in one }
        for other in hosts where other.isRunning {
            for (id, client) in other.clients where client.member.isV1 { clients[id] = client }
        }
        let ids = clients.keys.sorted()
        guard !ids.isEmpty else { return }
        let id = ids[member % ids.count]
        guard let home = clients[id]?.secretHome else { return }
        if !isForged {
            detach(id)
            if member % 2 == 0 { abandon { $0.connection == id && !$0.isForged } }
        }
        if hosts[host].clients[id] != nil {
            if !isForged { hosts[host].clients[id]?.attach() }
            return
        }
        guard isForged else { return claim(id, Self.claim(of: id), from: home, at: host) }
        // Some know the secret, and are another; some know nothing, and others' homes.
        let stolen = SessionClaim(Self.secret(of: id), clientID: "a", subject: "a:y")
        let forged = SessionClaim(SecretDigest(bits: 0), clientID: "a", subject: "a:x")
        claim(id, chance(2) ? stolen : forged, from: home, at: host)
        guard chance(2) else { return }
        let nowhere = SessionClaim(SecretDigest(bits: 1), clientID: "a", subject: "a:y")
        let other = hosts[Int.random(in: hosts.indices, using: &random)].node.incarnation
        claim(id, nowhere, from: chance(2) ? other : Incarnation(raw: 1 << 60), at: host)
        if member % 2 == 0 { abandon { $0.connection == id && $0.claim == nowhere } }
    }

    /// Their connections are gone.
    private mutating func abandon(_ isMeant: (Resume) -> Bool) {
        let gone = resumes.filter(isMeant)
        resumes.removeAll(where: isMeant)
        for resume in gone {
            guard let host = self.host(of: resume.node), isAwake(host) else { continue }
            marks.insert(.abandoned)
            input(host, .abandon(resume.connection, resume.claim))
        }
    }

    private mutating func claim(
        _ id: ConnectionID, _ claim: SessionClaim, from home: Incarnation, at host: Int
    ) {
        let node = hosts[host].node.incarnation
        resumes.append(Resume(connection: id, node: node, claim: claim))
        tick(host)
        input(host, .resume(id, claim, home: home))
    }

    private mutating func detach(_ id: ConnectionID) {
        for host in hosts.indices { hosts[host].clients[id]?.isAttached = false }
        transit[id]?.client.isAttached = false
        shelved[id]?.isAttached = false
    }

    mutating func drain(_ host: Int) {
        guard isAwake(host), !hosts[host].isLeaving, hosts[host].drainsSince == nil,
            hosts[host].node.standing == .member
        else { return }
        hosts[host].drainsSince = now
    }

    /// A node that is about to end looks for who is still here.
    mutating func goOnDraining(_ host: Int) {
        guard let since = hosts[host].drainsSince, (now - since) % 8 == 0 else { return }
        let node = hosts[host].node.incarnation
        let here = hosts[host].clients.filter { $0.value.member.isV1 }
        let drainable = here.filter { id, client in
            client.stage == .home && client.isAdmitted && !hosts[host].undrainable.contains(id)
        }
        if !drainable.isEmpty || since == now {
            let list = drainable.keys.sorted().map { id in
                ClusterNode.Draining(id, room: drainable[id]?.place.digest)
            }
            input(host, .drain(list))
        }
        let rest = here.keys.filter { !hosts[host].undrainable.contains($0) }
        let isGiving = transit.values.contains { $0.giver == node }
        let isTaking = resumes.contains { $0.node == node }
        if rest.isEmpty && !isGiving && !isTaking || now - since > 400 { farewell(host) }
    }

    /// Sessions that are wanted elsewhere. What bears no `ack` is not known to be unanswered.
    mutating func settleClients(_ host: Int) {
        for id in hosts[host].clients.keys.sorted() {
            guard let client = hosts[host].clients[id], client.stage == .settling,
                client.isAdmitted, client.settlesAt <= now
            else { continue }
            hosts[host].clients[id]?.stage = .settled
            input(host, .settled(id, rooms: [client.place]))
        }
    }

    // MARK: What a node says

    mutating func move(_ effect: ClusterNode.Effect, at host: Int) {
        switch effect {
        case .settle(let id, let claim): settle(id, claim, at: host)
        case .freeze(let id): freeze(id, at: host)
        case .release(let id):
            marks.insert(.released)
            hosts[host].clients[id]?.stage = .home
        case .end(let id, let reason): end(id, reason, at: host)
        case .forget(let id):
            if transit[id]?.giver == hosts[host].node.incarnation { lose(id, .gone) }
        case .arrive(let id, let record, let rooms, _): arrive(id, record, rooms, at: host)
        case .shelved(let states): shelve(states, at: host)
        case .cameBack(let id, let isHere): cameBack(id, isHere: isHere, at: host)
        case .resumable(let id): resumable(id, at: host)
        case .unresumable(let id, let claim): unresumable(id, claim, at: host)
        case .undrainable(let id):
            marks.insert(.undrainable)
            hosts[host].undrainable.insert(id)
            let isAlone = !hosts.contains { other in
                other.isRunning && other.drainsSince == nil && !other.isLeaving
                    && other.node.incarnation != hosts[host].node.incarnation
                    && other.node.standing == .member
            }
            if isOrderly, !isAlone { faults.append("\(id.raw) could go, and is undrainable") }
        default: break
        }
    }

    private mutating func settle(_ id: ConnectionID, _ claim: SessionClaim?, at host: Int) {
        guard let client = hosts[host].clients[id], client.member.isV1, client.stage == .home,
            claim == nil || claim == Self.claim(of: id)
        else {
            hosts[host].following.append(.unsettled(id))
            return
        }
        hosts[host].clients[id]?.isAttached = false
        hosts[host].clients[id]?.stage = .settling
        // Some take so long that the node that asks may die meanwhile.
        let due = later(id.raw % 4 == 0 ? 70 : 3)
        hosts[host].clients[id]?.settlesAt = due
    }

    private mutating func freeze(_ id: ConnectionID, at host: Int) {
        guard let client = hosts[host].clients.removeValue(forKey: id) else {
            hosts[host].following.append(.sessionEnded(id, .lost))
            return
        }
        let view = hosts[host].views[client.place.digest]
        if let view, view.elsewhere[id] == nil || view.elsewhere[id] == hosts[host].node.incarnation
        {
            faults.append("\(id.raw) is frozen, and sought here")
        }
        if transit[id] != nil { faults.append("\(id.raw) goes to two nodes") }
        transit[id] = Transit(
            client: client, giver: hosts[host].node.incarnation, giverReads: hosts[host].reads)
        hosts[host].following.append(.frozen(id, Self.record(id, client), graceSeconds: 9))
    }

    static func record(_ id: ConnectionID, _ client: ModelClient) -> SessionRecord {
        let length = id.raw % 3 == 0 ? 200_000 : 10
        return SessionRecord(
            connection: id, clientID: "a", subject: "a:x", address: "", secret: secret(of: id),
            token: .init(
                id: String(repeating: "j", count: length), issuedAt: 0, expiresAt: 0, rooms: [],
                name: nil, secretDigest: []),
            rooms: [
                .init(
                    room: client.place.name, peerID: client.member.peerID, name: nil,
                    order: client.order ?? 0, age: 0)
            ], EventHistory(limits: HistoryLimits()), at: 0)
    }

    private mutating func arrive(
        _ id: ConnectionID, _ record: SessionRecord, _ rooms: [RoomPlace], at host: Int
    ) {
        guard let session = transit.removeValue(forKey: id) else {
            // Who was declared dead and has not heard so may still take it, and soon ends.
            if !isGone(hosts[host].node.incarnation) {
                faults.append("\(id.raw) comes, and was not on its way")
            }
            return
        }
        marks.insert(.moved)
        var client = session.client
        if let reads = session.giverReads, reads != hosts[host].reads {
            marks.insert(reads < hosts[host].reads ? .movedUp : .movedDown)
        }
        let node = hosts[host].node.incarnation
        if rooms != [client.place] || record.rooms.first?.order != client.order {
            faults.append("\(id.raw) comes with other rooms")
        }
        let view = hosts[host].views[client.place.digest]
        if view?.room.member(id) == nil || view?.elsewhere[id] != node {
            faults.append("\(id.raw) comes, and is not there")
        }
        client.stage = .home
        client.moves += 1
        hosts[host].clients[id] = client
        guard !isOrderly, chance(20) else { return }
        marks.insert(.unwanted)
        dismiss(host, id)
        hosts[host].following.append(.sessionEnded(id, .lost))
    }

    private mutating func resumable(_ id: ConnectionID, at host: Int) {
        let node = hosts[host].node.incarnation
        let waiting = resumes.filter { $0.connection == id && $0.node == node }
        resumes.removeAll { $0.connection == id && $0.node == node }
        guard hosts[host].clients[id] != nil else { return }
        guard waiting.contains(where: { !$0.isForged }) else {
            if waiting.isEmpty { marks.insert(.drained) }
            return
        }
        marks.insert(.resumed)
        if hosts[host].clients[id]?.wasShelved == true { marks.insert(.resumedBack) }
        hosts[host].clients[id]?.secretHome = node
        hosts[host].clients[id]?.attach()
    }

    private mutating func unresumable(_ id: ConnectionID, _ claim: SessionClaim, at host: Int) {
        let node = hosts[host].node.incarnation
        let isAnswered = { (resume: Resume) in
            resume.connection == id && resume.node == node && resume.claim == claim
        }
        let waiting = resumes.filter(isAnswered)
        resumes.removeAll(where: isAnswered)
        if waiting.isEmpty { faults.append("\(id.raw): nobody asked whether it can resume") }
        marks.insert(.unresumable)
        guard waiting.contains(where: { !$0.isForged }), isUnharmed else { return }
        // Whoever has it since it lay on a shelf may have begun just now.
        let client = place(of: id).flatMap { hosts[$0].clients[id] } ?? transit[id]?.client
        if place(of: id) != nil || isOnItsWay(id), client?.wasShelved != true {
            faults.append("\(id.raw) can't be resumed, and is there")
        }
    }

    private mutating func end(_ id: ConnectionID, _ reason: LeaveReason, at host: Int) {
        guard transit[id]?.giver == hosts[host].node.incarnation else { return }
        lose(id, .ended)
    }

    private mutating func lose(_ id: ConnectionID, _ mark: ModelMark) {
        guard let client = transit.removeValue(forKey: id)?.client else { return }
        marks.insert(mark)
        if mark == .ended { lost.insert(id) }
        if let fault = client.fault { faults.append("\(id.raw): \(fault)") }
        if isUnharmed, !isOver(client) { faults.append("\(id.raw) was lost on its way") }
    }

    /// Its sender was taken out of the room.
    func isOut(_ payload: ModelPayload) -> Bool {
        isGone(payload.senderHome) || isOver(payload.sender, in: payload.place)
    }

    func isOver(_ client: ModelClient) -> Bool {
        isOver(client.member.connection, in: client.place)
    }

    /// Another has taken its place.
    private func isOver(_ connection: ConnectionID, in place: RoomPlace) -> Bool {
        (store.buried + [store.keys]).contains { keys in
            keys[.room(place.digest)]?.contains { version in
                version.document?.hasReplaced(connection) == true
            } ?? false
        }
    }
}
