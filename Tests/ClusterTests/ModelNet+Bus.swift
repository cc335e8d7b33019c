import Cluster
import Signalling
import TestSupport

/// What nodes ask of the store, and say to one another.
extension ModelNet {
    mutating func perform(_ effect: ClusterNode.Effect, at host: Int) {
        switch effect {
        case .read(let key, let request): read(host, key, request)
        case .next(let revision, let request): next(host, revision, request)
        case .write(let key, let bytes, let base, let request):
            let writer = hosts[host].node.incarnation
            let write = ModelStore.Write(
                key: key, bytes: bytes, base: base, writer: writer, since: now)
            self.write(host, write, request)
        case .purge(let key, let revision):
            if !hosts[host].isStoreCut, hosts[host].epoch == store.epoch,
                store.purge(key, upTo: revision, at: now)
            {
                marks.insert(.purge)
                announce(key, nil, revision)
            }
        case .listen: break
        case .frame(let bytes, let other): publish(bytes, from: host, to: other)
        case .heartbeat(let bytes):
            for other in hosts.indices where other != host && hosts[other].isRunning {
                guard !cuts.contains([host, other]), isOrderly || !chance(5) else { continue }
                hosts[other].heartbeats.append(bytes)
            }
        default: relay(effect, at: host)
        }
    }

    private mutating func answer(_ host: Int, _ answer: StoreAnswer, _ request: UInt64, at due: Int)
    {
        hosts[host].events.append((due, .answer(answer, request: request)))
    }

    private mutating func read(_ host: Int, _ key: StoreKey, _ request: UInt64) {
        guard !hosts[host].isStoreCut, hosts[host].isConnected, !chance(10) else {
            let failure: StoreAnswer = Bool.random(using: &random) ? .unknown : .unreadable
            return answer(host, failure, request, at: later(8) + 1)
        }
        // Keys bear the nonce of their bucket.
        guard hosts[host].epoch == store.epoch else {
            return answer(host, .found(nil, .absent), request, at: later())
        }
        let version = isCalm ? store.newest(key) : store.read(key, at: now, &random)
        if version.revision != store.newest(key).revision {
            marks.insert(version.bytes == nil ? .oldAbsence : .oldRead)
        }
        answer(host, .found(version.bytes, version.revision), request, at: later())
    }

    private mutating func next(_ host: Int, _ revision: Revision, _ request: UInt64) {
        guard !hosts[host].isStoreCut, hosts[host].isConnected, !chance(10) else {
            return answer(host, .unreadable, request, at: later(8) + 1)
        }
        guard hosts[host].epoch == store.epoch, let next = store.next(after: revision) else {
            return answer(host, .found(nil, .absent), request, at: later())
        }
        answer(host, .next(next.room, next.bytes, next.revision), request, at: later())
    }

    private mutating func write(_ host: Int, _ write: ModelStore.Write, _ request: UInt64) {
        // A bucket's subjects bear its nonce: what is for another finds nobody.
        if !hosts[host].isConnected || hosts[host].epoch != store.epoch {
            return answer(host, .unknown, request, at: later(2) + 1)
        }
        if hosts[host].isStoreCut || now < store.elections || chance(10) {
            if chance(3) {
                let due = now + Int.random(in: 1..<ModelStore.lateness, using: &random)
                store.setLater(write, at: due)
            }
            return answer(host, .unknown, request, at: later(15) + 3)
        }
        let revision = store.set(write, at: now)
        if let revision {
            accepted(ModelStore.Change(write: write, revision: revision))
        } else {
            marks.insert(.conflict)
        }
        if chance(8) {
            if revision != nil { marks.insert(.silence) }
            return answer(host, .unknown, request, at: later(8) + 1)
        }
        answer(host, revision.map { .accepted($0) } ?? .conflict, request, at: later())
    }

    /// A write stands in the store.
    mutating func accepted(_ change: ModelStore.Change) {
        let write = change.write
        announce(write.key, write.bytes, change.revision)
        switch write.key {
        case .node(let id):
            guard let record = try? NodeRecord(write.bytes) else { return }
            if record.epoch != store.epoch { faults.append("a write of another epoch") }
            if record.past != .none { marks.insert(.veteran) }
            guard record.state != .alive, fallen[id]?.epoch != store.epoch else { return }
            fallen[id] = (now, store.epoch)
            hasDied = hasDied || record.state == .dead
            marks.insert(record.state == .dead ? .death : .farewell)
        case .open:
            guard let list = try? OpenList(write.bytes) else { return }
            marks.insert(.opened)
            let before = store.buried.flatMap(\.keys).compactMap { key in
                if case .node(let id) = key { id } else { nil }
            }
            for id in before where !list.nodes.contains(id) { unlisted.insert(id) }
        case .format:
            marks.insert(.raised)
            if (try? FormatRecord(write.bytes))?.epoch != store.epoch {
                faults.append("a format of another epoch")
            }
        case .room(let room):
            if store.isSwept(room) { marks.insert(.swept) }
            if write.bytes[2] > store.format { faults.append("a format before its time") }
            // By then everybody may think that it is over.
            let most = Timing.model.reachFor / Self.stepMilliseconds + 1
            if let end = fallen[write.writer], end.epoch == store.epoch,
                write.since > end.step + Int(most)
            {
                faults.append("\(write.writer.raw) wrote long after its death")
            }
        }
    }

    private mutating func announce(_ key: StoreKey, _ bytes: [UInt8]?, _ revision: Revision) {
        if case .room = key { return }
        for host in hosts.indices where hosts[host].isRunning && hosts[host].isConnected {
            guard hosts[host].epoch == store.epoch else { continue }
            hosts[host].watched.append(.watched(key, bytes, revision))
        }
    }

    // MARK: Connections

    mutating func connect(_ host: Int) {
        hosts[host].connectAt = nil
        failAll(host)
        hosts[host].isConnected = true
        hosts[host].epoch = store.epoch
        hosts[host].watched = []
        let current = store.keys.sorted {
            store.newest($0.key).revision < store.newest($1.key).revision
        }
        for (key, versions) in current {
            if case .room = key { continue }
            guard let version = versions.last, let bytes = version.bytes else {
                continue
            }
            hosts[host].watched.append(.watched(key, bytes, version.revision))
        }
        hosts[host].watched.append(.watchedAll)
        input(host, .bus(.connected(store.epoch)))
    }

    mutating func disconnect(_ host: Int) {
        guard isAwake(host), hosts[host].isConnected else { return }
        hosts[host].isConnected = false
        tick(host)
        input(host, .bus(.disconnected))
        failAll(host)
    }

    /// Whatever was asked before is answered with `unknown`.
    private mutating func failAll(_ host: Int) {
        let pending = hosts[host].events
        hosts[host].events = pending.filter { if case .answer = $0.event { false } else { true } }
        for case (_, .answer(_, let request)) in pending {
            input(host, .bus(.answer(.unknown, request: request)))
        }
    }

    // MARK: Lines

    private mutating func publish(_ bytes: [UInt8], from host: Int, to other: Incarnation) {
        guard let to = self.host(of: other) else { return }
        let copies = cuts.contains([host, to]) || !isSmooth && chance(5) ? 0 : chance(6) ? 2 : 1
        if copies != 1 { marks.insert(copies == 0 ? .frameLost : .frameDoubled) }
        for _ in 0..<copies { hosts[to].events.append((later() + 1, .frame(bytes, to: other))) }
    }
}

extension ClusterNode.Effect {
    var isForRelay: Bool {
        switch self {
        case .read, .next, .write, .purge, .listen, .frame, .heartbeat, .standing: false
        case .refused(_, _, .temporarilyUnavailable), .cameBack(_, isHere: false): false
        default: true
        }
    }
}
