/// What to do before a token is verified.
package enum KeySetAdvice: Equatable, Sendable {
    /// The set is good.
    case use
    /// Use the set, and have a newer one fetched meanwhile.
    case useAndFetch
    /// Fetch, or wait for the fetch that is under way.
    case fetchFirst
    /// There is no set to use, and a fetch has failed a moment ago.
    case refuse
}

/// When to fetch a key set that is followed: what is known about the set that is held and about the
/// fetches so far. A value; times are seconds of a clock that goes on while nobody runs.
package struct KeySetSchedule<Fault: Error>: Sendable {
    package let timing: KeySetTiming
    /// When the held set left its issuer, as far as can be told.
    package private(set) var heldSince: Double?
    /// Grows with every set that is taken.
    package private(set) var generation: UInt64 = 0
    package private(set) var lastEnd: Double?
    package private(set) var failures = 0
    package private(set) var lastFault: Fault?

    package init(timing: KeySetTiming) { self.timing = timing }

    /// Nil where there is no set, or only one that is too old for any use.
    package func usableAge(at now: Double) -> Double? {
        guard let heldSince, now - heldSince < timing.keptSecondsMax else { return nil }
        return max(0, now - heldSince)
    }

    package func advice(at now: Double, isFetching: Bool) -> KeySetAdvice {
        let mayFetch = isFetching || mayFetchAgain(at: now)
        guard let age = usableAge(at: now) else { return mayFetch ? .fetchFirst : .refuse }
        guard age >= timing.renewalSeconds, mayFetch else { return .use }
        // Nobody is kept waiting by an issuer that did not answer the last time.
        return age >= timing.ageSecondsMax && failures == 0 ? .fetchFirst : .useAndFetch
    }

    /// Whether strangers' unknown `kid`s may cause a fetch.
    package func mayFetchForUnknownKey(at now: Double) -> Bool {
        guard let lastEnd else { return true }
        return now - lastEnd >= timing.cooldownSeconds
    }

    /// After failures the pause grows: 1, 2, 4, … seconds, up to the cooldown.
    private func mayFetchAgain(at now: Double) -> Bool {
        guard let lastEnd else { return true }
        let pause = Double(UInt64(1) << UInt64(min(max(failures - 1, 0), 10)))
        return now - lastEnd
            >= (failures == 0 ? timing.cooldownSeconds : min(pause, timing.cooldownSeconds))
    }

    /// When an answer to a request of `start` left the issuer; nil where the held set is newer, or
    /// where it is too old anyway.
    package func origin(start: Double, ageSeconds: Int64) -> Double? {
        let origin = start - Double(ageSeconds)
        // `Age` is in whole seconds, counted by another clock.
        let slack = ageSeconds > 0 ? 5.0 : 0
        guard Double(ageSeconds) < timing.keptSecondsMax else { return nil }
        if let heldSince, origin + slack < heldSince { return nil }
        return origin
    }

    package mutating func succeeded(origin: Double, at now: Double) {
        heldSince = max(origin, heldSince ?? origin)
        generation += 1
        lastEnd = now
        failures = 0
        lastFault = nil
    }

    package mutating func failed(_ fault: Fault, at now: Double) {
        lastEnd = now
        failures += 1
        lastFault = fault
    }
}
