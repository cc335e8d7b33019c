import Bytes

/// What comes before a newer format is used.
struct FormatRaise: Sendable {
    /// What this node wrote in buckets of before.
    var former: UInt8 = 1
    /// What all that live read, and since when nothing else was seen.
    var agreed: (format: UInt8, since: Int64)?
    /// When the store may be asked.
    var nextAt: Int64 = 0
}

extension NodeKeys {
    mutating func sawFormat(_ bytes: [UInt8]?, _ revision: Revision) {
        guard let bytes, revision > formatRevision else { return }
        formatRevision = revision
        do throws(WireFault) {
            let record = try FormatRecord(bytes)
            if record.epoch == epoch { format = max(format, record.format) }
        } catch {
            // Whoever says it in a way that can't be read here is newer.
            if error == .unknownFormat { format = .max }
        }
    }

    // MARK: Raising it

    /// Raises the format in use, once all that live have read a newer one for a while: one of an
    /// older version may only be restarting, and as long as it is the last an upgrade can be taken
    /// back.
    ///
    /// One that registers at the same time, and can't, is not seen here: it sees what was raised
    /// before it lets anybody in (`mayBeLeftBehind`).
    mutating func raiseFormat(_ effects: inout [Effect]) {
        guard reads > format, fate == .well, standing == .member, isOpen, reaches, let epoch else {
            raise.agreed = nil
            return
        }
        guard let (living, newest) = newestOfAll else { return }
        raise.former = min(raise.former, living)
        if raise.agreed?.format != newest { raise.agreed = (newest, now) }
        guard let agreed = raise.agreed, now >= raise.nextAt else { return }
        // What was in use before a bucket was made anew is used in that one as soon as it is open,
        // where nobody has come there who can't read it. Nodes write what they have back in the
        // first format, and lose what only a later one can say.
        let isLasting = now - agreed.since >= timing.raiseAfter
        let next = isLasting ? max(newest, raise.former) : raise.former
        guard next > format else { return }
        raise.nextAt = .max
        let bytes = FormatRecord(epoch: epoch, next).encoded
        let request = ask(.raising(next))
        effects.append(.write(.format, bytes, from: formatRevision, request: request))
    }

    /// The newest that all nodes read that live, and with those that may come back; nil while that
    /// is not known of one.
    private var newestOfAll: (living: UInt8, all: UInt8)? {
        var (living, away) = (reads, reads)
        for (id, other) in others {
            switch other.state {
            case .alive: living = min(living, max(1, other.record?.reads ?? 1))
            case .unknown: if other.beatAt != nil || openList?.contains(id) == true { return nil }
            case .gone: if mayComeBack(other) { away = min(away, other.record?.reads ?? reads) }
            }
        }
        return (living, min(living, away))
    }

    /// One that ended not long ago, and has not been replaced: it may be of an older version, and
    /// down for longer than a restart takes.
    private func mayComeBack(_ other: Other) -> Bool {
        guard let record = other.record, record.reads > 0, record.reads < reads,
            now - other.since < timing.awayFor, record.nodeName != nodeName
        else { return false }
        return !others.values.contains {
            $0.state == .alive && $0.record?.nodeName == record.nodeName
        }
    }

    mutating func raised(to format: UInt8, _ answer: StoreAnswer) {
        raise.nextAt = now + timing.retryAfter
        // Where another's came through, the watch says so.
        guard case .accepted(let revision) = answer else { return }
        formatRevision = max(formatRevision, revision)
        self.format = max(self.format, format)
    }

    // MARK: Being too old

    /// Others may be about to use a format that this node can't read, not having seen it yet.
    var mayBeLeftBehind: Bool {
        guard !wasMember, let seenOwnAt, now - seenOwnAt <= timing.openAfter else { return false }
        return others.values.contains(where: isNewer)
    }

    mutating func refuseIfTooOld() {
        guard fate == .well, format > reads, wasMember || haveNewerSaid else { return }
        (fate, nextAt) = (.refused(.formatTooNew(at: newerNodes)), now)
    }

    /// They say which version they are; it is waited for a short time.
    private var haveNewerSaid: Bool {
        guard isWatched else { return false }
        let isUnheard = others.values.contains { isNewer($0) && $0.heartbeat == nil }
        return !isUnheard || now - steadySince > 3 * timing.heartbeatEvery
    }

    /// Who lives and reads more than this node.
    var newerNodes: [ClusterRefusal.NewerNode] {
        others.values.filter(isNewer).map { other in
            ClusterRefusal.NewerNode(
                name: other.record?.nodeName ?? "", version: other.heartbeat?.version ?? "")
        }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private func isNewer(_ other: Other) -> Bool {
        other.state == .alive && (other.record?.reads ?? 0) > reads
    }
}
