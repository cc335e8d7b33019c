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

    /// Raises the format in use, once all that live can read a newer one.
    ///
    /// One that registers at the same time, and can't, is not seen here: it sees what was raised
    /// before it lets anybody in (`mayBeLeftBehind`).
    mutating func raiseFormat(_ effects: inout [Effect]) {
        guard reads > format, fate == .well, standing == .member, isOpen, reaches,
            now >= formatNextAt, let epoch
        else { return }
        var newest = reads
        for (id, other) in others where other.state != .gone {
            let isAwaited =
                other.state == .unknown
                && (other.beatAt != nil || openList?.contains(id) == true)
            if isAwaited { return }
            if other.state == .alive { newest = min(newest, max(1, other.record?.reads ?? 1)) }
        }
        guard newest > format else { return }
        formatNextAt = .max
        let bytes = FormatRecord(epoch: epoch, newest).encoded
        let request = ask(.raising(newest))
        effects.append(.write(.format, bytes, from: formatRevision, request: request))
    }

    mutating func raised(to format: UInt8, _ answer: StoreAnswer) {
        formatNextAt = now + timing.retryAfter
        // Where another's came through, the watch says so.
        guard case .accepted(let revision) = answer else { return }
        formatRevision = max(formatRevision, revision)
        self.format = max(self.format, format)
    }

    /// Others may be about to use a format that this node can't read, not having seen it yet.
    var mayBeLeftBehind: Bool {
        guard !wasMember, let seenOwnAt, now - seenOwnAt <= timing.openAfter else { return false }
        return others.values.contains { $0.state == .alive && ($0.record?.reads ?? 0) > reads }
    }
}
