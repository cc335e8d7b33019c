extension NodeKeys {
    /// Each code of one that is joining is told in docs/operating.md.
    var currentStanding: NodeStanding {
        switch fate {
        case .condemned: return .condemned
        case .refused(let refusal): return .refused(refusal)
        case .left: return .left
        case .well, .leaving: break
        }
        if wasMember {
            let reachedAt = reachedAt ?? steadySince
            if now - reachedAt > timing.lostAfter { return .lost }
            // Whoever was asleep is given time to renew.
            if now - max(reachedAt, awakeSince) > timing.reachFor { return .cutOff }
        }
        let why: StaticString =
            if !isConnected {
                "connecting"
            } else if !isWatched {
                now - steadySince <= timing.registerWait ? "connecting" : "not_watched"
            } else if format > reads {
                "older_format"
            } else if base == nil || seenOwn < first {
                if now - steadySince <= timing.registerWait {
                    "registering"
                } else if base == nil {
                    "not_written"
                } else {
                    "not_seen"
                }
            } else if let blocked {
                if case .nameTaken = blocked.why { "name_taken" } else { "settings_differ" }
            } else if isOpen {
                "older_format"
            } else {
                "opening"
            }
        // Who is in the way of one that is new is known once all was seen.
        let isIn =
            base != nil && seenOwn >= first && blocked == nil && isOpen
            && (isWatched || wasMember) && format <= reads && !mayBeLeftBehind
        return isIn ? .member : .joining(StableCode(why))
    }
}
