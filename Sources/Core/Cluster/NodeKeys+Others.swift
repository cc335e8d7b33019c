import Bytes

extension NodeKeys {
    /// A heartbeat, where one is due. Whoever lost the store for too long is silent, and so will be
    /// declared dead.
    mutating func beat(_ effects: inout [Effect]) {
        guard now >= heartbeatAt, base != nil || past != .none, standing != .lost else { return }
        switch fate {
        case .well, .leaving: break
        case .condemned, .left, .refused: return
        }
        heartbeatAt = now + timing.heartbeatEvery
        let heartbeat = Heartbeat(
            incarnation, restored: hasRestored ? epoch : nil, nodeName: nodeName,
            version: version, report: report, isDraining: isDraining,
            standing: saidStanding?.rawValue ?? 0, more: more)
        effects.append(.heartbeat(heartbeat.encoded))
    }

    /// Its members stand in this bucket.
    var hasRestored: Bool { base != nil && isWatched && hasWrittenBack }

    /// Others live as far as known, or say something.
    var hearsOthers: Bool {
        others.values.contains { other in
            other.state == .alive
                || other.state != .gone && now - (other.beatAt ?? .min / 2) <= timing.silenceMost
        }
    }

    /// It left not long ago: the next process of its name may come for what it left.
    func mayReturn(_ other: Incarnation) -> Bool {
        guard hasLeft(other), let since = others[other]?.since else { return false }
        return now - since < timing.shelfKept
    }

    private func isSilent(_ other: Other) -> Bool {
        now - max(other.beatAt ?? other.since, steadySince) > timing.silenceMost
    }

    /// Whoever is silent for too long is declared dead, by one that is sure to be alive itself.
    mutating func look(at id: Incarnation, _ effects: inout [Effect]) {
        guard let other = others[id], !other.isBusy, now >= other.nextAt else { return }
        if other.state == .gone, !other.mustDie {
            guard reaches, now - other.since > timing.keysKeptFor else { return }
            // Nobody writes to a key that says this, so whoever comes first is right. Nobody is
            // told that it is gone, so each forgets it on its own.
            if other.revision != .absent {
                effects.append(.purge(.node(id), upTo: other.revision))
            }
            return forget(id)
        }
        guard other.mustDie || isSilent(other) else { return }
        guard other.mustDie || other.state == .alive else {
            // It never had a key, as far as known, and nobody has met it. What becomes of one that
            // had one in another bucket is found when this one is opened.
            if other.record == nil { others[id] = nil }
            return
        }
        guard reaches else { return }
        others[id]?.isBusy = true
        // Where no key is known, there is nothing to be looked at.
        if other.revision == .absent { return accuse(id, from: .absent, other.record, &effects) }
        effects.append(.read(.node(id), request: ask(.inquest(id))))
    }

    private mutating func accuse(
        _ id: Incarnation, from base: Revision, _ record: NodeRecord?, _ effects: inout [Effect]
    ) {
        guard let epoch else { return }
        var record = record ?? NodeRecord(.dead, epoch: epoch)
        (record.state, record.epoch) = (.dead, epoch)
        let request = ask(.verdict(id, isFirst: base == .absent))
        effects.append(.write(.node(id), record.encoded, from: base, request: request))
    }

    mutating func inquired(_ id: Incarnation, _ answer: StoreAnswer, _ effects: inout [Effect]) {
        others[id]?.isBusy = false
        others[id]?.nextAt = now + timing.retryAfter
        guard case .found(let bytes, let revision) = answer else { return }
        found(id, bytes, revision, isWatch: false, &effects)
        guard let other = others[id], reaches,
            other.mustDie || other.state == .alive && isSilent(other)
        else { return }
        others[id]?.isBusy = true
        accuse(id, from: bytes == nil ? .absent : revision, other.record, &effects)
    }

    mutating func judged(
        _ id: Incarnation, _ answer: StoreAnswer, isFirst: Bool, _ effects: inout [Effect]
    ) {
        others[id]?.isBusy = false
        others[id]?.nextAt = now + timing.retryAfter
        switch answer {
        case .accepted(let revision):
            let known = others[id]?.revision ?? revision
            others[id, default: Other(since: now)].revision = max(revision, known)
            dead(id, hasWritten: !isFirst, &effects)
        // It has a key, or another one since: that is looked at.
        case .conflict:
            if let other = others[id], other.mustDie || other.state == .alive {
                others[id]?.isBusy = true
                effects.append(.read(.node(id), request: ask(.inquest(id))))
            }
        case .unknown, .found, .next, .unreadable: return
        }
    }

    /// What another node's key says, by the watch or as it was read.
    mutating func found(
        _ id: Incarnation, _ bytes: [UInt8]?, _ revision: Revision, isWatch: Bool,
        _ effects: inout [Effect]
    ) {
        guard let bytes else {
            // That there is none may be old. Purged are only those of the dead.
            if isWatch, others[id]?.state == .gone, others[id]?.mustDie == false {
                forget(id)
            }
            return
        }
        let known = others[id] ?? Other(since: now)
        guard revision >= known.revision else { return }
        let record: NodeRecord
        do throws(WireFault) {
            record = try NodeRecord(bytes)
        } catch {
            if error == .unknownFormat, !wasMember, fate == .well {
                fate = .refused(.formatTooNew(at: newerNodes))
            }
            return
        }
        others[id] = known
        others[id]?.revision = revision
        guard record.epoch == epoch else { return }
        if known.record == nil { learned += 1 }
        others[id]?.record = record
        switch record.state {
        case .alive:
            guard known.state == .unknown else { return }
            others[id]?.state = .alive
            // It has a key: so it was no late write that named it.
            others[id]?.mustDie = false
            others[id]?.since = now
            if isOpen, let list = openList { judge(id, list, &effects) }
        // Nobody who wrote this had ever heard of it: it has had no key for long.
        case .dead, .left: dead(id, hasWritten: !record.nodeName.isEmpty, &effects)
        }
    }

    private mutating func forget(_ id: Incarnation) {
        others[id] = nil
        gone.remove(id)
    }

    /// It stands in its key.
    private mutating func dead(
        _ id: Incarnation, hasWritten: Bool, _ effects: inout [Effect]
    ) {
        // Whoever was given up before it was written down may have gone on until then.
        if others[id]?.mustDie == true, gone.contains(id) {
            rechecks.append(now + timing.recheckAfter)
        }
        others[id]?.mustDie = false
        die(id, mustBeWritten: false, hasWritten: hasWritten, &effects)
    }

    mutating func die(
        _ id: Incarnation, mustBeWritten: Bool, hasWritten: Bool = true,
        _ effects: inout [Effect]
    ) {
        if mustBeWritten { others[id, default: Other(since: now)].mustDie = true }
        guard gone.insert(id).inserted else { return }
        learned += 1
        others[id, default: Other(since: now)].state = .gone
        others[id]?.since = now
        if hasWritten { rechecks.append(now + timing.recheckAfter) }
        effects.append(.died(id))
    }

    // MARK: A new bucket

    mutating func sawOpen(
        _ bytes: [UInt8]?, _ revision: Revision, _ effects: inout [Effect]
    ) {
        openRevision = bytes == nil ? .absent : max(openRevision, revision)
        guard let bytes, let list = try? OpenList(bytes), list.epoch == epoch else { return }
        opened(list, &effects)
    }

    /// Opens the bucket, once all that were heard of late have written their members back.
    mutating func openIfRestored(_ effects: inout [Effect]) {
        guard !isOpen, fate == .well, blocked == nil, reaches, hasRestored, now >= openNextAt,
            now - steadySince >= timing.openAfter, let epoch
        else { return }
        var list: Set<Incarnation> = [incarnation]
        for (id, other) in others where other.state != .gone {
            guard let beatAt = other.beatAt, now - beatAt <= timing.openAfter else { continue }
            guard other.restored == epoch else { return }
            list.insert(id)
        }
        openNextAt = .max
        let open = OpenList(epoch: epoch, list)
        let request = ask(.opening(open))
        effects.append(.write(.open, open.encoded, from: openRevision, request: request))
    }

    mutating func tried(_ list: OpenList, _ answer: StoreAnswer, _ effects: inout [Effect]) {
        // Where it came through, or another's did, the watch says so.
        openNextAt = now + timing.retryAfter
        if case .accepted = answer { opened(list, &effects) }
    }

    private mutating func opened(_ list: OpenList, _ effects: inout [Effect]) {
        guard !isOpen else { return }
        isOpen = true
        openList = list.nodes
        // Whoever lived before and was not heard has members that nobody else knows of any more.
        if past != .none, !list.nodes.contains(incarnation) {
            return condemn()
        }
        for id in others.keys.sorted() { judge(id, list.nodes, &effects) }
        effects.append(.restored)
    }

    /// The same is said of another.
    private mutating func judge(
        _ id: Incarnation, _ list: Set<Incarnation>, _ effects: inout [Effect]
    ) {
        guard let other = others[id], other.state != .gone, !list.contains(id) else { return }
        let past = other.record.map { $0.epoch == epoch ? $0.past : .registered } ?? .none
        if past != .none { die(id, mustBeWritten: true, &effects) }
    }
}
