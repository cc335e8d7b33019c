import WebSocket

/// What a loop remembers of a socket that is held.
struct HeldInput {
    /// Where in `partial` the first frame begins that was not looked at yet; behind its end while
    /// the rest of a data frame is still to come.
    var lookedAt = 0
    let sinceSeconds: UInt32
}

// Data frames of a held socket stay where they lie, masked and unchecked. What is behind them is
// looked at as it comes: control frames are taken out and answered, so that those who are held
// still answer pings, and can end. Their number costs nothing, since none is kept.
extension EventLoop {
    package mutating func hold(_ socket: SocketID) {
        guard socket.loop == index else { return post(.hold, for: socket) }
        guard let slot = slots.find(socket) else { return }
        hold(slot: slot)
    }

    package mutating func release(_ socket: SocketID) {
        guard socket.loop == index else { return post(.release, for: socket) }
        guard let slot = slots.find(socket) else { return }
        release(slot: slot)
    }

    mutating func hold(slot: Int) { hold(slot: slot, sinceSeconds: seconds32) }

    mutating func hold(slot: Int, sinceSeconds: UInt32) {
        guard !slots[slot].waits.hold else { return }
        slots[slot].waits.hold = true
        held[slot] = HeldInput(sinceSeconds: sinceSeconds)
    }

    mutating func release(slot: Int) {
        guard slots[slot].waits.hold, let input = held[slot] else { return }
        if slots[slot].isOverRate {
            // As long as before it was held, or not at all if that began meanwhile.
            let before = Int32(bitPattern: input.sinceSeconds &- slots[slot].overRateSinceSeconds)
            slots[slot].overRateSinceSeconds = seconds32 &- UInt32(max(0, before))
        }
        forgetHold(slot)
        slots[slot].waits.room = false
        setInterest(slot)
        guard !slots[slot].isReleased else { return }
        slots[slot].isReleased = true
        released.append(slot)
    }

    mutating func forgetHold(_ slot: Int) {
        guard slots[slot].waits.hold else { return }
        slots[slot].waits.hold = false
        held[slot] = nil
    }

    /// Hands on what waited at sockets that were released in this turn. That is no more than one
    /// reading of each brings, and the bytes of a message.
    mutating func continueReleased(_ handler: inout some SocketHandler & ~Copyable) {
        var position = 0
        while position < released.count {
            let slot = released[position]
            position += 1
            slots[slot].isReleased = false
            if slots[slot].state == .open, stage == .running { takePending(slot, &handler) }
        }
        released.removeAll(keepingCapacity: true)
    }

    /// Meets the control frames behind the data that a held socket has sent, and stops reading when
    /// as much of that waits as a message may have.
    mutating func takeControlBehind(_ slot: Int) {
        guard slots[slot].state == .open, var place = held[slot]?.lookedAt else { return }
        var input = ByteQueue()
        swap(&input, &slots[slot].partial)
        guard let start = unsafe input.start else { return }
        do throws(WebSocketError) {
            input.shorten(toFirst: unsafe try sift(start, input.count, slot, from: &place))
        } catch {
            fail(slot, error)
        }
        swap(&input, &slots[slot].partial)
        guard slots[slot].state == .open else { return dropInput(slot) }
        held[slot]?.lookedAt = place
        let isFull = slots[slot].partial.count + slots[slot].fragments.count >= messageBytesMax
        slots[slot].waits.room = isFull
        setInterest(slot)
    }

    /// Takes whole control frames out from `place` on, where a frame begins, and closes the gaps.
    ///
    /// - Returns: How many bytes are left; `place` is where to go on.
    private mutating func sift(
        _ bytes: UnsafeMutableRawPointer, _ count: Int, _ slot: Int, from place: inout Int
    ) throws(WebSocketError) -> Int {
        var at = place
        while at < count, slots[slot].state == .open, !slots[slot].waits.rate {
            let rest = unsafe UnsafeBufferPointer(
                start: (bytes + at).assumingMemoryBound(to: UInt8.self), count: count &- at)
            let header = try FrameHeader.parse(unsafe rest.span, payloadMax: messageBytesMax)
            guard let header else { break }
            if header.opcode.isControl {
                guard header.totalLength <= rest.count, isAdmitted(slot, header) else { break }
                unsafe try takeControl(header, bytes + at + header.headerLength, slot)
            } else {
                unsafe keep(min(header.totalLength, rest.count), of: bytes, from: at, at: place)
                place &+= header.totalLength
            }
            at &+= header.totalLength
        }
        if at < count { unsafe keep(count &- at, of: bytes, from: at, at: place) }
        return count &- (at &- place)
    }

    private func keep(
        _ count: Int, of bytes: UnsafeMutableRawPointer, from source: Int, at target: Int
    ) {
        guard source != target else { return }
        unsafe (bytes + target).copyMemory(from: bytes + source, byteCount: count)
    }

    private var seconds32: UInt32 { UInt32(truncatingIfNeeded: monotonicSeconds) }
}
