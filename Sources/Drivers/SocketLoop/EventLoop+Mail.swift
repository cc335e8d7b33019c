import CEpoll
import Glibc
import WebSocket

extension EventLoop {
    /// An inbox that once grew over this is given back.
    private static let inboxBytesKept = 1 << 20

    func watchMailbox() {
        var event = unsafe epoll_event(
            events: EPOLLIN.rawValue, data: epoll_data_t(u64: Self.mailboxKey))
        let status = unsafe epoll_ctl(poll, EPOLL_CTL_ADD, mailboxes[index].event, &event)
        precondition(status == 0, "the first descriptor of an epoll can always be added")
    }

    /// Performs what other loops and threads asked for since the last turn.
    ///
    /// What a thread posts before it tells or hands on something is performed before that: so the
    /// deliveries are taken out first, and looked at last.
    mutating func collectMail<Handler: SocketHandler & ~Copyable>(
        _ handler: inout Handler, _ deliveries: Deliveries<Handler.Admission, Handler.Note>
    ) {
        var mail = ByteQueue()
        swap(&mail, &inbox)
        mailboxes[index].noteCome()
        let items = deliveries.collect()
        var lent = LentBytes()
        if let stop = mailboxes[index].collect(&mail, &lent) { stopping = stop }
        perform(mail, lent)
        mail.removeAll()
        if mail.capacity <= Self.inboxBytesKept { swap(&mail, &inbox) }
        for item in items {
            switch item {
            case .socket(let descriptor, let earlyBytes, let admission):
                adopt(descriptor, earlyBytes, admission, &handler)
            case .moved(let moved, let admission):
                arrive(moved, admission, &handler)
            case .note(let note):
                handler.told(note, &self)
            }
        }
        if stopping != nil, stage == .running { beginStop() }
    }

    private mutating func perform(_ mail: borrowing ByteQueue, _ lent: LentBytes) {
        guard let start = unsafe mail.start else { return }
        let count = mail.count
        var at = 0
        var lender = -1
        while at < count {
            let record = unsafe LoopRecord(reading: start + at)
            if record.kind == .lentNext { lender += 1 }
            if record.kind == .lent || record.kind == .lentNext {
                let rest = unsafe UnsafeRawBufferPointer(start: start + at, count: count - at)
                at += unsafe passOn(rest, of: lent.arrays[lender])
                continue
            }
            at += LoopRecord.headerLength
            let bytes = unsafe UnsafeRawBufferPointer(start: start + at, count: record.length)
            at += record.length
            if record.kind == .overload { giveWay(record.socket) }
            guard let slot = slots.find(record.socket) else { continue }
            unsafe perform(record.kind, bytes, slot)
        }
    }

    private mutating func perform(
        _ kind: LoopRecord.Kind, _ bytes: UnsafeRawBufferPointer, _ slot: Int
    ) {
        switch kind {
        case .frame:
            guard let room = unsafe reserve(slot, bytes.count) else { return }
            unsafe UnsafeMutableRawBufferPointer(start: room, count: bytes.count)
                .copyMemory(from: bytes)
        case .close:
            let code = unsafe UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self))
            let payload = unsafe Array(bytes)
            beginClose(slot, CloseCode(rawValue: code), payload, then: .closing)
        case .probe:
            let seconds = unsafe bytes.loadUnaligned(as: Int64.self)
            probe(slot: slot, secondsMax: Int(seconds))
        case .nudge:
            nudge(slot: slot)
        case .hold: hold(slot: slot)
        case .release: release(slot: slot)
        case .overload: break  // Its socket may be closing already.
        case .lent, .lentNext: break  // Several at once.
        }
    }

    /// Calls the handler for every socket that was nudged and is still there.
    mutating func deliverNudges(_ handler: inout some SocketHandler & ~Copyable) {
        var position = 0
        while position < nudged.count {
            let slot = nudged[position]
            position += 1
            slots[slot].isNudged = false
            if slots[slot].state == .open { handler.nudged(id(of: slot), &self) }
        }
        nudged.removeAll(keepingCapacity: true)
    }

    mutating func postOutboxes() { outboxes.post(to: mailboxes) }

    // MARK: Adopting

    private mutating func adopt<Handler: SocketHandler & ~Copyable>(
        _ descriptor: Int32, _ earlyBytes: [UInt8], _ admission: Handler.Admission,
        _ handler: inout Handler
    ) {
        if let stopping { return turnAway(descriptor, CloseCode(rawValue: stopping.code)) }
        guard slots.liveCount < socketsMax,
            let slot = place(descriptor, of: handler.owner(of: admission))
        else {
            return turnAway(descriptor, .overloaded)
        }
        guard register(slot) else {
            vacate(slot)
            return turnAway(descriptor, .overloaded)
        }
        handler.opened(id(of: slot), admission, &self)
        guard !earlyBytes.isEmpty else { return }
        guard slots[slot].partial.append(earlyBytes) else { return abandon(slot, .lost) }
        takePending(slot, &handler)
    }

    /// A slot for a socket, which is open from now on; nil when all are taken.
    mutating func place(_ descriptor: Int32, of owner: any SocketOwner) -> Int? {
        guard let slot = slots.take() else { return nil }
        if slot < owners.count { owners[slot] = owner } else { owners.append(owner) }
        slots[slot].descriptor = descriptor
        slots[slot].state = .open
        return slot
    }

    /// Has epoll report about a socket; false if the kernel has no memory for that.
    mutating func register(_ slot: Int) -> Bool {
        let reads = isRead(slot)
        slots[slot].interest = reads ? 1 : 0
        var event = unsafe epoll_event(
            events: reads ? EPOLLIN.rawValue : 0, data: epoll_data_t(u64: id(of: slot).raw))
        return unsafe epoll_ctl(poll, EPOLL_CTL_ADD, slots[slot].descriptor, &event) == 0
    }

    /// Closes a socket that came too late, or that no loop took.
    func turnAway<Admission, Note>(_ item: Deliveries<Admission, Note>.Item) {
        switch item {
        case .socket(let descriptor, _, _):
            turnAway(descriptor, stopping.map { CloseCode(rawValue: $0.code) } ?? .goingAway)
        case .moved(let moved, _): closers.close(moved.descriptor)
        case .note: break
        }
    }

    /// Closes a socket that there is no place for; the close frame is tried once.
    func turnAway(_ descriptor: Int32, _ code: CloseCode) {
        let payload = ClosePayload.bytes(code, reason: "".utf8.span)
        let frame = ServerFrame(.close, payloadLength: payload.count).header + payload
        let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
        unsafe frame.withUnsafeBytes { bytes in
            _ = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
        }
        shutdown(descriptor, Int32(SHUT_WR))
        // What lies unread would turn the close into a reset that eats the close frame.
        unsafe recv(descriptor, scratch, Self.scratchBytes, Int32(MSG_DONTWAIT))
        closers.close(descriptor)
    }
}
