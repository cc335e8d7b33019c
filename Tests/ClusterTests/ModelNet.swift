import Cluster
import Identifiers
import Rooms
import Signalling
import TestSupport

/// Several nodes with some rooms, over an imagined store and imagined lines.
struct ModelNet {
    static let membersMax = 6
    static let stepMilliseconds: Int64 = 50
    static let places = ["r", "s", "t"].enumerated().map { index, name in
        RoomPlace(
            digest: RoomDigest(bytes: Array(repeating: UInt8(index + 1), count: 32)),
            clientID: "a", name: RoomName(name))
    }

    var random = SeededGenerator(seed: 0)
    var store = ModelStore()
    var hosts: [ModelHost] = []
    var cuts: Set<[Int]> = []
    var now = 0
    var isCalm = false
    var isSmooth = false
    var isOrderly = false
    var lastNumber: UInt64 = 0
    var faults: [String] = []
    var marks: Set<ModelMark> = []
    /// Who was declared dead or has left, by an accepted write at this step.
    var fallen: [Incarnation: (step: Int, epoch: BucketEpoch)] = [:]
    /// Some were declared dead.
    var hasDied = false
    /// Who was not there when a bucket was opened.
    var unlisted: Set<Incarnation> = []
    var payloads: [UInt64: ModelPayload] = [:]
    /// Names of nodes that were members and read the second format.
    var upgraded: Set<String> = []
    /// By their tickets.
    var kicks: [UInt64: (asker: Incarnation, target: ConnectionID, isAnswered: Bool)] = [:]
    var lists: [UInt64: ModelList] = [:]
    var transit: [ConnectionID: Transit] = [:]
    var resumes: [Resume] = []
    /// Who ever was let in.
    var admitted: Set<ConnectionID> = []
    /// Whose sessions ended with their nodes.
    var lost: Set<ConnectionID> = []
    /// Where sessions ended.
    var ends: [ConnectionID: Incarnation] = [:]
    var depth = 0
    /// By the node's name, and who of it is on none that was read.
    var shelves: [String: ModelShelf] = [:]
    var shelved: [ConnectionID: ModelClient] = [:]

    init(nodes count: Int) {
        for index in 0..<count { hosts.append(start("n\(index)")) }
    }

    /// Three nodes, all of them members.
    static let begun: ModelNet = {
        var net = ModelNet(nodes: 3)
        net.isCalm = true
        while net.hosts.contains(where: { $0.node.standing != .member }), net.now < 200 {
            net.turn()
        }
        net.isCalm = false
        return net
    }()

    mutating func number() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    mutating func start(
        _ name: String, setting: String = "a", reads: UInt8 = 1
    ) -> ModelHost {
        let node = ClusterNode(
            ModelHost.configuration(
                name, setting: setting, reads: reads, awaitsShelf: shelves[name] != nil),
            Incarnation(raw: number()))
        // An hour apart, and more; and none goes as fast as another.
        let hours = number()
        var host = ModelHost(
            name: name, node, clock: Int64(hours) * 3_600_000,
            rate: 980 + Int64(hours * 7 % 41))
        host.connectAt = now
        return host
    }

    mutating func chance(_ of: Int) -> Bool {
        !isCalm && Int.random(in: 0..<of, using: &random) == 0
    }

    mutating func later(_ most: Int = 3) -> Int {
        now + Int.random(in: 0...(isCalm ? 1 : most), using: &random)
    }

    func host(of incarnation: Incarnation) -> Int? {
        hosts.indices.first { hosts[$0].isRunning && hosts[$0].node.incarnation == incarnation }
    }

    /// It was declared dead, or left out of a new bucket.
    func isGone(_ incarnation: Incarnation) -> Bool {
        fallen[incarnation] != nil || unlisted.contains(incarnation)
    }

    // MARK: Steps

    mutating func take(_ step: ModelStep) {
        random = SeededGenerator(seed: step.seed)
        perform(step.kind)
        for _ in 0..<Int.random(in: 0...12, using: &random) { turn() }
    }

    private mutating func perform(_ step: ModelStep.Kind) {
        switch step {
        case .join(let host, let room, let peer, let isV1): join(host, room, peer, isV1)
        case .leave(let host, let member):
            if let id = client(host, member), hosts[host].clients[id]?.stage != .settled {
                leave(host, id, .left)
            }
        case .say(let host, let member, let target):
            if let id = client(host, member) { say(host, id, target) }
        case .kick(let host, let member): kick(host, member)
        case .list(let host): list(host)
        case .resume(let host, let member, let isForged):
            resume(host, member, isForged: isForged)
        case .drain(let host): drain(host)
        case .shelve(let host): shelve(host)
        case .kill(let host): kill(resumes.last.flatMap { self.host(of: $0.node) } ?? host)
        case .farewell(let host): farewell(host)
        case .change(let host):
            hosts[host].nextReads = hosts[host].reads == 1 ? 2 : 1
            farewell(host)
        case .freeze(let host, let steps):
            if isAwake(host) { hosts[host].frozenUntil = now + steps }
        case .lag(let host, let steps): hosts[host].lagsUntil = now + steps
        case .cutStore(let host, let isTold):
            hosts[host].isStoreCut = true
            if isTold { disconnect(host) }
        case .cut(let from, let to): cuts.insert([from, to])
        case .isolate(let host):
            hosts[host].isStoreCut = true
            for other in 0..<4 { cuts.formUnion([[host, other], [other, host]]) }
        case .heal: heal()
        case .vanish: vanish()
        case .election(let steps): store.elections = max(store.elections, now + steps)
        case .intrude(let host, let isAlike): intrude(host, isAlike: isAlike)
        }
    }

    func isAwake(_ host: Int) -> Bool {
        host < hosts.count && hosts[host].isRunning && hosts[host].frozenUntil <= now
    }

    private func client(_ host: Int, _ index: Int) -> ConnectionID? {
        guard isAwake(host), !hosts[host].clients.isEmpty else { return nil }
        let ids = hosts[host].clients.keys.sorted()
        return ids[index % ids.count]
    }

    private mutating func join(_ host: Int, _ room: Int, _ peer: Int, _ isV1: Bool) {
        // Nobody is let in before the shelf was looked at.
        guard isAwake(host), hosts[host].looksAt == nil else { return }
        let route: RoomMember.Route = isV1 ? .v1(subject: "a:\(peer % 4)") : .classic(address: 0)
        let id = number()
        let member = RoomMember(
            connection: ConnectionID(raw: id), route: route, peerID: PeerID("p\(peer % 3)"))
        let place = Self.places[room]
        let sdp = id % 2 == 0 ? Array("\(id)".utf8) : nil
        tick(host)
        guard hosts[host].isRunning else { return }
        hosts[host].clients[member.connection] = ModelClient(
            member, in: place, sdp: sdp, since: now, at: hosts[host].node.incarnation)
        let mayJoin = hosts[host].node.standing == .member && !hosts[host].isLeaving
        input(host, .join(member, place, sdp: sdp))
        if !mayJoin, hosts[host].clients[member.connection] != nil {
            faults.append("\(id) may join a node that is \(hosts[host].node.standing)")
        }
    }

    mutating func leave(_ host: Int, _ id: ConnectionID, _ reason: LeaveReason) {
        guard let client = hosts[host].clients[id] else { return }
        dismiss(host, id)
        tick(host)
        input(host, .leave(id, client.place, reason))
        input(host, .sessionEnded(id, reason))
    }

    private mutating func say(_ host: Int, _ id: ConnectionID, _ target: Int?) {
        guard let client = hosts[host].clients[id], client.isAdmitted, client.isAttached,
            let view = hosts[host].views[client.place.digest], view.room.member(id) != nil
        else { return }
        let all = view.room.members.map(\.connection).filter { $0 != id }.sorted()
        guard !all.isEmpty else { return }
        let one = target.map { all[$0 % all.count] }
        let home = one.flatMap { view.elsewhere[$0] }
        let ticket = number()
        let own = hosts[host].node.incarnation
        let targets = one.map { [$0] } ?? all
        payloads[ticket] = ModelPayload(
            sender: id, senderHome: own, place: client.place, target: one,
            targets: Dictionary(
                uniqueKeysWithValues: targets.map { ($0, view.elsewhere[$0] ?? own) }))
        for target in targets where view.elsewhere[target] == nil {
            guard hosts[host].clients[target] != nil else { continue }
            hosts[host].clients[target]?.hear(payload: ticket, from: id)
            payloads[ticket]?.delivered.insert(target)
        }
        let others = targets.filter { view.elsewhere[$0] != nil }
        guard !others.isEmpty else {
            payloads[ticket]?.isKept = true
            return
        }
        let outgoing = OutgoingPayload(
            room: client.place, sender: id,
            target: one.flatMap { one in home.map { .member(one, at: $0) } } ?? .members(others),
            event: Array("\(ticket)".utf8), ticket: ticket)
        tick(host)
        switch hosts[host].node.send(outgoing) {
        case .taken(let effects): for effect in effects { perform(effect, at: host) }
        case .full: payloads[ticket] = nil
        }
    }

    private mutating func kick(_ host: Int, _ member: Int) {
        let all = (hosts.flatMap { $0.clients.keys } + transit.keys).sorted()
        guard isAwake(host), hosts[host].node.standing == .member, !all.isEmpty else { return }
        let ticket = number()
        let target = all[member % all.count]
        kicks[ticket] = (hosts[host].node.incarnation, target, false)
        tick(host)
        input(host, .kick(target, ticket: ticket))
    }

    mutating func kill(_ host: Int) {
        guard host < hosts.count, hosts[host].isRunning else { return }
        lost.formUnion(hosts[host].clients.keys)
        for id in hosts[host].clients.keys { dismiss(host, id) }
        forgetResumes(host)
        hosts[host].isRunning = false
        hosts[host].restartAt = now + Int.random(in: 2...50, using: &random)
    }

    mutating func forgetResumes(_ host: Int) {
        let node = hosts[host].node.incarnation
        resumes.removeAll { $0.node == node }
    }

    mutating func farewell(_ host: Int) {
        guard isAwake(host) else { return }
        hosts[host].drainsSince = nil
        for id in hosts[host].clients.keys.sorted() { leave(host, id, .closed) }
        tick(host)
        hosts[host].isLeaving = true
        input(host, .farewell)
    }

    private mutating func intrude(_ host: Int, isAlike: Bool) {
        guard hosts.count == 3 || !hosts[3].isRunning else { return }
        if hosts.count > 3 { hosts.removeLast() }
        let reads = hosts[host].nextReads
        hosts.append(
            isAlike ? start("n\(host)", reads: reads) : start("m", setting: "b", reads: reads))
    }

    mutating func heal() {
        cuts = []
        for host in hosts.indices where hosts[host].isStoreCut {
            hosts[host].isStoreCut = false
            if !hosts[host].isConnected { hosts[host].connectAt = later(5) }
        }
    }

    private mutating func vanish() {
        store.vanish()
        for host in hosts.indices where hosts[host].isRunning {
            hosts[host].connectAt = later(20)
            hosts[host].watched = []
        }
    }

    mutating func dismiss(_ host: Int, _ connection: ConnectionID) {
        guard let client = hosts[host].clients.removeValue(forKey: connection) else { return }
        ends[connection] = hosts[host].node.incarnation
        if let fault = client.fault { faults.append("\(connection.raw): \(fault)") }
    }

    // MARK: Time

    mutating func turn() {
        now += 1
        for change in store.pass(to: now) {
            marks.insert(.lateWrite)
            accepted(change)
        }
        for host in hosts.indices where isAwake(host) { turn(host) }
        for host in hosts.indices {
            guard let due = hosts[host].restartAt, due <= now, !isSomebodyAlone else { continue }
            hosts[host] = start(hosts[host].name, reads: hosts[host].nextReads)
            marks.insert(.restarted)
        }
    }

    mutating func tick(_ host: Int) {
        let passed = Int64(now) * Self.stepMilliseconds * hosts[host].rate / 1000
        let now = passed + hosts[host].clock
        input(host, .tick(now))
    }

    private mutating func turn(_ host: Int) {
        // Ten times a second, and before all else.
        let isQuiet =
            hosts[host].heartbeats.isEmpty && hosts[host].watched.isEmpty
            && hosts[host].events.isEmpty && hosts[host].connectAt == nil
        if isQuiet, (now + host) % 2 == 0 { return }
        tick(host)
        if let due = hosts[host].connectAt, due <= now, !hosts[host].isStoreCut { connect(host) }
        for heartbeat in hosts[host].heartbeats { input(host, .bus(.heartbeat(heartbeat))) }
        hosts[host].heartbeats = []
        if !hosts[host].isStoreCut, hosts[host].isConnected, hosts[host].lagsUntil <= now {
            let most = hosts[host].watched.count
            let count = isCalm ? most : Int.random(in: 0...most, using: &random)
            let events = hosts[host].watched.prefix(count)
            hosts[host].watched.removeFirst(count)
            for event in events { input(host, .bus(event)) }
        }
        while hosts[host].isRunning,
            let index = hosts[host].events.indices.filter({ hosts[host].events[$0].due <= now })
                .randomElement(using: &random)
        {
            perform(hosts[host].events.remove(at: index).event, at: host)
        }
        settleClients(host)
        goOnDraining(host)
        goOnShelving(host)
        lookAtShelf(host)
        input(host, .turnEnded)
    }

    private mutating func perform(_ event: ModelHost.Event, at host: Int) {
        switch event {
        case .answer(let answer, let request):
            if case .accepted = answer { hosts[host].reachedAt = now }
            input(host, .bus(.answer(answer, request: request)))
        case .frame(let bytes, let to):
            guard to == hosts[host].node.incarnation else { return }
            let unreadable = hosts[host].node.counted.unreadable
            input(host, .bus(.frame(bytes)))
            if hosts[host].node.counted.unreadable > unreadable { checkFrame(bytes, at: host) }
        case .kicked(let connection, let wasHere):
            input(host, .kicked(connection, wasHere: wasHere))
        case .reborn: input(host, .reborn(Incarnation(raw: number())))
        }
    }

    mutating func input(_ host: Int, _ input: ClusterNode.Input) {
        guard hosts[host].isRunning else { return }
        let before = hosts[host].node.standing
        depth += 1
        for effect in hosts[host].node.handle(input) {
            // What the store and the lines are asked says nothing to the relay.
            if before == .condemned, hosts[host].node.standing == .condemned, effect.isForRelay {
                faults.append("\(hosts[host].name) goes on after its death: \(effect)")
            }
            perform(effect, at: host)
        }
        depth -= 1
        while depth == 0, !hosts[host].following.isEmpty {
            self.input(host, hosts[host].following.removeFirst())
        }
    }
}
