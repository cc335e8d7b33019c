import CEpoll
import Glibc
import Monitoring
import WebSocket

extension EventLoop {
    private static let growthBytesMin = 16_384

    /// Reads once from a socket and handles every frame that is whole by then.
    mutating func readable(_ slot: Int, _ handler: inout some SocketHandler & ~Copyable) {
        switch slots[slot].state {
        case .free, .moving, .dead: break
        case .shutting, .draining: discard(slot)
        case .open, .closing:
            if slots[slot].partial.isEmpty {
                readFresh(slot, &handler)
            } else {
                readOn(slot, &handler)
            }
            countInput(slot)
        }
    }

    private mutating func countInput(_ slot: Int) {
        let holdsInput = !slots[slot].partial.isEmpty || !slots[slot].fragments.isEmpty
        if holdsInput || slots[slot].isCounted { countWaiting(slot) }
    }

    /// The common case: nothing is pending, so the loop's own buffer does.
    private mutating func readFresh(_ slot: Int, _ handler: inout some SocketHandler & ~Copyable) {
        let count = unsafe receive(slot, into: scratch, Self.scratchBytes)
        guard count > 0 else { return }
        let used = unsafe takeFrames(scratch, count, slot, &handler)
        guard used < count else { return }
        switch slots[slot].state {
        case .open, .closing, .moving: break
        case .free, .shutting, .draining, .dead: return
        }
        var rest = spare.take()
        let bytes = unsafe UnsafeRawBufferPointer(start: scratch + used, count: count - used)
        guard unsafe rest.append(bytes) else { return abandon(slot, .lost) }
        slots[slot].partial = rest
        if slots[slot].waits.hold { takeControlBehind(slot) }
    }

    /// A frame is pending: what comes is put behind it.
    private mutating func readOn(_ slot: Int, _ handler: inout some SocketHandler & ~Copyable) {
        let had = slots[slot].partial.count
        let room = max(Self.growthBytesMin, min(had, Self.scratchBytes))
        let start = unsafe slots[slot].partial.extend(room)
        guard let start = unsafe start else { return abandon(slot, .lost) }
        let count = unsafe receive(slot, into: start, room)
        slots[slot].partial.shorten(toFirst: had + max(count, 0))
        guard count > 0 else { return }
        takePartial(slot, &handler)
    }

    /// Handles what a socket left pending, as far as there are whole frames and it may speak.
    mutating func takePending(_ slot: Int, _ handler: inout some SocketHandler & ~Copyable) {
        takePartial(slot, &handler)
        countInput(slot)
    }

    private mutating func takePartial(
        _ slot: Int, _ handler: inout some SocketHandler & ~Copyable
    ) {
        var input = ByteQueue()
        swap(&input, &slots[slot].partial)
        if let start = unsafe input.start {
            input.consume(unsafe takeFrames(start, input.count, slot, &handler))
        }
        if input.isEmpty {
            spare.give(input)
        } else {
            swap(&input, &slots[slot].partial)
            if slots[slot].waits.hold { takeControlBehind(slot) }
        }
    }

    /// Bytes received; 0 or less when there are none, whatever the reason, which is dealt with.
    private mutating func receive(
        _ slot: Int, into buffer: UnsafeMutableRawPointer, _ room: Int
    ) -> Int {
        let count = unsafe recv(slots[slot].descriptor, buffer, room, Int32(MSG_DONTWAIT))
        if count > 0 {
            figures.bytesRead &+= count
            slots[slot].unansweredPings = 0
            slots[slot].isProbed = false
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            abandon(slot, .lost)
        }
        return count
    }

    /// What comes behind the closing handshake is of no interest, but must not lie unread.
    private mutating func discard(_ slot: Int) {
        let count = unsafe recv(
            slots[slot].descriptor, scratch, Self.scratchBytes, Int32(MSG_DONTWAIT))
        if count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)) { return }
        guard count == 0, !slots[slot].output.isEmpty else { return abandon(slot, .lost) }
        slots[slot].hasEnded = true
        setInterest(slot)
    }

    // MARK: Frames

    /// Handles whole frames in place, and the part that has come of the last one.
    ///
    /// - Returns: How many bytes are done with; the rest is to be kept for later.
    private mutating func takeFrames(
        _ bytes: UnsafeMutableRawPointer, _ count: Int, _ slot: Int,
        _ handler: inout some SocketHandler & ~Copyable
    ) -> Int {
        var at = 0
        do throws(WebSocketError) {
            while at < count {
                guard slots[slot].state == .open else {
                    return unsafe try at &+ takeUnheard(bytes + at, count &- at, slot)
                }
                guard slots[slot].waits.isEmpty else { return at }
                let start = unsafe bytes + at
                let used = unsafe try takeFrame(start, count &- at, slot, &handler)
                guard used > 0 else { return at }
                at &+= used
            }
            if slots[slot].state == .shutting { slots[slot].hasParted = true }
        } catch {
            fail(slot, error)
            return count
        }
        return at
    }

    /// Handles one frame; returns its length, or 0 if it is not whole or must wait.
    private mutating func takeFrame(
        _ start: UnsafeMutableRawPointer, _ count: Int, _ slot: Int,
        _ handler: inout some SocketHandler & ~Copyable
    ) throws(WebSocketError) -> Int {
        let bytes = unsafe UnsafeBufferPointer(
            start: start.assumingMemoryBound(to: UInt8.self), count: count)
        let limit = messageBytesMax &- slots[slot].fragments.count
        let header = try FrameHeader.parse(unsafe bytes.span, payloadMax: limit)
        guard let header else { return 0 }
        let arrived = min(count &- header.headerLength, header.payloadLength)
        let isWhole = arrived == header.payloadLength
        let payload = unsafe start + header.headerLength
        if header.opcode.isControl {
            guard isWhole, isAdmitted(slot, header) else { return 0 }
            unsafe try takeControl(header, payload, slot)
        } else {
            var order = slots[slot].order
            try order.accept(header)
            if order.isBinary, !limits.echoesBinary { throw WebSocketError(.binary) }
            unsafe try reveal(header, payload, arrived, isBinary: order.isBinary, slot)
            guard isWhole, isAdmitted(slot, header) else { return 0 }
            slots[slot].order = order
            slots[slot].checkedBytes = 0
            if header.isFinal { slots[slot].unfinishedSeconds = 0 }
            unsafe takeData(header, payload, slot, &handler)
        }
        return header.totalLength
    }

    /// What comes after our own close frame: only the peer's matters, of others nothing is kept.
    ///
    /// - Returns: As `takeFrames`. A socket that moves keeps all.
    private mutating func takeUnheard(
        _ bytes: UnsafeMutableRawPointer, _ count: Int, _ slot: Int
    ) throws(WebSocketError) -> Int {
        guard slots[slot].state == .closing else { return slots[slot].state == .moving ? 0 : count }
        var at = min(count, Int(slots[slot].checkedBytes))
        slots[slot].checkedBytes &-= UInt32(truncatingIfNeeded: at)
        while at < count, slots[slot].state == .closing {
            let start = unsafe bytes + at
            let rest = unsafe UnsafeBufferPointer(
                start: start.assumingMemoryBound(to: UInt8.self), count: count &- at)
            let header = try FrameHeader.parse(unsafe rest.span, payloadMax: messageBytesMax)
            guard let header else { break }
            let arrived = min(rest.count &- header.headerLength, header.payloadLength)
            let missing = header.payloadLength &- arrived
            if header.opcode == .close {
                guard missing == 0 else { break }
                unsafe try takeControl(header, start + header.headerLength, slot)
            }
            slots[slot].checkedBytes = UInt32(truncatingIfNeeded: missing)
            at &+= header.headerLength &+ arrived
        }
        if slots[slot].state == .shutting, at == count { slots[slot].hasParted = true }
        return slots[slot].state == .closing ? at : count
    }

    /// Drops what has come of a message that nobody will hear; whoever never answers our close
    /// frame keeps no memory by it. That answer may lie behind it.
    mutating func dropInput(_ slot: Int) {
        var fragments = ByteQueue()
        swap(&fragments, &slots[slot].fragments)
        spare.give(fragments)
        slots[slot].checkedBytes = 0
        var input = ByteQueue()
        swap(&input, &slots[slot].partial)
        guard let start = unsafe input.start else { return }
        do throws(WebSocketError) {
            input.consume(unsafe try takeUnheard(start, input.count, slot))
        } catch {
            input.removeAll()
            fail(slot, error)
        }
        if input.isEmpty {
            spare.give(input)
        } else {
            swap(&input, &slots[slot].partial)
        }
    }

    /// Counts the frame against the rate, or pauses the socket before it.
    ///
    /// A fragment is counted with the last one of its message, unless it is empty.
    mutating func isAdmitted(_ slot: Int, _ header: FrameHeader) -> Bool {
        guard rate.isLimited, header.isFinal || header.payloadLength == 0 else { return true }
        // A paused socket is looked at once a tick: it must not lose what that tick was worth.
        let waited = slots[slot].isOverRate ? Self.tickMilliseconds * 1000 : 0
        let isInTime = rate.charge(
            &slots[slot].paidUntil, nowMicroseconds: nowMicroseconds, catchUpMicroseconds: waited)
        if !isInTime { pause(slot) }
        return isInTime
    }

    mutating func takeControl(
        _ header: FrameHeader, _ payload: UnsafeMutableRawPointer, _ slot: Int
    ) throws(WebSocketError) {
        let length = header.payloadLength
        _ = unsafe Masking.remove(payload, count: length, key: header.mask, offset: 0)
        let bytes = unsafe UnsafeRawBufferPointer(start: payload, count: length)
        switch header.opcode {
        case .ping: unsafe sendControl(.pong, slot, bytes)
        case .close:
            let text = unsafe bytes.assumingMemoryBound(to: UInt8.self)
            peerCloses(slot, try ClosePayload(parsing: unsafe text.span))
        case .pong, .text, .binary, .continuation: break
        }
    }

    /// Unmasks what has come of a payload and checks it if it is text, each byte once.
    private mutating func reveal(
        _ header: FrameHeader, _ payload: UnsafeMutableRawPointer, _ arrived: Int, isBinary: Bool,
        _ slot: Int
    ) throws(WebSocketError) {
        let checked = Int(slots[slot].checkedBytes)
        let count = arrived &- checked
        let isASCII = unsafe Masking.remove(
            payload + checked, count: count, key: header.mask, offset: checked)
        slots[slot].checkedBytes = UInt32(truncatingIfNeeded: arrived)
        guard !isBinary else { return }
        if !isASCII || !slots[slot].utf8.isComplete {
            let fresh = unsafe UnsafeBufferPointer(
                start: (payload + checked).assumingMemoryBound(to: UInt8.self), count: count)
            guard slots[slot].utf8.accept(unsafe fresh.span) else {
                throw WebSocketError(.invalidUTF8)
            }
        }
        let isLast = header.isFinal && arrived == header.payloadLength
        guard !isLast || slots[slot].utf8.isComplete else { throw WebSocketError(.invalidUTF8) }
    }

    /// Hands a whole message on, or keeps a fragment for it.
    private mutating func takeData(
        _ header: FrameHeader, _ payload: UnsafeMutableRawPointer, _ slot: Int,
        _ handler: inout some SocketHandler & ~Copyable
    ) {
        let length = header.payloadLength
        if header.isFinal, slots[slot].fragments.isEmpty {
            let text = unsafe UnsafeBufferPointer(
                start: payload.assumingMemoryBound(to: UInt8.self), count: length)
            return hand(unsafe text.span, slot, &handler)
        }
        if slots[slot].fragments.capacity == 0 { slots[slot].fragments = spare.take() }
        let bytes = unsafe UnsafeRawBufferPointer(start: payload, count: length)
        guard unsafe slots[slot].fragments.append(bytes) else { return abandon(slot, .lost) }
        guard header.isFinal else { return }
        var message = ByteQueue()
        swap(&message, &slots[slot].fragments)
        let text = unsafe UnsafeBufferPointer(
            start: message.start?.assumingMemoryBound(to: UInt8.self), count: message.count)
        hand(unsafe text.span, slot, &handler)
        spare.give(message)
    }

    private mutating func hand(
        _ message: Span<UInt8>, _ slot: Int, _ handler: inout some SocketHandler & ~Copyable
    ) {
        guard !slots[slot].order.isBinary else { return echo(message, slot) }
        messagesInTurn &+= 1
        speaker = slot
        handler.received(message, from: id(of: slot), &self)
        speaker = -1
    }
}
