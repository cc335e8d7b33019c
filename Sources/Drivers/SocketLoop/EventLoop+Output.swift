import Bytes
import CEpoll
import Glibc
import Identifiers
import Monitoring
import WebSocket

extension EventLoop: SocketOutput {
    package var monotonicSeconds: Int64 { now / 1000 }

    package mutating func send(
        to socket: SocketID, head: Span<UInt8>, body: Span<UInt8>, tail: Span<UInt8>
    ) {
        let length = head.count &+ body.count &+ tail.count
        let frame = ServerFrame(.text, payloadLength: length)
        figures.messagesSent &+= 1
        guard let room = unsafe room(for: socket, frame.headerLength &+ length) else { return }
        unsafe frame.write(head, body, tail, to: room)
    }

    /// Sends a binary message back.
    mutating func echo(_ message: Span<UInt8>, _ slot: Int) {
        let frame = ServerFrame(.binary, payloadLength: message.count)
        guard let room = unsafe reserve(slot, frame.headerLength + message.count) else { return }
        _ = unsafe ServerFrame.copy(message, to: frame.write(to: room))
    }

    package mutating func close(_ socket: SocketID, _ code: CloseCode, reason: StaticString) {
        let payload = ClosePayload.bytes(code, reason)
        if socket.loop == index {
            guard let slot = slots.find(socket) else { return }
            beginClose(slot, code, payload, then: .closing)
        } else {
            outboxes.addClose(of: socket, payload)
        }
    }

    package mutating func probe(_ socket: SocketID, secondsMax: Int) {
        if socket.loop == index {
            guard let slot = slots.find(socket) else { return }
            probe(slot: slot, secondsMax: secondsMax)
        } else {
            outboxes.addProbe(of: socket, secondsMax: secondsMax)
        }
    }

    package mutating func nudge(_ socket: SocketID) {
        if socket.loop == index {
            guard let slot = slots.find(socket) else { return }
            nudge(slot: slot)
        } else {
            post(.nudge, for: socket)
        }
    }

    /// Asks another loop for something that needs no bytes.
    mutating func post(_ kind: LoopRecord.Kind, for socket: SocketID) {
        outboxes.add(kind, for: socket)
    }

    mutating func nudge(slot: Int) {
        guard !slots[slot].isNudged else { return }
        slots[slot].isNudged = true
        nudged.append(slot)
    }

    package mutating func postNow() { postOutboxes() }

    // MARK: Queueing

    /// Room for a frame to any loop's socket; nil if it is gone, or must go for its queue is full.
    private mutating func room(for socket: SocketID, _ total: Int) -> UnsafeMutableRawPointer? {
        if socket.loop == index {
            guard let slot = slots.find(socket) else { return nil }
            return unsafe reserve(slot, total)
        }
        guard socket.loop < outboxes.count else { return nil }
        outboxes.postIfLarge(socket.loop, mailboxes)
        let isAdmitted = !outboxes[socket.loop].isCrowded || admits(total, to: socket.loop)
        return unsafe outboxes.addFrame(for: socket, total, isAdmitted: isAdmitted)
    }

    /// Of whoever speaks: nobody is sent anything by other clients.
    @inline(never) private mutating func admits(_ total: Int, to loop: Int) -> Bool {
        let client = speaker >= 0 ? owners[speaker]?.clientID ?? "" : ""
        return outboxes[loop].admits(total, of: client, senders: outboxes.count - 1)
    }

    /// Room for `total` bytes at the end of an open socket's queue; nil if there is none, in which
    /// case the socket is being closed with 1013 or is lost.
    mutating func reserve(_ slot: Int, _ total: Int) -> UnsafeMutableRawPointer? {
        bytesInTurn &+= total
        if bytesInTurn > Self.bytesPerTurnMax {
            sendQueued()
            guard slots[slot].state == .open else { return nil }
        }
        if slots[slot].output.count &+ total > outboundBytesMax {
            guard relieve(slot, total) else { return nil }
        }
        if slots[slot].output.capacity == 0 { slots[slot].output = spare.take() }
        guard let room = unsafe slots[slot].output.extend(total) else {
            overload(slot)
            return nil
        }
        markDirty(slot)
        return unsafe room
    }

    /// A full queue may only mean that the turn has been long: sends before it gives up.
    @inline(never) private mutating func relieve(_ slot: Int, _ total: Int) -> Bool {
        if !slots[slot].isBlocked { flush(slot) }
        guard slots[slot].state == .open else { return false }
        if slots[slot].output.count + total <= outboundBytesMax { return true }
        overload(slot)
        return false
    }

    /// Drops what is queued but the frame that is begun, and closes with 1013.
    mutating func overload(_ slot: Int) {
        slots[slot].output.shorten(toFirst: Int(slots[slot].begunFrameBytes))
        beginClose(slot, .overloaded, ClosePayload.overload, then: .closing)
    }

    /// Queues a control frame of at most 125 bytes, as any frame: within the limit.
    mutating func sendControl(
        _ opcode: FrameHeader.Opcode, _ slot: Int, _ payload: UnsafeRawBufferPointer
    ) {
        let frame = ServerFrame(opcode, payloadLength: payload.count)
        guard let room = unsafe reserve(slot, frame.headerLength + payload.count) else { return }
        let start = unsafe frame.write(to: room)
        unsafe UnsafeMutableRawBufferPointer(start: start, count: payload.count)
            .copyMemory(from: payload)
    }

    /// Queues a close frame over any limit: it is the last.
    mutating func queueClose(_ slot: Int, _ payload: [UInt8]) {
        let frame = ServerFrame(.close, payloadLength: payload.count)
        markDirty(slot)
        if slots[slot].output.capacity == 0 { slots[slot].output = spare.take() }
        let room = unsafe slots[slot].output.extend(frame.headerLength + payload.count)
        guard let room = unsafe room else { return }
        let start = unsafe frame.write(to: room)
        unsafe payload.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: start, count: bytes.count)
                .copyMemory(from: bytes)
        }
    }

    mutating func markDirty(_ slot: Int) {
        guard !slots[slot].isDirty else { return }
        slots[slot].isDirty = true
        dirty.append(slot)
    }

    // MARK: Sending

    /// Sends what is queued, as far as the kernel takes it.
    mutating func flush(_ slot: Int) {
        switch slots[slot].state {
        case .free, .moving, .dead: return
        case .open, .closing, .shutting, .draining: break
        }
        // The end of the stream goes out with the last bytes, in one segment.
        let isLast = slots[slot].state == .shutting
        let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT | (isLast ? MSG_MORE : 0))
        while !slots[slot].output.isEmpty {
            guard let start = unsafe slots[slot].output.start else { break }
            let count = slots[slot].output.count
            let sent = unsafe Glibc.send(slots[slot].descriptor, start, count, flags)
            figures.bytesSent &+= max(sent, 0)
            if sent == count {
                slots[slot].begunFrameBytes = 0
                slots[slot].output.removeAll()
            } else if sent >= 0 {
                noteSent(slot, sent)
            } else if errno == EAGAIN {
                slots[slot].isBlocked = true
                setInterest(slot)
                return countWaiting(slot)
            } else if errno != EINTR {
                return abandon(slot, .lost)
            }
        }
        if slots[slot].output.capacity > 0 {
            var buffer = ByteQueue()
            swap(&buffer, &slots[slot].output)
            spare.give(buffer)
        }
        setInterest(slot)
        if slots[slot].isCounted { countWaiting(slot) }
        if slots[slot].state == .shutting { shutDown(slot) }
    }

    /// Keeps count of where in a frame the sending stopped, so that the rest can be left whole.
    private mutating func noteSent(_ slot: Int, _ sent: Int) {
        var left = sent
        var at = 0
        var frame = Int(slots[slot].begunFrameBytes)
        let count = slots[slot].output.count
        let start = unsafe slots[slot].output.start
        while left > 0 {
            if frame == 0, let start = unsafe start {
                let bytes = unsafe UnsafeRawBufferPointer(start: start + at, count: count - at)
                frame = ServerFrame.totalLength(
                    startingWith: unsafe bytes.assumingMemoryBound(to: UInt8.self).span)
            }
            let step = min(frame, left)
            frame -= step
            left -= step
            at += step
        }
        slots[slot].begunFrameBytes = UInt32(frame)
        slots[slot].output.consume(sent)
    }

    /// Whether epoll is to report what a socket has to read.
    func isRead(_ slot: Int) -> Bool {
        slots[slot].waits.allowsReading && !slots[slot].hasEnded
            && (stage == .running || slots[slot].state != .open)
    }

    /// Tells epoll what to report, if that changed.
    mutating func setInterest(_ slot: Int) {
        let reads = isRead(slot)
        let wanted: UInt8 = (reads ? 1 : 0) | (slots[slot].isBlocked ? 2 : 0)
        guard wanted != slots[slot].interest else { return }
        slots[slot].interest = wanted
        var event = unsafe epoll_event(
            events: (reads ? EPOLLIN.rawValue : 0)
                | (slots[slot].isBlocked ? EPOLLOUT.rawValue : 0),
            data: epoll_data_t(u64: id(of: slot).raw))
        unsafe epoll_ctl(poll, EPOLL_CTL_MOD, slots[slot].descriptor, &event)
    }

    func id(of slot: Int) -> SocketID {
        SocketID(loop: index, slot: slot, generation: slots[slot].generation)
    }
}
