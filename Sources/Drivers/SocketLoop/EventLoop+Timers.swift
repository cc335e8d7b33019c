import WebSocket

extension EventLoop {
    /// Has a socket looked at on every tick, until it needs no more.
    mutating func watch(_ slot: Int) {
        guard !slots[slot].isWatched else { return }
        slots[slot].isWatched = true
        watched.append(slot)
    }

    /// Looks at the few sockets that are paused, probed or on their way out.
    mutating func tick(
        elapsedMilliseconds: Int64, _ handler: inout some SocketHandler & ~Copyable
    ) {
        let elapsed = UInt32(clamping: min(elapsedMilliseconds, Int64(Int32.max)))
        var kept = 0
        var position = 0
        while position < watched.count {  // Callbacks may add to the list.
            let slot = watched[position]
            position += 1
            if attend(slot, elapsed, &handler) {
                watched[kept] = slot
                kept += 1
            } else {
                slots[slot].isWatched = false
            }
        }
        watched.removeLast(watched.count - kept)
    }

    /// Whether to look again on the next tick.
    private mutating func attend(
        _ slot: Int, _ elapsed: UInt32, _ handler: inout some SocketHandler & ~Copyable
    ) -> Bool {
        switch slots[slot].state {
        case .free, .moving, .dead:
            return false
        case .open:
            checkProbe(slot, elapsed)
            checkRate(slot, &handler)
        case .closing:
            // In a stop, who has not taken everything yet has until the stop's own deadline.
            let isFlushing = stopping != nil && !slots[slot].output.isEmpty
            if slots[slot].state == .closing, hasPassed(slots[slot].deadline), !isFlushing {
                giveUpWaiting(slot)
            }
        case .shutting, .draining:
            if hasPassed(slots[slot].deadline) { abandon(slot, .lost) }
        }
        switch slots[slot].state {
        case .free, .moving, .dead: return false
        case .open: return slots[slot].isProbed || slots[slot].isOverRate
        case .closing, .shutting, .draining: return true
        }
    }

    private mutating func giveUpWaiting(_ slot: Int) {
        guard slots[slot].output.isEmpty else { return abandon(slot, .lost) }
        slots[slot].state = .shutting
        markDirty(slot)
    }

    // MARK: Probes and pings

    /// Pings at once; a second probe of a socket that is being probed changes nothing.
    mutating func probe(slot: Int, secondsMax: Int) {
        guard !slots[slot].isProbed else { return }
        slots[slot].isProbed = true
        let seconds = Int64(min(max(secondsMax, 0), Int(Int32.max) / 1000))
        slots[slot].deadline = deadline(afterMilliseconds: seconds * 1000)
        watch(slot)
        unsafe sendControl(.ping, slot, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private mutating func checkProbe(_ slot: Int, _ elapsed: UInt32) {
        guard slots[slot].isProbed else { return }
        if !slots[slot].waits.allowsReading {
            slots[slot].deadline &+= elapsed
        } else if hasPassed(slots[slot].deadline) {
            closeForSilence(slot)
        }
    }

    private mutating func closeForSilence(_ slot: Int) {
        let payload = ClosePayload.bytes(.noPong, reason: "no pong in time".utf8.span)
        beginClose(slot, .noPong, payload, then: .closing)
    }

    /// Once a second over all sockets: whether what they send gets whole, and when to ping them.
    /// Time stands still for those that are not read, and for messages of those that are held.
    mutating func sweep(elapsedSeconds: Int) {
        let step = UInt16(clamping: elapsedSeconds)
        guard stage == .running else { return }
        for slot in 0..<slots.used where slots[slot].state == .open {
            let waits = slots[slot].waits
            guard waits.allowsReading else { continue }
            if limits.messageSecondsMax > 0, waits.isEmpty { checkProgress(slot, step) }
            if limits.pingIntervalSeconds > 0, slots[slot].state == .open {
                advancePingClock(slot, step)
            }
        }
    }

    private mutating func checkProgress(_ slot: Int, _ step: UInt16) {
        let bytes = slots[slot].partial.count + slots[slot].fragments.count
        guard bytes > 0 || slots[slot].order.isInMessage else {
            slots[slot].unfinishedSeconds = 0
            return
        }
        let (seconds, isLong) = slots[slot].unfinishedSeconds.addingReportingOverflow(step)
        slots[slot].unfinishedSeconds = isLong ? .max : seconds
        let extra = bytes / max(limits.messageBytesPerSecondMin, 1)
        guard Int(slots[slot].unfinishedSeconds) > limits.messageSecondsMax + extra else { return }
        let payload = ClosePayload.bytes(.noPong, reason: "a message took too long".utf8.span)
        beginClose(slot, .noPong, payload, then: .closing)
    }

    private mutating func advancePingClock(_ slot: Int, _ step: UInt16) {
        let (clock, isLong) = slots[slot].pingClockSeconds.addingReportingOverflow(step)
        slots[slot].pingClockSeconds = isLong ? .max : clock
        let interval = min(limits.pingIntervalSeconds, Int(UInt16.max))
        guard Int(slots[slot].pingClockSeconds) >= interval else { return }
        slots[slot].pingClockSeconds = 0
        let unansweredMax = limits.unansweredPingsMax
        if unansweredMax > 0, Int(slots[slot].unansweredPings) >= min(unansweredMax, 255) {
            closeForSilence(slot)
        } else {
            if slots[slot].unansweredPings < .max { slots[slot].unansweredPings += 1 }
            unsafe sendControl(.ping, slot, UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    // MARK: The message rate

    var nowMicroseconds: Int64 { now &* 1000 }

    /// Stops reading from a socket that sends too fast: what it sends waits, nothing is lost.
    mutating func pause(_ slot: Int) {
        slots[slot].waits.rate = true
        if !slots[slot].isOverRate {
            slots[slot].isOverRate = true
            slots[slot].overRateSinceSeconds = UInt32(truncatingIfNeeded: monotonicSeconds)
        }
        setInterest(slot)
        watch(slot)
    }

    /// A socket is over the rate from its first pause until it gets from one tick to the next
    /// without another. While it is held that time stands still, for good and bad.
    private mutating func checkRate(_ slot: Int, _ handler: inout some SocketHandler & ~Copyable) {
        guard slots[slot].state == .open, slots[slot].isOverRate, stage == .running else { return }
        let isHeld = slots[slot].waits.hold
        guard slots[slot].waits.rate else {
            slots[slot].isOverRate = isHeld
            return
        }
        let seconds = UInt32(truncatingIfNeeded: monotonicSeconds)
        let since = Int(seconds &- slots[slot].overRateSinceSeconds)
        if limits.overRateSecondsMax > 0, since >= limits.overRateSecondsMax, !isHeld {
            let payload = ClosePayload.bytes(.tooFast, reason: "over the message rate".utf8.span)
            return beginClose(slot, .tooFast, payload, then: .closing)
        }
        let paidUntil = slots[slot].paidUntil
        guard rate.allows(paidUntil: paidUntil, nowMicroseconds: nowMicroseconds) else { return }
        slots[slot].waits.rate = false
        setInterest(slot)
        takePending(slot, &handler)
    }
}
