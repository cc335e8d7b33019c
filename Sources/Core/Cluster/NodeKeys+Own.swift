import Bytes

extension NodeKeys {
    private var record: NodeRecord? {
        guard let epoch else { return nil }
        let isEnding =
            switch fate {
            case .well, .condemned: false
            case .leaving, .left, .refused: true
            }
        return NodeRecord(
            isEnding ? .left : .alive, epoch: epoch, first: first, past: past, nodeName: nodeName,
            alike: alike, reads: reads, more: more)
    }

    /// Sets its own key, for the first time or again, or asks what has become of it.
    mutating func keepOwn(_ effects: inout [Effect]) {
        guard isConnected, isWatched, !isBusy, now >= nextAt, let record else { return }
        // One that will not be let in need not be heard of.
        if base == nil, format > reads { return }
        switch fate {
        case .well, .leaving: break
        // Once; whoever is in the way does not depend on it.
        case .refused: if base == nil { return }
        case .condemned, .left: return
        }
        isBusy = true
        nextAt = now + timing.renewEvery
        let request = ask(.renewal(sentAt: now, isFarewell: record.state == .left))
        effects.append(
            .write(.node(incarnation), record.encoded, from: base ?? blank, request: request))
        if case .refused = fate { base = nil }
    }

    mutating func renewed(
        _ answer: StoreAnswer, _ sentAt: Int64, isFarewell: Bool, _ effects: inout [Effect]
    ) {
        isBusy = false
        switch answer {
        case .accepted(let revision):
            base = max(revision, base ?? revision)
            if first == .absent { first = revision }
            reachedAt = max(sentAt, reachedAt ?? sentAt)
            guard fate == .leaving else { return }
            // It may have been asked for while nobody was leaving yet.
            if isFarewell { fate = .left } else { nextAt = now }
        case .conflict:
            isBusy = true
            effects.append(.read(.node(incarnation), request: ask(.look)))
        // The next one is refused where this one came through.
        case .unknown, .found, .next, .unreadable: nextAt = now + timing.retryAfter
        }
    }

    mutating func looked(_ answer: StoreAnswer) {
        isBusy = false
        nextAt = now + timing.retryAfter
        guard case .found(let bytes, let revision) = answer else { return }
        guard bytes == nil else { return foundOwn(bytes, revision) }
        blank = .absent
        // What is read may be old, but not that old. Whoever slept for so long that its death was
        // forgotten is dead all the same.
        let reachedAt = reachedAt ?? now
        if base != nil, now - reachedAt > timing.lostAfter { condemn() }
    }

    /// It is dead, as others have it.
    mutating func condemn() {
        switch fate {
        case .well: fate = .condemned
        case .leaving: fate = .left
        case .condemned, .left, .refused: return
        }
    }

    mutating func foundOwn(_ bytes: [UInt8]?, _ revision: Revision) {
        guard let bytes else { return }
        let record: NodeRecord
        do throws(WireFault) {
            record = try NodeRecord(bytes)
        } catch {
            // Nobody writes to it but to say that it is dead, however that is said one day.
            if error == .unknownFormat, base != nil { return condemn() }
            return writeOver(revision)
        }
        guard record.epoch == epoch else { return writeOver(revision) }
        switch record.state {
        case .alive:
            guard revision > base ?? .absent else { return }
            base = revision
            if first == .absent { first = record.first == .absent ? revision : record.first }
            if !isBusy { nextAt = min(nextAt, now) }
        case .dead: condemn()
        case .left:
            if fate == .leaving { fate = .left }
        }
    }

    /// What lies there is of an older bucket, written late, or nothing that a node writes.
    private mutating func writeOver(_ revision: Revision) {
        guard let base else { return blank = max(blank, revision) }
        guard revision > base else { return }
        self.base = revision
        if !isBusy { nextAt = min(nextAt, now) }
    }

    // MARK: Who is in the way

    /// Of two nodes of one name, and of two with differing settings, the one that came later gives
    /// way. It waits for a while: the other may be dead, and will be declared so.
    mutating func lookForRivals() {
        guard isWatched, !others.isEmpty else {
            blocked = nil
            return
        }
        var why: ClusterRefusal?
        for other in others.values where other.state == .alive && comesBefore(other) {
            guard let record = other.record else { continue }
            if record.nodeName == nodeName {
                why = .nameTaken
            } else if why == nil, let setting = difference(from: record) {
                why = .differs(setting.string, from: record.nodeName.string)
            }
        }
        guard let why else {
            blocked = nil
            return
        }
        let since = blocked?.since ?? now
        blocked = (since, why)
        if now - since > timing.nameWait { (fate, nextAt) = (.refused(why), now) }
    }

    private func comesBefore(_ other: Other) -> Bool {
        guard let record = other.record else { return false }
        let past: NodeRecord.Past = past == .member ? .member : .none
        let theirs: NodeRecord.Past = record.past == .member ? .member : .none
        guard theirs == past else { return theirs > past }
        let since = record.first == .absent ? other.revision : record.first
        return first == .absent || since < first
    }

    private func difference(from record: NodeRecord) -> ByteText? {
        for own in alike {
            let theirs = record.alike.first { $0.setting == own.setting }
            if let theirs, theirs.value != own.value { return own.setting }
        }
        return nil
    }
}
